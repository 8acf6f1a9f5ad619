# `make help` lists the targets. Everything is installed into .venv, nothing outside this folder is changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MXNET_VENV := .venv-mxnet
DALI_VENV := .venv-dali
TORCH_VENV := .venv-torch
PEERS_VENV := .venv-peers
# What `make bench` measures: size of the corpora, timed runs of each command; the formats that it compares with.
SCALE ?= 1
RUNS ?= 5
SEED ?= 20250131
SOAK_SECONDS ?= 90
SOAK_FUZZ ?= 300
# Programs without which `make bench` is an error: mxnet, and those of PEERS; else it goes on without them, and says so.
REQUIRE ?=
PEERS ?= webdataset litdata tfrecord array_record dali
CORPORA := .corpora
# What `make test-torch` installs as PyTorch.
TORCH ?= torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help demo test lint format test-wheel test-pythons test-torch faults soak interop bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# OpenCV's full build needs libGL; where that is missing, its headless twin takes its place.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "im2rec needs Python 3.10 or newer; run: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -c 'import cv2' 2>/dev/null || $(BIN)/python -m pip install --quiet --force-reinstall --no-deps opencv-python-headless
	@touch $@

$(VENV)/.developer: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed ## list, pack and verify the real photographs in examples/photos
	@$(BIN)/python examples/demo.py

test: $(VENV)/.developer ## run the tests, but for those of faults
	$(BIN)/python -m pytest --ignore=tests/faults

lint: $(VENV)/.developer ## check style, types, the layers of imports, and that each saboteur knows its place
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py tests/faults/test_saboteurs.py

format: $(VENV)/.developer ## format the code
	$(BIN)/ruff format .

test-wheel: $(VENV)/.developer ## build wheel and sdist, install the wheel into an empty environment, use it there
	$(BIN)/python tests/packaging/check_wheel.py

test-pythons: ## run the tests with every Python from 3.10 to 3.13 that is found
	@for python in $$($(PYTHON) tests/packaging/interpreters.py 3.10 3.13); do \
	  name=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); echo "== Python $$name: $$python"; \
	  $(MAKE) --no-print-directory test PYTHON=$$python VENV=.venv-$$name || exit 1; \
	done

# Odd and broken images that other projects test themselves with; what cannot be had is named, left out,
# and asked for again the next time.
$(CORPORA)/.fetched: $(VENV)/.developer tests/faults/corpora.py
	@$(BIN)/python tests/faults/corpora.py $(CORPORA)

$(CORPORA)/.fetched-soak: $(VENV)/.developer tests/faults/corpora.py
	@$(BIN)/python tests/faults/corpora.py $(CORPORA) --soak

# Faults, power failures, kills, mutated files, hostile names, odd images: docs/reliability.md has the table. The figures of each
# run go to .faults/; another SEED gives other cases.
faults: $(VENV)/.developer $(CORPORA)/.fetched ## what must hold under faults, at full count; half an hour on two cores
	@mkdir -p .faults && rm -f .faults/test.jsonl
	RECORDIO_TIER=test RECORDIO_SEED=$(SEED) RECORDIO_FAULTS_LOG=$(abspath .faults/test.jsonl) $(BIN)/python -m pytest tests/faults -m "not interop" --durations=10
	@$(BIN)/python tests/faults/figures.py .faults/test.jsonl

# Beyond SOAK_SECONDS a row starts no more cases (some have a multiple of it); SOAK_SECONDS=0 runs all of them, in some six hours. The fuzzer has SOAK_FUZZ.
soak: $(VENV)/.developer $(CORPORA)/.fetched-soak ## the same with many more cases, about an hour; SOAK_SECONDS=0 lifts the limit of a row
	@mkdir -p .faults && rm -f .faults/soak.jsonl
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	export RECORDIO_TIER=soak RECORDIO_SEED=$(SEED) RECORDIO_SECONDS=$(SOAK_SECONDS) SOAK_FUZZ=$(SOAK_FUZZ) RECORDIO_FAULTS_LOG=$(abspath .faults/soak.jsonl); \
	  $(BIN)/python -m pytest tests/faults/test_fuzz.py >.faults/fuzz.log 2>&1 & fuzzer=$$!; \
	  $(BIN)/python -m pytest tests/faults -m "not interop and not saboteurs" --ignore=tests/faults/test_fuzz.py --durations=10; code=$$?; \
	  wait $$fuzzer || code=1; tail -n 3 .faults/fuzz.log; $(BIN)/python tests/faults/figures.py .faults/soak.jsonl; exit $$code

# MXNet's last wheels stop at Python 3.11.
$(MXNET_VENV)/.installed:
	@python=$$($(PYTHON) tests/packaging/interpreters.py 3.8 3.11 | tail -n 1); \
	if [ -z "$$python" ]; then echo "MXNet 1.9.1 needs a Python from 3.8 to 3.11, and none was found" >&2; exit 1; fi; \
	$$python -m venv $(MXNET_VENV)
	$(MXNET_VENV)/bin/python -m pip install --quiet --disable-pip-version-check mxnet==1.9.1 numpy==1.23.5 opencv-python-headless==4.11.0.86 tqdm
	@touch $@

$(TORCH_VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(TORCH_VENV)
	$(TORCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test,torch]' $(TORCH)
	$(TORCH_VENV)/bin/python -c 'import cv2' 2>/dev/null || $(TORCH_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps opencv-python-headless
	@touch $@

test-torch: $(TORCH_VENV)/.installed ## the tests of the datasets for PyTorch, and its example, with PyTorch
	$(TORCH_VENV)/bin/python -m pytest tests/recordio/loaders/test_torch.py tests/interop/test_training_torch.py -m "interop or not interop"

# DALI reads on the CPU; no GPU is needed. Its wheels are 1 GB on disk, for Linux only.
$(DALI_VENV)/.installed:
	$(PYTHON) -m venv $(DALI_VENV)
	$(DALI_VENV)/bin/python -m pip install --quiet --disable-pip-version-check nvidia-dali-cuda120==2.4.0 numpy
	@touch $@

interop: test-torch $(VENV)/.developer $(MXNET_VENV)/.installed $(DALI_VENV)/.installed ## compare with MXNet 1.9.1 itself, byte for byte, and with DALI on the CPU; and test-torch
	IM2REC_MXNET_PYTHON=$(abspath $(MXNET_VENV)/bin/python) IM2REC_DALI_PYTHON=$(abspath $(DALI_VENV)/bin/python) $(BIN)/python -m pytest tests/interop -m interop

# One that cannot be installed is left out; the benchmark says so, with the last line of its log.
$(PEERS_VENV)/.installed:
	$(PYTHON) -m venv $(PEERS_VENV)
	@for peer in $(filter-out dali,$(PEERS)); do \
	  $(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $$peer 2>$(PEERS_VENV)/$$peer.log || \
	    echo "$$peer cannot be installed; $(PEERS_VENV)/$$peer.log says why" >&2; \
	done
	@touch $@

# It makes the environments of MXNet and of the other formats with the rules above, and goes on without one that fails unless it is in REQUIRE.
bench: $(VENV)/.installed ## measure against MXNet's tools and others; SCALE=0.05 RUNS=1 is a quick check
	BENCH_DALI=$(filter dali,$(PEERS)) $(BIN)/python benchmarks/run.py --scale $(SCALE) --runs $(RUNS) --require "$(REQUIRE)"

clean: ## remove what the targets made
	rm -rf $(VENV) .venv-* .bench .faults .corpora out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
