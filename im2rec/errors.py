"""Errors of the tool. Those of the format are in recordio.errors."""

from __future__ import annotations


class Im2recError(Exception):
    """Root of the tool's own errors."""


class ListError(Im2recError, ValueError):
    """A line of a .lst file cannot be used.

    Attributes:
        source: name of the list.
        line: line number, from 1; 0 for the list as a whole.
        reason: what stands there and what was expected.
    """

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(source, line, reason)
        self.source = source
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.reason}" if self.line else f"{self.source}: {self.reason}"


class InputError(Im2recError):
    """An input cannot be read at all: a missing list, a missing root, a folder without images."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class PlanError(Im2recError, ValueError):
    """Options that cannot be carried out together, or not on this input."""


class ImageError(Im2recError):
    """One image cannot be packed.

    Attributes:
        item: path of the image, as the list has it.
        reason: why.
    """

    def __init__(self, item: str, reason: str) -> None:
        super().__init__(item, reason)
        self.item = item
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.item}: {self.reason}"


class TooManyRejects(Im2recError):
    """More images were rejected than the caller allows; nothing was written."""

    def __init__(self, rejected: int, allowed: int, last: ImageError) -> None:
        super().__init__(rejected, allowed, last)
        self.rejected = rejected
        self.allowed = allowed
        self.last = last

    def __str__(self) -> str:
        limit = f"--max-rejects {self.allowed} is passed" if self.allowed else "no reject is allowed"
        return f"{self.last}; {limit}, so nothing was written"


class NothingPacked(Im2recError):
    """Not one image could be packed; nothing was written.

    Attributes:
        listed: images that were to be packed.
        first: some of them, with reasons.
        hint: what may help, in words that are appended.
    """

    def __init__(self, listed: int, first: list[ImageError]) -> None:
        super().__init__(listed, first)
        self.listed = listed
        self.first = first
        self.hint = ""

    def __str__(self) -> str:
        return f"none of {self.listed} images could be packed, so nothing was written; the first: {self.first[0]}{self.hint}"


class ResumeError(Im2recError):
    """A run cannot be gone on with, or is not done yet, because something has changed since.

    Attributes:
        place: what has changed: the output's prefix where it is an option, else an input.
        reason: how.
        finished: the run had ended, and its set is complete.
    """

    def __init__(self, place: str, reason: str, finished: bool = False) -> None:  # noqa: FBT001, FBT002  (pickled by position)
        super().__init__(place, reason, finished)
        self.place = place
        self.reason = reason
        self.finished = finished

    def __str__(self) -> str:
        if self.finished:
            return f"{self.place}: {self.reason}, so the finished set is not what this command packs now (--force without --resume does)"
        return f"{self.place}: {self.reason}, so the interrupted run cannot be resumed (without --resume it starts anew)"


class WorkerError(Im2recError):
    """Worker processes cannot be kept running."""
