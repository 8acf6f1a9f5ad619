"""Every exception: what it says, what it is, and that it travels between processes."""

from __future__ import annotations

import copy
import errno
import inspect
import pickle

import pytest

import im2rec
import recordio
from recordio import errors
from recordio.probe import UnknownFormat

CASES = [
    (errors.FormatError("a.rec", 12, "padding 01, expected zeros"), "a.rec: offset 12: padding 01, expected zeros"),
    (errors.BadMagic("a.rec", 1048, "bad magic 0x0, expected 0xced7230a"), "a.rec: offset 1048: bad magic 0x0, expected 0xced7230a"),
    (errors.BadSequence("a.rec", 0, "cflag 7, expected 0 to 3"), "a.rec: offset 0: cflag 7, expected 0 to 3"),
    (errors.Truncated("a.rec", 8, "4 bytes left, expected 8", 16), "a.rec: offset 8: 4 bytes left, expected 8"),
    (errors.BadHeader("a.rec", 4, "a payload of 3 bytes, expected 24"), "a.rec: offset 4: a payload of 3 bytes, expected 24"),
    (errors.PayloadTooLarge(536870912), "a payload of 536870912 bytes is too large, expected at most 536870911"),
    (errors.ChecksumMismatch("a.rec", 8, "CRC-32 00000000"), "a.rec: offset 8: CRC-32 00000000"),
    (errors.IndexFormatError("a.idx", 3, "b'x', expected a key"), "a.idx:3: b'x', expected a key"),
    (errors.SumFormatError("a.sum", 0, "is damaged"), "a.sum: is damaged"),
    (errors.ListFormatError("a.lst", 3, "2 fields"), "a.lst:3: 2 fields"),
    (errors.BadSample("a.rec: key 7", "cannot be decoded"), "a.rec: key 7: cannot be decoded"),
    (errors.KeyMissing("a.idx", 7), "a.idx: no record has the key 7"),
    (errors.FileError("a.rec", "write", errno.ENOSPC), "a.rec: cannot write: No space left on device"),
    (errors.FileError("a.rec", "write", None, "it exists already"), "a.rec: cannot write: it exists already"),
    (errors.ImageFormatError("is truncated: 9 bytes"), "is truncated: 9 bytes"),
    (UnknownFormat("is not an image"), "is not an image"),
    (errors.CodecMissing("cv2", "no libGL; run: pip install x"), "cv2 cannot be loaded: no libGL; run: pip install x"),
]
BUILTIN = {
    "FormatError": ValueError,
    "PayloadTooLarge": ValueError,
    "IndexFormatError": ValueError,
    "ImageFormatError": ValueError,
    "BadSample": ValueError,
    "KeyMissing": KeyError,
    "FileError": OSError,
    "CodecMissing": ImportError,
}
each = pytest.mark.parametrize(("error", "text"), CASES, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "")


@each
def test_message_has_the_place_the_fact_and_the_expectation(error, text):
    assert str(error) == text


@each
def test_pickled_error_comes_back_with_its_facts(error, text):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert type(back) is type(error)
        assert str(back) == text
        assert vars(back) == vars(error)


@each
def test_copied_error_says_the_same(error, text):
    assert str(copy.copy(error)) == text
    assert vars(copy.deepcopy(error)) == vars(error)


@each
def test_pickled_error_keeps_the_builtin_attributes(error, text):
    back = pickle.loads(pickle.dumps(error))
    for name in ("errno", "strerror", "filename"):
        assert getattr(back, name, None) == getattr(error, name, None)


def test_every_error_stands_in_the_table_above():
    defined = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert defined - {"RecordIOError"} <= {type(error).__name__ for error, _ in CASES}
    assert defined <= set(recordio.__all__)


@each
def test_every_error_is_a_recordio_error(error, text):
    assert isinstance(error, errors.RecordIOError)


@pytest.mark.parametrize(("name", "builtin"), BUILTIN.items())
def test_error_can_be_caught_as_the_builtin_it_resembles(name, builtin):
    assert issubclass(getattr(errors, name), builtin)


@pytest.mark.parametrize("kind", [errors.BadMagic, errors.BadSequence, errors.Truncated, errors.BadHeader])
def test_faults_of_a_file_are_format_errors(kind):
    assert issubclass(kind, errors.FormatError)


def test_file_error_fills_in_what_oserror_promises():
    error = errors.FileError("a.rec", "write", errno.ENOSPC)
    assert error.errno == errno.ENOSPC
    assert error.filename == error.path == "a.rec"
    assert error.strerror == "No space left on device"


def test_key_missing_reads_as_a_sentence_not_as_a_repr():
    with pytest.raises(KeyError) as caught:
        raise errors.KeyMissing("a.idx", 7)
    assert str(caught.value) == "a.idx: no record has the key 7"
    assert (caught.value.source, caught.value.key) == ("a.idx", 7)


def test_truncated_tells_how_many_bytes_would_do():
    assert pickle.loads(pickle.dumps(errors.Truncated("a.rec", 8, "short", 16))).needed == 16
    assert errors.Truncated("a.rec", 8, "short").needed == 0


def test_names_of_the_package_load_when_used_and_unknown_ones_do_not():
    for name in recordio.__all__:
        assert getattr(recordio, name).__name__ == name
    assert dir(recordio) == sorted(recordio.__all__)
    assert recordio.__version__ == im2rec.__version__
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        recordio.nonsense  # noqa: B018
