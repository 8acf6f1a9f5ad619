"""Entry points: tells MXNet's form from commands, and turns errors and signals into one line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from im2rec.errors import Im2recError, PlanError
from im2rec.names import printable
from recordio.errors import RecordIOError

EXIT_DONE, EXIT_REJECTS, EXIT_USAGE, EXIT_STOPPED = range(4)

# name -> (module, what it does): --help must not load every module
COMMANDS = {
    "list": ("im2rec.cli.list", "Walk a folder of images and write a .lst."),
    "pack": ("im2rec.cli.pack", "Pack the images of a list or folder into .rec and .idx."),
    "index": ("im2rec.cli.index", "Rebuild the .idx of a .rec."),
}


class Terminated(BaseException):
    """A signal asked this process to end; like KeyboardInterrupt, no handler of errors catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class PipeClosed(BaseException):
    """Nobody reads stdout any more. Not a BrokenPipeError, which click turns into exit code 1."""


def is_mxnet_form(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments are those of MXNet's im2rec.py: PREFIX and ROOT instead of a command."""
    if not arguments or arguments[0] in COMMANDS:
        return False
    words = [argument for argument in arguments if not argument.startswith("-")]
    return len(words) >= 2 or "--list" in arguments


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


def guarded(name: str, body: Callable[[list[str]], int], arguments: Sequence[str] | None = None) -> int:
    """Run *body* with the command line's arguments and return the process's exit code.

    Errors become one line on stderr. Ctrl-C, SIGTERM and a closed pipe end it quietly, with 128 + the signal's number.
    """
    args = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in args
    if debug:
        args.remove("--debug")
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has it ignored
            signal.signal(number, _terminate)
    try:
        code = body(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Terminated as ended:
        return 128 + ended.number
    except (BrokenPipeError, PipeClosed):
        # Python flushes stdout once more at exit; what it writes then must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13  # SIGPIPE, which Windows has no name for
    except (Im2recError, RecordIOError, OSError) as error:
        if debug:
            raise
        print(f"{name}: {printable(str(error))}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, PlanError) else EXIT_STOPPED
    except Exception as error:
        if debug:
            raise
        print(f"{name}: internal error: {type(error).__name__}: {printable(str(error))} (--debug shows where)", file=sys.stderr)
        return EXIT_STOPPED
    return code


def _body(arguments: list[str]) -> int:
    if is_mxnet_form(arguments):
        from im2rec import legacy

        return legacy.main(arguments)
    from im2rec.cli import commands  # MXNet's form does without click

    return commands.run(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``im2rec``."""
    sys.exit(guarded("im2rec", _body, arguments))


def rec2idx(arguments: Sequence[str] | None = None) -> None:
    """Run ``rec2idx``, MXNet's tool of that name."""
    from im2rec.rec2idx import main as body

    sys.exit(guarded("rec2idx", body, arguments))
