"""The Python environments of the programs that are compared with, made by the Makefile's own rules."""

from __future__ import annotations

import compileall
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MXNET_VENV = ".venv-mxnet"
PEERS_VENV = ".venv-peers"
DALI_VENV = ".venv-dali"
PEERS = {"webdataset": "WebDataset", "litdata": "LitData", "tfrecord": "tfrecord", "array_record": "ArrayRecord"}  # package -> name

ASK = """
import importlib.metadata, importlib.util, json, platform, sys
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps({"python": platform.python_version(), "versions": versions}))
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python and what is installed in it, or the reason why it is missing."""

    python: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    missing: str = ""

    def describe(self) -> str:
        """Name the versions, or the reason."""
        return f"not available: {self.missing}" if self.missing else ", ".join(" ".join(pair) for pair in self.versions)


def project() -> Environment:
    """The environment that this program runs in.

    An installed package has its byte code beside it, as MXNet's has; a checkout has it only if the system lets Python write it
    there. So it is compiled, or each run would measure the compiler.
    """
    for package in ("im2rec", "recordio"):
        compileall.compile_dir(REPOSITORY / package, quiet=1)
    return _ask(sys.executable, ["numpy", "opencv-python", "opencv-python-headless", "simplejpeg", "pillow", "im2rec"])


def mxnet() -> Environment:
    """MXNet 1.9.1's, made if it is not there."""
    if reason := _make(MXNET_VENV):
        return Environment(missing=reason)
    return _ask(str(REPOSITORY / MXNET_VENV / "bin" / "python"), ["mxnet", "opencv-python-headless", "numpy"])


def peers() -> dict[str, Environment]:
    """Each peer's, by package; they share one environment, made if it is not there."""
    if reason := _make(PEERS_VENV):
        return {package: Environment(missing=reason) for package in PEERS}
    found = {}
    for package in PEERS:
        log = REPOSITORY / PEERS_VENV / f"{package}.log"
        environment = _ask(str(REPOSITORY / PEERS_VENV / "bin" / "python"), [package])
        if not dict(environment.versions).get(package):
            reason = _last_line(log.read_text(encoding="utf-8")) if log.is_file() else "it was left out"
            environment = Environment(missing=reason)
        found[package] = environment
    return found


def dali() -> Environment:
    """DALI's, made if it is among those that were asked for; it is hundreds of megabytes."""
    stamp = REPOSITORY / DALI_VENV / ".installed"
    if not stamp.is_file() and not os.environ.get("BENCH_DALI"):
        return Environment(missing="it was left out")
    if reason := _make(DALI_VENV):
        return Environment(missing=reason)
    return _ask(str(REPOSITORY / DALI_VENV / "bin" / "python"), ["nvidia-dali-cuda120", "numpy"])


def _make(venv: str) -> str:
    """Have the Makefile make an environment; return what went wrong, or an empty string."""
    stamp = f"{venv}/.installed"
    if (REPOSITORY / stamp).is_file():
        return ""
    print(f"making {venv}", flush=True)
    try:
        done = subprocess.run(
            ["make", "--no-print-directory", stamp], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=1800
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return "" if done.returncode == 0 else _last_line(done.stderr, skip="make: ")


def _last_line(text: str, skip: str = "\0") -> str:
    everything = text.strip().splitlines()
    lines = [line for line in everything if not line.startswith(skip)]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or everything or ["no reason was given"])[-1]


def _ask(python: str, packages: list[str]) -> Environment:
    done = subprocess.run([python, "-c", ASK, *packages], capture_output=True, text=True, check=False)
    if done.returncode:
        return Environment(missing=_last_line(done.stderr))
    answer = json.loads(done.stdout)
    return Environment(python, (("Python", answer["python"]), *answer["versions"].items()))


def mxnet_tool(environment: Environment) -> str:
    """Path of MXNet's im2rec.py."""
    code = "import importlib.util; print(importlib.util.find_spec('mxnet').submodule_search_locations[0])"
    done = subprocess.run([environment.python, "-c", code], capture_output=True, text=True, check=True)
    return str(Path(done.stdout.strip()) / "tools" / "im2rec.py")


def require(found: Mapping[str, Environment], names: Iterable[str]) -> None:
    """Check that what must be compared with is there.

    Raises:
        ValueError: it is not; names all that are missing.
    """
    missing = [f"{name} ({found[name].missing})" for name in names if found[name].missing]
    if missing:
        raise ValueError(f"required, but not available: {'; '.join(missing)}")


def commit() -> dict[str, str]:
    """Name the commit that is measured; nothing where git does not know it, as in an unpacked archive."""
    if not (REPOSITORY / ".git").exists():  # that of a folder above would be another's
        return {}
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
    except OSError:
        return {}
    return {"commit": done.stdout.strip()} if done.returncode == 0 else {}


def machine() -> dict[str, str]:
    """Name the machine by what decides about speed."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "CPU": _cpu_model(),
        "cores": str(cores),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    if sys.platform == "darwin":
        name = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
        return name.stdout.strip()
    return platform.processor() or "unknown"
