"""Programs that import mxnet, run by ``python -m recordio.as_mxnet``: what they print, what they write, what they are told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import alikesets
import cv2
import numpy as np
import pytest

from recordio import loaders, mxnet

PROGRAMS = Path(__file__).with_name("programs")


def run(*arguments: str | Path, folder: Path | None = None, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "recordio.as_mxnet", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done


def lines(*arguments: str | Path) -> list[str]:
    done = run(*arguments)
    assert not done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="session")
def small(golden) -> Path:
    return golden / "packs" / "default.rec"


class TestPrograms:
    def test_mxnets_guide_to_recordio(self, tmp_path):
        first = "HEADER(flag=0, label=1.0, id=1, id2=0)"
        assert lines(PROGRAMS / "recordio_guide.py", tmp_path) == [
            *(f"b'record_{number}'" for number in range(5)),
            "b'record_3' [0, 1, 2, 3, 4]",
            f"({first}, b'data') (HEADER(flag=3, label=array([1., 2., 3.], dtype=float32), id=2, id2=0), b'data')",
            f"{first} (20, 30, 3) [0, 0, 255]",
            "(20, 30, 3) <class 'numpy.uint8'> [255, 0, 0] NDArray",
            "1.9.1 cpu(0) gpu(1)",
        ]

    def test_mxnets_introduction_to_arrays(self, tmp_path):
        found = lines(PROGRAMS / "ndarray_guide.py", tmp_path)
        assert found[:4] == [
            "", "[[1. 2. 3.]", " [5. 6. 7.]]", "<NDArray 2x3 @cpu(0)> (2, 3) 6 <class 'numpy.float32'> cpu(0)",
        ]  # fmt: skip
        assert found[4:] == [
            "[[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]] 30.0 ",
            "[7.]",
            "<NDArray 1 @cpu(0)> (2, 2) (2, 2)",
            "[[1.0, 2.0, 2.0], [4.0, 2.0, 2.0]] True",
            "ndarray True True",
            "gpu(0) uint8",
            "(3, 2, 4) (24,) (3, 8) (1, 3, 2, 4) (2, 12)",
            "(6, 2, 4) (2, 3, 2, 4) (6, 2, 4) 3 (3, 2, 4)",
            "[10.5, 11.5, 12.5] 23.0 0.0",
            "[2, 0, 1] 2.0 0 1.0 [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]",
            "[2.0, 0.0, 1.0] [3.0, 1.0, 2.0] [2.0, 0.0, 1.0] (3,)",
            "[2.0, 0.0, 1.0] True True 1.0",
            "True",
            "[3.0, 4.0, 5.0]",
            "{'a': (3,), 'b': (3, 2, 4)}",
        ]

    def test_a_face_dataset_reads_its_header_and_shuffles_into_a_new_file(self, faces, tmp_path):
        found = lines(PROGRAMS / "face_dataset.py", faces.rec.parent, tmp_path)
        images = [image for key, _, image in faces.records if 1 <= key <= 7]
        labels = [int(label) for key, label, _ in faces.records if 1 <= key <= 7]
        shapes = [cv2.imdecode(np.frombuffer(image, np.uint8), 1).shape for image in images]
        assert found[0] == "7 (8, 11) [(8, 1, 4), (9, 4, 6), (10, 6, 8)]"
        assert found[1] == str([(shape, "uint8", label) for shape, label in zip(shapes, labels, strict=True)])
        order = eval(found[2])
        assert sorted(order) == list(range(1, 8))
        record = mxnet.MXIndexedRecordIO(tmp_path / "shuffled.idx", tmp_path / "shuffled.rec", "r")
        for new, old in enumerate(order):
            assert mxnet.unpack(record.read_idx(new)) == ((0, labels[old - 1], new, 0), images[old - 1])

    def test_an_iterator_of_a_programs_own_and_those_over_arrays(self, faces):
        assert lines(PROGRAMS / "face_image_iter.py", faces.rec.parent) == [
            "(8, 11) [(8, (1, 4)), (9, (4, 6)), (10, (6, 8))]",
            *["(3, 3, 16, 16) True float32 3 0"] * 4,
            "[('data', (2, 4)), ('softmax_label', (2,))]",
            "[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]] [0.0, 1.0] 0",
            "[[8.0, 9.0, 10.0, 11.0], [12.0, 13.0, 14.0, 15.0]] [2.0, 3.0] 0",
            "[[16.0, 17.0, 18.0, 19.0], [0.0, 1.0, 2.0, 3.0]] [4.0, 0.0] 1",
            "5",
            "12.0",
        ]

    def test_a_dataset_of_records_has_one_reader_that_a_subclass_may_set_or_open_anew(self, small):
        code = """
