"""Print the path of one interpreter for each Python version in a range, oldest first.

Usage: interpreters.py LOWEST HIGHEST    (such as 3.10 3.13)

Looks for python3.X on the PATH, then among pyenv's and uv's installations. An interpreter counts when it runs and can
make virtual environments.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def candidates(version: str) -> Iterator[str]:
    """Yield places where Python *version* may be."""
    if found := shutil.which(f"python{version}"):
        yield found
    yield sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    for folder in (*sorted(pyenv.glob(f"{version}.*")), *sorted(uv.glob(f"cpython-{version}.*"))):
        yield str(folder / "bin" / "python3")


def runs(python: str, version: str) -> bool:
    """Tell whether *python* starts, is of that version, and has venv and pip."""
    code = f"import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def main() -> None:
    """Print what is found in the range of the command line."""
    lowest, highest = (int(version.split(".")[1]) for version in sys.argv[1:3])
    for minor in range(lowest, highest + 1):
        version = f"3.{minor}"
        found = next((python for python in candidates(version) if runs(python, version)), None)
        if found:
            print(found)


if __name__ == "__main__":
    main()
