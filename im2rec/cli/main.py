"""Entry points: tells MXNet's form from commands, and turns errors and signals into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import click

import im2rec
from im2rec.errors import Im2recError, PlanError
from im2rec.report import printable
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


class _Commands(click.Group):
    """Loads the module of a command when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, does) for name, (_, does) in COMMANDS.items()])


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="MXNet's own forms work, too: 'im2rec --list PREFIX ROOT ...' and 'im2rec PREFIX ROOT ...' "
    "('im2rec PREFIX ROOT --help' lists their flags). --debug, anywhere, shows the traceback of an error.",
)
@click.version_option(im2rec.__version__, prog_name="im2rec", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn folders of images into RecordIO datasets (.lst, .rec, .idx)."""


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
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        return 128 + signal.SIGINT
    except Terminated as ended:
        return 128 + ended.number
    except BrokenPipeError:
        # Python flushes stdout once more at exit; what it writes then must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13  # SIGPIPE, which Windows has no name for
    except (Im2recError, RecordIOError, OSError) as error:
        if debug:
            raise
        click.echo(f"{name}: {printable(str(error))}", err=True)
        return EXIT_USAGE if isinstance(error, PlanError) else EXIT_STOPPED
    except Exception as error:
        if debug:
            raise
        click.echo(f"{name}: internal error: {type(error).__name__}: {printable(str(error))} (--debug shows where)", err=True)
        return EXIT_STOPPED
    return code


def _body(arguments: list[str]) -> int:
    if is_mxnet_form(arguments):
        from im2rec import legacy

        return legacy.main(arguments)
    try:
        return cli.main(arguments, prog_name="im2rec", standalone_mode=False) or EXIT_DONE
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return EXIT_USAGE


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``im2rec``."""
    sys.exit(guarded("im2rec", _body, arguments))


def rec2idx(arguments: Sequence[str] | None = None) -> None:
    """Run ``rec2idx``, MXNet's tool of that name."""
    from im2rec import legacy

    sys.exit(guarded("rec2idx", legacy.rec2idx, arguments))
