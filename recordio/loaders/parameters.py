"""Keyword arguments as MXNet's iterators take them: by name, as values or as their texts; an unknown one is an error. Pure."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

_TRUE: Final = ("1", "true")
_FALSE: Final = ("0", "false")
_Options = TypeVar("_Options")
_Function = TypeVar("_Function", bound=Callable[..., Any])


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
    check_names(given, [field.name for cls in classes for field in dataclasses.fields(cls)], iterator)


def check_names(given: Iterable[str], known: Iterable[str], iterator: str, others: Iterable[str] = ()) -> None:
    """Check that each argument has one of some names.

    Args:
        given: the names of the arguments.
        known: the names that they may have.
        iterator: who is given them, for the message.
        others: names that may have been meant, too.

    Raises:
        TypeError: one has another name; the message has close ones.
    """
    known = list(known)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, [*known, *others], 3, 0.6)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise TypeError(f"{iterator} has no parameter {name!r}{hint}")


def names(*functions: Callable[..., Any]) -> list[list[str]]:
    """Return the names of the arguments of each of some functions or classes."""
    return [list(inspect.signature(each).parameters) for each in functions]


def signed(*classes: type, needed: Iterable[str] = (), without: Iterable[str] = ()) -> Callable[[_Function], _Function]:
    """Give a method that takes any keywords the signature that options dataclasses mean, for help() and editors.

    Args:
        *classes: the dataclasses; of two fields with one name the first counts.
        needed: names of fields without a default.
        without: names of fields that it does not take.
    """
    found = {"self": inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)}
    for each in [field for cls in classes for field in dataclasses.fields(cls) if field.name not in without]:
        default = inspect.Parameter.empty if each.name in needed else each.default
        found.setdefault(each.name, inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=each.type))

    def sign(method: _Function) -> _Function:
        method.__signature__ = inspect.Signature(list(found.values()))  # type: ignore[attr-defined]  # what inspect looks for
        return method

    return sign


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


def _number(value: Any) -> float:
    number = float(value)
    if number != number:  # not a number
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
    return tuple(_number(each) for each in (found if hasattr(found, "__iter__") else (found,)))


_CONVERTERS: Final[dict[str, Any]] = {
    "int": _integer,
    "float": _number,
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
