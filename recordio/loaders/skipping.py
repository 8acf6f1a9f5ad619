"""Bad samples: what is said of them, and how many of an epoch may be left out. Pure."""

from __future__ import annotations

from typing import Final

from recordio.errors import BadSample, FileError, FormatError, RecordIOError

_REMEDY: Final = "on_bad='skip' leaves it out"
_PARAMETERS: Final = ("label_width=", "label_pad_width=", "label=", "data_shape[0]=", "path_root=")  # that no record may be made for
_LEAST: Final = 16  # records of an epoch in which more than half must not be bad; of fewer, all may


def described(where: str, error: RecordIOError) -> BadSample:
    """Return an error as that of a sample.

    Args:
        where: the sample's name; what it says already is not said again.
        error: what was raised when the sample was read or made.
    """
    if isinstance(error, FormatError):
        return BadSample(where, f"offset {error.offset}: {error.reason}")
    if isinstance(error, FileError) and where.endswith(error.path):
        return BadSample(where, str(error).removeprefix(f"{error.path}: "))
    return BadSample(where, str(error))


def advised(bad: BadSample) -> BadSample:
    """Return the error of a bad sample with what can be done, for callers who have not said that it is to be left out.

    Where its reason names a parameter, that is what to look at: perhaps no record is as it says.
    """
    if any(name in bad.reason for name in _PARAMETERS):
        return bad
    return BadSample(bad.where, f"{bad.reason}; {_REMEDY}")


def check_share(bad: BadSample, count: int, records: int) -> None:
    """Check that so many of an epoch's records may be left out: where most are bad, the rest is no data set.

    Args:
        bad: the last of them.
        count: how many there are, with that one.
        records: of the epoch, good and bad.

    Raises:
        BadSample: more than half of 16 or more.
    """
    if records >= _LEAST and 2 * count > records:
        reason = f"{count} of {records} records are bad with this one, and on_bad='skip' leaves out half at the most"
        raise BadSample(bad.where, f"{bad.reason}; {reason}")
