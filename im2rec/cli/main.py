"""Entry points: tells MXNet's form from commands, and turns errors and signals into one line and an exit code."""

from __future__ import annotations

import os
import sys

try:
    import _thread
    import contextlib
    import gc
    import signal
    import time
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import NoReturn

    from im2rec.errors import Im2recError, PlanError
    from im2rec.names import printable
    from recordio.errors import (
        REPLACING,
        BadHeader,
        FileError,
        FormatError,
        IndexFormatError,
        ListFormatError,
        RecordIOError,
        SumFormatError,
    )
    from recordio.signals import ENDING
except KeyboardInterrupt:  # Ctrl-C before anything could handle it
    sys.exit(130)

_PATIENCE = 2.0  # seconds that clearing up may take
_MOMENT = 0.05  # seconds until a signal that was lost is raised again

EXIT_DONE, EXIT_REJECTS, EXIT_USAGE, EXIT_STOPPED = range(4)

# name -> (module, what it does): --help must not load every module
COMMANDS = {
    "list": ("im2rec.cli.list", "Walk a folder of images and write a .lst."),
    "pack": ("im2rec.cli.pack", "Pack the images of a list or folder into .rec and .idx."),
    "verify": ("im2rec.cli.verify", "Check a dataset: frames, index, checksums, headers, images."),
    "salvage": ("im2rec.cli.salvage", "Save what is whole of a damaged .rec into a new set."),
    "info": ("im2rec.cli.info", "Tell what is in a dataset."),
    "ls": ("im2rec.cli.ls", "List the records of a dataset, one a line."),
    "cat": ("im2rec.cli.cat", "Write the image of one record to stdout."),
    "extract": ("im2rec.cli.extract", "Write the images of a dataset to a folder, with their list."),
    "append": ("im2rec.cli.append", "Pack new images behind the last record of a dataset."),
    "relabel": ("im2rec.cli.relabel", "Give the records of a dataset other labels."),
    "recover": ("im2rec.cli.recover", "Finish what an interrupted append or relabel has begun."),
    "check": ("im2rec.cli.check", "Tell what SageMaker, DALI, MXNet or InsightFace would stumble over."),
    "bin": ("im2rec.cli.bin", "Read and write verification sets of face recognition (.bin)."),
    "identities": ("im2rec.cli.identities", "Work on face-recognition files in InsightFace's layout."),
    "filter": ("im2rec.cli.filter", "Write some of the records of a dataset."),
    "split": ("im2rec.cli.split", "Divide a dataset by ratios, by label, or into shards."),
    "merge": ("im2rec.cli.merge", "Join datasets into one."),
    "shuffle": ("im2rec.cli.shuffle", "Write the records of a dataset in another order."),
    "dedupe": ("im2rec.cli.dedupe", "Leave out images that a dataset holds twice."),
    "compact": ("im2rec.cli.compact", "Write a dataset anew, with the records that its .idx names."),
    "index": ("im2rec.cli.index", "Rebuild the .idx of a .rec, or make one for several."),
}


class Terminated(BaseException):
    """A signal asked this process to end; like KeyboardInterrupt, no handler of errors catches it.

    Attributes:
        number: of the signal.
        leaves: what the work leaves that it interrupted, in words; "" where it writes nothing.
    """

    def __init__(self, number: int, leaves: str = "") -> None:
        super().__init__(number)
        self.number = number
        self.leaves = leaves


