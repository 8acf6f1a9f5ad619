"""Keyword arguments as MXNet's iterators take them: by name, as values or as their texts; an unknown one is an error. Pure."""

from __future__ import annotations

import ast
import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

_TRUE: Final = ("1", "true")
_FALSE: Final = ("0", "false")
_Options = TypeVar("_Options")


def take(cls: type[_Options], given: Mapping[str, Any]) -> _Options:
    """Make an options dataclass from those of the arguments that it has fields for.

    Raises:
        ValueError: a value is not what its field takes.
    """
    fields = {field.name: str(field.type) for field in dataclasses.fields(cls)}  # type: ignore[arg-type]  # mypy wants a bound
    return cls(**{name: convert(name, fields[name], value) for name, value in given.items() if name in fields})


def check_known(given: Iterable[str], classes: Iterable[type], iterator: str) -> None:
    """Check that each argument belongs to one of the options dataclasses.

    Raises:
        TypeError: one does not; the message has the names that it may have been meant for.
    """
    known = [field.name for cls in classes for field in dataclasses.fields(cls)]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 3, 0.6)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise TypeError(f"{iterator} has no parameter {name!r}{hint}")


def convert(name: str, kind: str, value: Any) -> Any:
    """Convert a value to what a field takes.

    Args:
        name: of the parameter, for messages.
        kind: the field's annotation: int, float, bool, str or a tuple of int or float; with "| None" where None may stand.
        value: a value of that kind, or a text that says one, as MXNet takes it.

    Raises:
        ValueError: it is not.
    """
    plain = kind.removesuffix(" | None")
    if plain != kind and (value is None or value == "None"):
        return None
    try:
        return _CONVERTERS[plain](value)
    except (ValueError, TypeError, SyntaxError, OverflowError):
        raise ValueError(f"{name}={value!r}, expected {_WORDS[plain]}{' or None' * (plain != kind)}") from None


def _integer(value: Any) -> int:
    number = int(value)
    if not isinstance(value, str) and number != value:
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    text = str(int(value) if isinstance(value, bool) else value).lower()
    if text not in (*_TRUE, *_FALSE):
        raise ValueError
    return text in _TRUE


def _text(value: Any) -> str:
    if hasattr(value, "__fspath__"):
        value = value.__fspath__()
    if not isinstance(value, str):
        raise TypeError
    return value


def _integers(value: Any) -> tuple[int, ...]:
    found = ast.literal_eval(value) if isinstance(value, str) else value
    return tuple(_integer(each) for each in (found if hasattr(found, "__iter__") else (found,)))


def _numbers(value: Any) -> tuple[float, ...]:
    found = ast.literal_eval(value) if isinstance(value, str) else value
    return tuple(float(each) for each in (found if hasattr(found, "__iter__") else (found,)))


_CONVERTERS: Final[dict[str, Any]] = {
    "int": _integer,
    "float": float,
    "bool": _boolean,
    "str": _text,
    "tuple[int, ...]": _integers,
    "tuple[float, ...]": _numbers,
}
_WORDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "str": "a text",
    "tuple[int, ...]": "whole numbers in a tuple",
    "tuple[float, ...]": "numbers in a tuple",
}
