"""The progress bar: on a terminal only, and the only importer of tqdm."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

Advance = Callable[[int], None]


def _ignore(count: int) -> None:
    """Advance nothing."""


@contextlib.contextmanager
def bar(doing: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Advance]:
    """Show a bar on stderr while the block runs, when stderr is a terminal.

    Args:
        doing: word before the bar.
        total: number of images, when it is known.
        quiet: never show it.

    Yields:
        The function that advances the bar by a number of images.
    """
    if quiet or not sys.stderr.isatty():
        yield _ignore
        return
    import tqdm

    tqdm.tqdm.monitor_interval = 0  # its thread would make forking unsafe
    with tqdm.tqdm(desc=doing, total=total, unit=" images", dynamic_ncols=True, leave=False, file=sys.stderr) as shown:
        yield shown.update
