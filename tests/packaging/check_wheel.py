"""Build wheel and sdist, install the wheel into an empty environment, and use it from a folder of its own.

Prints one line a step; any failure ends it with a message and exit code 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path | None = None, exit_code: int = 0) -> str:
    """Run a command and return its stdout; any other exit code than expected ends this program."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != exit_code:
        sys.exit(f"{command}: exit code {done.returncode}, expected {exit_code}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_contents(dist: Path) -> Path:
    """Check that both archives hold what they must and nothing else at their top; return the wheel."""
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    packages = {name for name in top if not name.endswith(".dist-info")}
    if packages != {"im2rec", "recordio"} or "im2rec/py.typed" not in names or "recordio/py.typed" not in names:
        sys.exit(f"{wheel.name} holds {sorted(top)}, expected im2rec and recordio, each with py.typed")
    with tarfile.open(sdist) as archive:
        if not any(name.endswith("/tests/test_layers.py") for name in archive.getnames()):
            sys.exit(f"{sdist.name} holds no tests")
    print(f"built {wheel.name} and {sdist.name}")
    return wheel


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel into a new environment; return the folder of its commands."""
    run(sys.executable, "-m", "venv", environment)
    commands = environment / ("Scripts" if os.name == "nt" else "bin")
    run(commands / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    if subprocess.run([commands / "python", "-c", "import cv2"], capture_output=True, check=False).returncode:
        run(commands / "python", "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", "opencv-python-headless")
    print("installed it into an empty environment")
    return commands


def use(commands: Path, work: Path) -> None:
    """Use every command once, far from the repository."""
    photos = REPOSITORY / "examples" / "photos"
    run(commands / "im2rec", "--version", cwd=work)
    run(commands / "im2rec", "pack", photos, "-o", "kept", cwd=work)
    run(commands / "im2rec", "pack", photos, "-o", "small", "--resize", "64", "--workers", "2", cwd=work)
    run(commands / "im2rec", "--list", "mx", photos, "--recursive", cwd=work)
    run(commands / "im2rec", "mx", photos, "--resize", "64", "--num-thread", "2", cwd=work)
    run(commands / "rec2idx", "mx.rec", "numbered.idx", cwd=work)
    run(commands / "im2rec", "index", "mx.rec", "-o", "again.idx", cwd=work)
    run(commands / "im2rec", "pack", REPOSITORY / "tests/golden/images", "-o", "bad", cwd=work, exit_code=1)
    count = "import recordio, sys; print(sum(1 for _ in recordio.Reader(sys.argv[1])))"
    counts = {name: int(run(commands / "python", "-c", count, f"{name}.rec", cwd=work)) for name in ("kept", "small", "mx", "bad")}
    if counts != {"kept": 120, "small": 120, "mx": 120, "bad": 14}:
        sys.exit(f"records read back: {counts}")
    if (work / "again.idx").read_bytes() != (work / "mx.idx").read_bytes():
        sys.exit("the rebuilt index differs from the one that was written")
    print("listed, packed, indexed and read with it")


def main() -> None:
    """Do all steps."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", work / "dist", REPOSITORY)
        commands = install(check_contents(work / "dist"), work / "environment")
        use(commands, work)


if __name__ == "__main__":
    main()
