"""How a program ends that somebody else launched: with the traceback and in the silence that it would have by itself."""

from __future__ import annotations

import contextlib
import os
import runpy
import select
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

PIPE_CLOSED: Final = 128 + 13  # SIGPIPE, which Windows has no name for
_LAUNCHERS: Final = (__file__, str(Path(__file__).with_name("__main__.py")), runpy.run_module.__code__.co_filename)
_OURS: Final = str(Path(__file__).parents[1]) + os.sep
_STANDARD: Final = sysconfig.get_path("stdlib") + os.sep
_INSTALLED: Final = f"{os.sep}site-packages{os.sep}"


def with_pipe(body: Callable[[], None]) -> int:
    """Run a program's body and return the exit code; it ends quietly where it writes to a stdout that nobody reads any more."""
    try:
        try:
            body()
        except SystemExit as end:
            if end.code:
                if _is_refused():
                    _leave_stdout()
                raise
    except BrokenPipeError:
        if not _is_refused() and not _is_closed():
            raise
    else:
        if not _is_refused():
            return 0
    _leave_stdout()
    return PIPE_CLOSED


def _is_refused() -> bool:
    """Tell whether what stdout still holds cannot be written since nobody reads it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    except (AttributeError, OSError, ValueError):  # there is none, or Python tells of it at the end
        return False
    return False


def _is_closed() -> bool:
    """Tell whether stdout is a pipe that nobody reads; an unbuffered one holds nothing that could be refused."""
    if not hasattr(select, "poll"):
        return False
    with contextlib.suppress(AttributeError, OSError, ValueError):
        asked = select.poll()
        asked.register(sys.stdout.fileno(), 0)
        return any(found & (select.POLLERR | select.POLLHUP) for _, found in asked.poll(0))
    return False


def _leave_stdout() -> None:
    """Let Python flush stdout at exit without another error."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    """Show an uncaught error as ``python SCRIPT`` would: a ``sys.excepthook``.

    The launcher's frames are left out; so are errors that this package turned into its own: those say what they said.
    """
    while at is not None and at.tb_frame.f_code.co_filename in _LAUNCHERS:
        at = at.tb_next
    error.__traceback__ = at
    chain = [error]
    while (behind := _behind(chain[-1])) is not None and all(behind is not one for one in chain):
        chain.append(behind)
    while len(chain) > 1 and _is_within(chain[-1]) and type(chain[-2]).__module__.startswith("recordio."):
        chain.pop()
        chain[-1].__cause__, chain[-1].__suppress_context__ = None, True
    sys.__excepthook__(kind, error, at)


def _behind(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_within(error: BaseException) -> bool:
    """Tell whether an error was raised and caught in this package, and no line of the program had a part in it."""
    at = error.__traceback__
    while at is not None:
        file = at.tb_frame.f_code.co_filename
        if not file.startswith(_OURS) and (not file.startswith(_STANDARD) or _INSTALLED in file):
            return False
        at = at.tb_next
    return True