class _Ending:
    """Handles the signals that ask this process to end: the first raises Terminated, while the work goes on.

    Those that follow find it clearing up, and are passed over; one that comes when that takes long ends the process at once.
    """

    def __init__(self) -> None:
        self._is_working = True
        self._is_done = False
        self._since = 0.0
        self.hook = sys.unraisablehook

    def stop(self) -> None:
        """Tell that the work is done: no signal interrupts what is left."""
        self._is_done = True
        self._clear_up()

    def _clear_up(self) -> None:
        self._since = time.monotonic()
        self._is_working = False

    def lost(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Raise again, a moment later, what came while a finalizer ran: there it can only be printed."""
        if isinstance(unraisable.exc_value, Terminated):
            _thread.start_new_thread(self._raise_again, (unraisable.exc_value.number,))  # returns at once, as a Thread does not
        else:
            self.hook(unraisable)

    def _raise_again(self, number: int) -> None:
        time.sleep(_MOMENT)
        if not self._is_done:
            self._is_working = True
            signal.raise_signal(number)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._is_working:
            self._clear_up()
            raise Terminated(number)
        if time.monotonic() - self._since > _PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


class PipeClosed(BaseException):
    """Nobody reads stdout any more. Not a BrokenPipeError, which click turns into exit code 1."""


def is_mxnet_form(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments are those of MXNet's im2rec.py: PREFIX and ROOT instead of a command."""
    if not arguments or arguments[0] in COMMANDS:
        return False
    words = [argument for argument in arguments if not argument.startswith("-")]
    return len(words) >= 2 or "--list" in arguments


def guarded(name: str, body: Callable[[list[str]], int], arguments: Sequence[str] | None = None) -> int:
    """Run *body* with the command line's arguments and return the process's exit code.

    Errors become one line on stderr, Ctrl-C and SIGTERM another, with 128 + the signal's number. A closed pipe ends it without one.
    """
    args = list(sys.argv[1:] if arguments is None else arguments)
    ending = _Ending()
    try:
        sys.unraisablehook = ending.lost
        _prepare(ending)
        code = _told(name, body, args)
        ending.stop()
    except Terminated as ended:  # raised but once, so nothing interrupts what comes now
        ending.stop()
        code = 128 + ended.number
        _say_interrupted(name, ended.leaves)
    sys.unraisablehook = ending.hook
    return code


def _told(name: str, body: Callable[[list[str]], int], args: list[str]) -> int:
    """Run *body* and tell of the error that ends it."""
    debug = "--debug" in args
    if debug:
        args.remove("--debug")
    try:
        code = body(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise Terminated(signal.SIGINT) from None
    except (BrokenPipeError, PipeClosed):
        _leave_stdout()
        return 128 + 13  # SIGPIPE, which Windows has no name for
    except Exception as error:  # noqa: BLE001  (whatever it is, a user gets one line)
        behind: BaseException | None = error
        while behind is not None and not isinstance(behind, Terminated):
            behind = behind.__context__
        if behind is not None:  # locks of Python's own, for one, fail when a signal interrupts them
            raise behind from None
        if debug:
            import traceback

            traceback.print_exc()
        print(f"{name}: {printable(text_of(error))}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, PlanError) else EXIT_STOPPED
    return code


def _say_interrupted(name: str, leaves: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # stderr may be closed by now
        print(f"{name}: interrupted{': ' * bool(leaves)}{printable(leaves)}", file=sys.stderr, flush=True)


def _prepare(ending: _Ending) -> None:
    """Handle the signals that ask this process to end, and give it streams where it was started without."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # it would start a thread a core with NumPy, which nothing here has work for
    gc.set_threshold(50_000)  # there are millions of items, indexes and records, and they hold no cycles
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has it ignored
            signal.signal(number, ending)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (open as long as the process lives)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _leave_stdout() -> None:
    """Let Python flush stdout at exit without another error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def text_of(error: Exception) -> str:
    """Return what is said of an error: its text, and what helps."""
    if isinstance(error, (Im2recError, RecordIOError)):
        text = str(error)
        if isinstance(error, FileError):  # the library names its parameter
            text = text.replace(f"({REPLACING})", "(--force replaces it)")
        return f"{text}{_hint(error)}"
    if isinstance(error, OSError):
        if error.filename is not None:
            return f"{error.filename}: cannot be reached: {error.strerror}"
        if not _is_of_stdout(error):
            return f"cannot go on: {error.strerror or error}"
        _leave_stdout()
        return f"<stdout>: cannot write: {error.strerror or error}"
    return f"internal error: {type(error).__name__}: {error} (--debug shows where)"


def _hint(error: Exception) -> str:
    """Return what helps against a damaged file of a set: which command tells more, or mends it."""
    if "'im2rec " in str(error) or not isinstance(error, (FormatError, IndexFormatError)):
        return ""
    stem, suffix = os.path.splitext(error.source)
    if isinstance(error, FormatError):
        is_damage = suffix == ".rec" and not isinstance(error, BadHeader)
        return "; 'im2rec verify' tells all that is wrong, 'im2rec salvage' saves the rest" * is_damage
    if isinstance(error, ListFormatError) or not os.path.exists(f"{stem}.rec"):
        return ""
    how = f"verify {stem}.rec --write-sum --force" if isinstance(error, SumFormatError) else f"index {stem}.rec --force"
    return f"; 'im2rec {how}' writes it anew"


def _is_of_stdout(error: OSError) -> bool:
    """Tell whether an error without the name of a file comes from writing to stdout: only the command line itself writes there."""
    at, name = error.__traceback__, ""
    while at is not None:
        name, at = at.tb_frame.f_globals.get("__name__", ""), at.tb_next
    return name.startswith(("im2rec.cli", "click", "argparse")) or name in ("im2rec.legacy", "codecs", "__main__")


def _check_misspelt(arguments: Sequence[str]) -> None:
    """Refuse what looks like a misspelt command before it is taken for the prefix of a list.

    Raises:
        PlanError: there is no such list, and the word is close to a command.
    """
    prefix = arguments[0]
    if prefix.startswith("-") or "--list" in arguments or os.path.exists(f"{prefix}.lst") or os.path.isdir(prefix):
        return
    import difflib
    import glob

    if glob.glob(f"{glob.escape(prefix)}*.lst"):
        return

    for command in difflib.get_close_matches(prefix, COMMANDS, 1, 0.7):
        raise PlanError(f"no such command: {prefix}; did you mean 'im2rec {command}'? (Nor is there a list {prefix}.lst.)")


def _body(arguments: list[str]) -> int:
    if is_mxnet_form(arguments):
        _check_misspelt(arguments)
        from im2rec import legacy

        return legacy.main(arguments)
    from im2rec.cli import commands  # MXNet's form does without click

    return commands.run(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``im2rec``."""
    _leave(guarded("im2rec", _body, arguments))


def _leave(code: int) -> NoReturn:
    """End the process; the work is done, so no signal changes the code."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()  # or all there is would be looked through before the end, in vain
    sys.exit(code)


def rec2idx(arguments: Sequence[str] | None = None) -> None:
    """Run ``rec2idx``, MXNet's tool of that name."""

    def body(words: list[str]) -> int:
        from im2rec import rec2idx

        return rec2idx.main(words)

    _leave(guarded("rec2idx", body, arguments))
