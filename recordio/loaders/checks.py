"""Values of arguments that MXNet has in Python, where nothing checks them: an error names argument, value, and what is expected. Pure.

What passes is used as it was given: NumPy's scalars are numbers, and 0 and 1 are False and True.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

from recordio.loaders.augmentoptions import METHODS


def check_choices(**given: tuple[str, tuple[str, ...]]) -> None:
    """Check that each argument, given as (value, allowed ones), is one of these."""
    for name, (value, allowed) in given.items():
        if value not in allowed:
            raise ValueError(f"{name}={value!r}, expected one of {', '.join(allowed)}")


def check_flags(**given: Any) -> None:
    """Check that each argument is True, False, 1 or 0. A text would count as True, whatever it says."""
    _check(lambda value: _number(value) in (0, 1), "True or False", given)


def check_shares(**given: Any) -> None:
    """Check that each argument is a number from 0 to 1: a probability, or a part of something."""
    _check(lambda value: 0 <= _number(value) <= 1, "a number from 0 to 1", given)


def check_amounts(**given: Any) -> None:
    """Check that each argument is a number that is not below 0."""
    _check(lambda value: _number(value) >= 0, "a number, 0 or more", given)


def check_counts(least: int, **given: Any) -> None:
    """Check that each argument is a whole number, *least* or more."""
    _check(lambda value: _whole(value) >= least, f"a whole number, at least {least}", given)


def check_resize(resize: Any) -> None:
    """Check a short side in pixels. -1 is taken for none, since ImageRecordIter has it so."""
    if not _whole(resize) >= -1:
        raise ValueError(f"resize={resize!r}, expected a whole number of pixels, or 0 for none")


def check_method(inter_method: Any) -> None:
    """Check the number of an interpolation."""
    if _whole(inter_method) not in METHODS:
        raise ValueError(f"inter_method={inter_method!r}, expected one of {', '.join(map(str, METHODS))}")


def check_shape(data_shape: Any) -> None:
    """Check the shape of an image."""
    sides = tuple(data_shape) if hasattr(data_shape, "__iter__") else ()
    if len(sides) != 3 or not all(_whole(each) >= 1 for each in sides):
        raise ValueError(f"data_shape={data_shape!r}, expected (channels, height, width), each at least 1")


def check_range(name: str, values: Any, *, least: float, above: float) -> None:
    """Check that an argument is a pair of numbers, ascending from *least* or more, that goes beyond *above*."""
    low, high = map(_number, values) if isinstance(values, Sequence) and len(values) == 2 else (math.nan, math.nan)
    if not (least <= low <= high and high > above):
        raise ValueError(f"{name}={values!r}, expected an ascending pair of numbers from {least} on that goes beyond {above}")


def check_color(name: str, value: Any) -> None:
    """Check that an argument is a level, or a sequence of one, of three, or of four with alpha."""
    levels = value if isinstance(value, Sequence) else [value]
    if len(levels) not in (1, 3, 4) or any(math.isnan(_number(each)) for each in levels):
        raise ValueError(f"{name}={value!r}, expected a number, or one for each channel")


def check_iterators(name: str, given: Sequence[Any]) -> None:
    """Check that an argument has iterators of batches; a program's own may be of any class.

    Raises:
        TypeError: it has something else.
    """
    for each in given:
        lacking = [part for part in ("provide_data", "provide_label", "next", "reset") if not hasattr(each, part)]
        if lacking:
            raise TypeError(f"{name}: {each!r} has no {lacking[0]}, expected an iterator of batches, such as a DataIter")


def _check(is_right: Callable[[Any], bool], expected: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if not is_right(value):
            raise ValueError(f"{name}={value!r}, expected {expected}")


def _number(value: Any) -> float:
    """Return a finite number; NaN for anything else, which no comparison is true of."""
    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    return float(plain) if isinstance(plain, numbers.Real) and math.isfinite(plain) else math.nan


def _whole(value: Any) -> float:
    """Return a number of a whole type; NaN for anything else: pixels and counts that are floats fail where they are used."""
    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    return plain if isinstance(plain, int) else math.nan