import sys, mxnet as mx
class Own(mx.gluon.data.RecordFileDataset):
    def __getitem__(self, at):
        return self._record.read_idx(self._record.keys[at])
class Set(Own):
    def __init__(self, path):
        super().__init__(path)
        self._record = mine[0] = mx.recordio.MXIndexedRecordIO(self.idx_file, self.filename, "r")
mine = [None]
plain, own, given = (kind(sys.argv[1]) for kind in (mx.gluon.data.RecordFileDataset, Own, Set))
print(all(plain[at] == own[at] == given[at] for at in range(len(plain))), own._record is own._record, given._record is mine[0])
before = own._record
own._fork()
print(own._record is not before, own[1] == plain[1])
"""
        assert lines("-c", code, small) == ["True True True", "True True"]

    def test_records_become_files_again(self, small, tmp_path):
        done = run(PROGRAMS / "rec2image.py", "--include", small.with_suffix(""), "--output", tmp_path)
        record = mxnet.MXIndexedRecordIO(small.with_suffix(".idx"), small, "r")
        assert int(done.stdout) == len(record) == len(list(tmp_path.glob("*/*.png")))
        for key in record.keys:
            header, image = mxnet.unpack_img(record.read_idx(key))
            written = cv2.imread(str(tmp_path / str(int(header.label)) / f"{header.id:08d}.png"), cv2.IMREAD_UNCHANGED)
            assert np.array_equal(written, image)

    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_processes_pack_a_list_to_mxnets_bytes(self, golden, tmp_path, method):
        if method == "fork" and not hasattr(os, "fork"):
            pytest.skip("needs fork")
        shutil.copy(golden / "packs" / "default.lst", tmp_path / "x.lst")
        (tmp_path / "images").symlink_to(golden / "images")
        lists = (tmp_path / "x.lst").read_text().splitlines()
        done = run(PROGRAMS / "image2rec.py", tmp_path / "x", golden / "images", method)
        assert int(done.stdout) == len(lists)
        for suffix in (".rec", ".idx"):
            assert (tmp_path / f"x{suffix}").read_bytes() == (golden / "packs" / f"default{suffix}").read_bytes()

    def test_image_iterators_and_augmenters(self, golden, tmp_path):
        rec = golden / "packs" / "default.rec"
        done = run(PROGRAMS / "image_iter_guide.py", rec, rec.with_suffix(".idx"), golden / "packs" / "default.lst", golden / "images")
        listed = [float(line.split("\t")[1]) for line in (golden / "packs" / "default.lst").read_text().splitlines()]
        found = done.stdout.splitlines()
        batches = -(-len(listed) // 4)
        labels = listed + listed[: 4 * batches - len(listed)]
        for number in range(batches):
            pad = 4 * batches - len(listed) if number == batches - 1 else 0
            assert found[number] == f"(4, 3, 32, 32) NDArray float32 {labels[4 * number : 4 * number + 4]} {pad}"
        rest = found[batches:]
        assert rest[0] == "(2, 3, 24, 24) True [('data', (2, 3, 24, 24))] [('softmax_label', (2,))]"  # as MXNet prints them
        assert rest[1:3] == [f"{epoch} {sorted(map(int, listed))}" for epoch in range(2)]
        height, width = cv2.imread(str(golden / "images/cat/eye.JPEG")).shape[:2]
        box = ((width - 16) // 2, (height - 16) // 2, 16, 16)
        assert rest[3] == f"(10, 20, 3) (16, 16, 3) {box} 30 (4, 4, 3) ({height}, {width}, 3) True"
        assert rest[4] == "(16, 16, 3) NDArray"
        assert rest[5].startswith("MXNetError: ")

    def test_methods_of_image_iterators_that_a_program_overrides(self, tmp_path):
        """The other file has what MXNet 1.9.1 itself prints."""
        expected = (PROGRAMS / "image_iter_hooks.txt").read_text().splitlines()
        assert lines(PROGRAMS / "image_iter_hooks.py", tmp_path) == expected

    def test_datasets_of_records_and_a_loader(self, golden, small, tmp_path):
        for name in ("cat", "coffee"):
            shutil.copytree(golden / "images" / name, tmp_path / "images" / name)
        found = lines(PROGRAMS / "gluon_data.py", tmp_path, small)
        record = mxnet.MXIndexedRecordIO(small.with_suffix(".idx"), small, "r")
        labels = [mxnet.unpack(payload)[0].label for payload in record]
        assert found[0] == "6 (30, 40, 3) NDArray 200 [[10.0, 15.0, 30.0, 30.0, 0.0], [0.0, 0.0, 20.0, 15.0, 1.0]]"
        assert found[1] == f"True {len(labels)} NDArray {labels}"
        batches = [labels[at : at + 3] for at in range(0, len(labels), 3)]
        for line, batch in zip(found[2:], batches, strict=False):
            assert line == f"({len(batch)}, 3, 32, 32) float32 {batch} float64"
        rest = found[2 + len(batches) :]
        assert rest == [
            f"{len(batches)} {sorted(map(int, labels))}",
            "[(2, 2, 2), (2,), (2,)] 4.0",
            "[(2, 2, 2), (2,), (2,)] 20.0",
            "[6.0, 7.0] 3.0 [2, 2]",
            "['cat', 'coffee'] 5 " + f"{cv2.imread(str(golden / 'images/cat/eye.JPEG')).shape} 0",
            "[2.0, 2.0]",
        ]


class TestMissingNames:
    @pytest.mark.parametrize(
        ("code", "named"),
        [
            ("mx.sym.Convolution", "mxnet.sym.Convolution"),
            ("mx.nothing", "mxnet.nothing"),
            ("mx.nd.Convolution", "mxnet.nd.Convolution"),
            ("mx.nd.zeros((2,)).backward()", "mxnet.nd.NDArray.backward"),
            ("from mxnet.gluon.nn import Dense", "mxnet.gluon.nn.Dense"),
            ("from mxnet import nothing", "mxnet.nothing"),
            ("import mxnet.nothing.more", "mxnet.nothing"),
            ("with mx.autograd.record(): pass", "mxnet.autograd.record"),
            ("mx.io.LibSVMIter", "mxnet.io.LibSVMIter"),
        ],
    )
    def test_each_is_named_with_what_there_is(self, code, named):
        done = run("-c", f"import mxnet as mx\n{code}", code=1)
        last = done.stderr.splitlines()[-1]
        assert f": {named} is missing: recordio.as_mxnet stands in for MXNet; it has mxnet.recordio, mxnet.io" in last

    @pytest.mark.parametrize(
        ("code", "hint"),
        [
            ("mx.io.MNISTIter", "Instead of MNISTIter: .*NDArrayIter takes their arrays"),
            ("mx.io.LibSVMIter(data_libsvm='x')", "Instead of LibSVMIter: its batches are sparse.*NDArrayIter takes dense arrays"),
            ("from mxnet.io import MNISTIter", "Instead of MNISTIter: "),
            ("mx.gluon.data.vision.CIFAR10()", "Instead of CIFAR10: .*ImageRecordDataset"),
            ("mx.io.ImageRecordIterator", "Did you mean mxnet.io.ImageRecordIter or "),
            ("mx.io.Nothing", "mxnet.io has CSVIter, DataBatch, .*ResizeIter$"),
        ],
    )
    def test_what_there_is_instead_is_said(self, code, hint):
        last = run("-c", f"import mxnet as mx\n{code}", code=1).stderr.splitlines()[-1]
        assert re.search(rf"no mxnet\.np, no symbols, networks or autograd\. {hint}", last)

    def test_the_library_says_it_too(self):
        with pytest.raises(AttributeError, match="no attribute 'MNISTIter': it reads files of one data set; NDArrayIter"):
            loaders.MNISTIter  # noqa: B018  (the access is the test)

    def test_modules_that_read_no_data_can_be_imported(self):
        code = "import mxnet.gluon.nn, mxnet.optimizer as o\nfrom mxnet import autograd, gluon, init, sym\nfrom mxnet.gluon import nn\n"
        assert run("-c", code + "print(hasattr(sym, 'x'), nn is gluon.nn)").stdout == "False True\n"


class TestRunning:
    def test_arguments_name_and_place_are_those_of_the_program(self, tmp_path):
        (tmp_path / "beside.py").write_text("VALUE = 7\n")
        (tmp_path / "p.py").write_text("import sys, beside\nprint(__name__, __file__, sys.argv, beside.VALUE)\n")
        assert run("p.py", "--force", "-m", "x", folder=tmp_path).stdout == "__main__ p.py ['p.py', '--force', '-m', 'x'] 7\n"
        (tmp_path / "m.py").write_text("import sys, mxnet\nprint(__name__, sys.argv[1:])\n")
        assert run("-m", "m", "-c", "x", folder=tmp_path).stdout == "__main__ ['-c', 'x']\n"
        assert run("-c", "import sys; print(sys.argv); sys.exit(5)", "a", code=5).stdout == "['-c', 'a']\n"

    @pytest.mark.parametrize("script", ["-", pytest.param("/dev/stdin", marks=pytest.mark.skipif(os.name == "nt", reason="no such file"))])
    def test_a_program_comes_through_a_pipe(self, script, tmp_path):
        (tmp_path / "beside.py").write_text("")
        program = "import sys, mxnet as mx\nprint(__name__, sys.argv, mx.nd.ones((2,)).shape)\n"
        program += "import beside\n" if script == "-" else ""  # from the current folder, as in Python
        command = [sys.executable, "-m", "recordio.as_mxnet", script, "a", "-m"]
        done = subprocess.run(command, cwd=tmp_path, input=program, capture_output=True, text=True, timeout=120, check=False)
        assert (done.stdout, done.stderr) == (f"__main__ ['{script}', 'a', '-m'] (2,)\n", "")
        failing = subprocess.run(command, input="1 / 0", capture_output=True, text=True, timeout=120, check=False)
        assert failing.returncode == 1
        assert failing.stderr.endswith("ZeroDivisionError: division by zero\n")
        assert "__main__.py" not in failing.stderr

    def test_processes_that_a_program_starts_find_the_stand_in(self, tmp_path):
        started = "import mxnet as mx; print(mx.nd.ones((2,)).shape)"
        code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {started!r}], check=True)"
        assert run("-c", code, folder=tmp_path).stdout == "(2,)\n"

    def test_a_real_mxnet_is_not_shadowed_unless_told(self, tmp_path):
        (tmp_path / "mxnet").mkdir()
        (tmp_path / "mxnet" / "__init__.py").write_text("REAL = 1\n")
        done = run("-c", "import mxnet", code=2, PYTHONPATH=str(tmp_path))
        assert done.stderr == (
            f"recordio.as_mxnet: error: the real mxnet is installed, at {tmp_path / 'mxnet' / '__init__.py'}: "
            "force=True (or --force) uses the stand-in all the same\n"
        )
        assert run("--force", "-c", "import mxnet; print(mxnet.__version__)", PYTHONPATH=str(tmp_path)).stdout == "1.9.1\n"
        code = "import mxnet\nfrom recordio import as_mxnet\ntry: as_mxnet.install()\nexcept ImportError as e: print(e)\nprint(mxnet.REAL)"
        command, paths = [sys.executable, "-c", code], {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(command, env=paths, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("the real mxnet is installed") and done.stdout.endswith("\n1\n")  # noqa: PT018

    def test_install_before_the_import(self):
        code = "import recordio.as_mxnet\nrecordio.as_mxnet.install()\nrecordio.as_mxnet.install()\nimport mxnet as mx\nprint(mx.cpu())"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "cpu(0)\n"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "no program is given"),
            (["--what"], "unknown option --what"),
            (["-m"], "-m needs an argument"),
            (["no.py"], "no.py: there is no such file"),
            (["."], ".: there is no such file"),
        ],
    )
    def test_a_command_line_that_cannot_be_understood_is_told(self, arguments, said, tmp_path):
        assert run(*arguments, code=2, folder=tmp_path).stderr == f"recordio.as_mxnet: error: {said}\n"

    def test_an_uncaught_error_shows_the_programs_frames_and_ours_once(self, tmp_path):
        (tmp_path / "p.py").write_text("import mxnet as mx\n\ndef read():\n    mx.recordio.MXRecordIO('no.rec', 'r')\n\nread()\n")
        for arguments in (["p.py"], ["-m", "p"]):
            said = run(*arguments, folder=tmp_path, code=1).stderr
            assert re.findall(r"^  File \"(?:.*/)?(.*)\", line (\d+)", said, flags=re.MULTILINE)[:2] == [("p.py", "6"), ("p.py", "4")]
            assert said.startswith("Traceback (most recent call last):\n")
            assert said.endswith("MissingFile: no.rec: cannot open: No such file or directory\n")
            assert "runpy" not in said
            assert "__main__.py" not in said
            assert "direct cause" not in said

    def test_errors_behind_an_uncaught_one_are_shown_where_the_program_had_a_part_in_them(self, tmp_path):
        code = (
            "import mxnet as mx\ntry:\n    mx.io.ImageRecordIter(path_imgrec='no.rec', data_shape=(3, 8, 8), batch_size=2)\n"
            "except mx.MXNetError as error:\n    raise SystemError('mine') from error\n"
        )
        said = run("-c", code, folder=tmp_path, code=1).stderr
        assert re.findall(r"^(\S+): ", said, flags=re.MULTILINE) == ["recordio.mxerrors.MissingFile", "SystemError"]

    def test_an_error_in_the_programs_own_text_and_a_module_that_is_missing(self, tmp_path):
        assert run("-c", "def x(", code=1).stderr.startswith('  File "<string>", line 1\n')
        assert run("-m", "no_such_module", code=1).stderr == "ImportError: No module named no_such_module\n"

    @pytest.mark.skipif(os.name == "nt", reason="no signals, no pipes that close")
    @pytest.mark.parametrize(
        ("code", "unbuffered", "ends"),
        [
            ("for n in range(100_000): print(n)", "", 141),
            ("for n in range(100_000): print(n)", "1", 141),
            ("print(1)", "", 141),
            ("import sys; print(1); sys.exit(0)", "", 141),
            ("import sys; print(1); sys.exit(3)", "", 3),
        ],
    )
    def test_a_stdout_that_nobody_reads_ends_a_program_quietly(self, code, unbuffered, ends):
        ours, theirs = os.pipe()
        os.close(ours)
        command = [sys.executable, "-m", "recordio.as_mxnet", "-c", code]
        environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, env=environment, timeout=120, check=False)
        os.close(theirs)
        assert (done.returncode, done.stderr) == (ends, b"")

    @pytest.mark.skipif(os.name == "nt", reason="no signals, no pipes that close")
    def test_another_pipe_that_nobody_reads_and_an_interrupt_end_a_program_as_they_do_without_us(self):
        code = "import os; r, w = os.pipe(); os.close(r); os.write(w, b'x')"
        assert run("-c", code, code=1).stderr.endswith("BrokenPipeError: [Errno 32] Broken pipe\n")
        said = run("-c", "raise KeyboardInterrupt", code=-2).stderr
        assert said == 'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nKeyboardInterrupt\n'

    def test_help(self):
        assert run("--help").stdout.startswith("Usage: python -m recordio.as_mxnet [--force] SCRIPT")


@pytest.fixture(scope="session")
def read_sets(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    alikesets.make(folder)
    return folder


class TestPrintWhatMXNetPrints:
    """What MXNet 1.9.1 printed stands beside each program; a test of ``make interop`` prints it anew."""

    @pytest.mark.parametrize("program", sorted((PROGRAMS / "alike").glob("*.py")), ids=lambda path: path.stem)
    def test_a_program_prints_the_same(self, program, read_sets, tmp_path):
        if program.stem == "processes" and not hasattr(os, "fork"):
            pytest.skip("needs fork")
        shutil.copytree(read_sets, tmp_path / "data")
        (tmp_path / "out").mkdir()
        command = [sys.executable, "-W", "ignore", "-m", "recordio.as_mxnet", program, "data", "out"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == program.with_suffix(".out").read_text()


class TestNamesOfData:
    def test_an_array_on_a_gpu_is_an_mxnet_error_as_on_a_machine_without_one(self):
        code = "import mxnet as mx\ntry: mx.nd.zeros((1,), ctx=mx.gpu(1))\nexcept mx.base.MXNetError as e: print(e)"
        assert run("-c", code).stdout == "gpu(1): there is no GPU: recordio.as_mxnet makes arrays in the host's memory, expected cpu()\n"

    def test_a_kvstore_of_one_process_tells_rank_and_number(self):
        code = "import mxnet as mx\nkv = mx.kv.create('device')\nprint(kv.rank, kv.num_workers, kv.type)\nkv.push('w', 1)"
        done = run("-c", code, code=1)
        assert done.stdout == "0 1 device\n"
        assert "mxnet.kvstore.KVStore.push is missing" in done.stderr
        assert "mxnet.kvstore.create('dist_sync') is missing" in run("-c", "import mxnet as mx; mx.kv.create('dist_sync')", code=1).stderr

    def test_a_download_that_is_there_is_not_fetched_again(self, tmp_path):
        (tmp_path / "x.rec").write_bytes(b"abc")
        url = "'http://localhost:9/x.rec'"
        code = f"import mxnet as mx\nprint(mx.test_utils.download({url}), mx.gluon.utils.download({url}, path='.'))"
        assert run("-c", code, folder=tmp_path).stdout == "x.rec x.rec\n"
        code = "from mxnet.gluon.utils import download\ntry: download('http://localhost:9/y', retries=0)\nexcept OSError: print('OSError')"
        assert run("-c", code, folder=tmp_path).stdout == "OSError\n"

    @pytest.mark.parametrize(
        "code",
        [
            "mx.io.ImageRecordIter(path_imgrec='x.rec', data_shape=(3, 8, 8), batch_size=2, nonsense=1)",
            "mx.io.ImageRecordIter(path_imgrec='/no/x.rec', data_shape=(3, 8, 8), batch_size=2)",
            "mx.gluon.data.vision.ImageRecordDataset('/no/x.rec')",
            "mx.image.imread('/no/x.jpg')",
            "mx.nd.zeros((2, 3)) + mx.nd.zeros((4,))",
        ],
    )
    def test_errors_are_mxnet_errors(self, code):
        assert run("-c", f"import mxnet as mx\ntry: {code}\nexcept mx.base.MXNetError: print('caught')").stdout == "caught\n"

    def test_a_pickled_array_has_its_operators_in_a_process_without_mxnet(self, tmp_path):
        run("-c", "import mxnet as mx, pickle; pickle.dump(mx.nd.ones((2,)), open('x', 'wb'))", folder=tmp_path)
        code = "import pickle; x = pickle.load(open('x', 'rb')); print((x + 1).sum().asscalar() == 4)"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == "True\n"

    def test_a_block_says_what_belongs_to_networks(self):
        code = "import mxnet as mx\nclass B(mx.gluon.Block): pass\nB().collect_params()"
        assert "NameMissing: mxnet.gluon.Block.collect_params is missing" in run("-c", code, code=1).stderr
        code = "import mxnet as mx\ntry: mx.gluon.Block().nothing\nexcept AttributeError as e: print(e)"
        assert run("-c", code).stdout == "'Block' object has no attribute 'nothing'\n"
