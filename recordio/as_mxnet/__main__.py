"""``python -m recordio.as_mxnet SCRIPT ARGS...``: run a program written for MXNet without MXNet."""

from __future__ import annotations

import runpy
import sys
import types
from pathlib import Path
from typing import Final

from recordio.as_mxnet import RealMXNet, ending, install

_USAGE: Final = """\
Usage: python -m recordio.as_mxnet [--force] SCRIPT [ARGS...]
       python -m recordio.as_mxnet [--force] -m MODULE [ARGS...]
       python -m recordio.as_mxnet [--force] -c CODE [ARGS...]

Run a Python program that imports mxnet with a stand-in for it: mx.recordio, mx.io, mx.image, mx.gluon.data and
mx.nd over NumPy's arrays. Other names of MXNet fail when they are used, by name. SCRIPT may be - for stdin.

  --force    even where a real mxnet is installed
  -h, --help this text
"""


def main(arguments: list[str]) -> int:
    """Run the command line; a program that ends by itself ends this process."""
    force = False
    while arguments and arguments[0] in ("--force", "-h", "--help"):
        if arguments.pop(0) != "--force":
            sys.stdout.write(_USAGE)
            return 0
        force = True
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-m", "-c", "-")):
        return _refuse(f"unknown option {arguments[0]}" if arguments else "no program is given")
    if arguments[0] in ("-m", "-c") and len(arguments) == 1:
        return _refuse(f"{arguments[0]} needs an argument")
    if not arguments[0].startswith("-") and (not Path(arguments[0]).exists() or Path(arguments[0]).is_dir()):  # it may be a pipe
        return _refuse(f"{arguments[0]}: there is no such file")
    try:
        install(force=force)
    except RealMXNet as error:
        return _refuse(str(error))
    sys.excepthook = ending.show
    return ending.with_pipe(lambda: _run(arguments))


def _refuse(reason: str) -> int:
    sys.stderr.write(f"recordio.as_mxnet: error: {reason}\n")
    return 2


def _run(arguments: list[str]) -> None:
    what, rest = arguments[0], arguments[1:]
    if what == "-m":
        sys.argv = rest  # runpy puts the module's file in place of its name
        sys.path[0] = str(Path.cwd())
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    # As Python itself does: the program's names stay alive until the process ends, and processes it starts find its file.
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    if what == "-c":
        sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
        code = compile(rest[0], "<string>", "exec", dont_inherit=True)
    elif what == "-":
        sys.argv, sys.path[0] = arguments, ""
        code = compile(sys.stdin.buffer.read(), "<stdin>", "exec", dont_inherit=True)
    else:
        module.__file__ = what
        sys.argv, sys.path[0] = arguments, str(Path(what).resolve().parent)
        code = compile(Path(what).read_bytes(), what, "exec", dont_inherit=True)
    sys.modules["__main__"] = module
    exec(code, module.__dict__)  # noqa: S102  (that is what it is for)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
