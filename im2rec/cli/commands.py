"""The click group, and running a command of it."""

from __future__ import annotations

import signal
from typing import Any

import click

import im2rec
from im2rec.cli.groups import LazyGroup
from im2rec.cli.main import COMMANDS, EXIT_DONE, EXIT_USAGE, PipeClosed, Terminated

_READING = ("info", "ls", "cat", "check")  # commands that write no file


class _Commands(LazyGroup):
    """The commands of the tool."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise PipeClosed from None
        except KeyboardInterrupt:  # click would print an empty line
            raise Terminated(signal.SIGINT, _leaves(ctx)) from None
        except Terminated as ended:
            ended.leaves = ended.leaves or _leaves(ctx)
            raise


def _leaves(ctx: click.Context) -> str:
    """Say what a command leaves that is interrupted."""
    return "" if ctx.invoked_subcommand in _READING else "outputs are whole, or as they were"


@click.command(
    cls=_Commands,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="MXNet's own forms work, too: 'im2rec --list PREFIX ROOT ...' and 'im2rec PREFIX ROOT ...' "
    "('im2rec PREFIX ROOT --help' lists their flags). --debug, anywhere, shows the traceback of an error.",
)
@click.version_option(im2rec.__version__, prog_name="im2rec", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn folders of images into RecordIO datasets (.lst, .rec, .idx)."""


def run(arguments: list[str]) -> int:
    """Run a command and return the exit code."""
    try:
        return cli.main(arguments, prog_name="im2rec", standalone_mode=False) or EXIT_DONE
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.ClickException as error:
        error.show()
    except click.Abort:
        raise KeyboardInterrupt from None
    return EXIT_USAGE
