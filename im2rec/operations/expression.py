"""A small language to choose records by: comparisons, arithmetic, and, or, not. Nothing of Python's is run.

label == 3 and width >= 112          format in ("jpg", "webp")          key % 10 == 0 or bytes > 100000
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import PlanError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES: Final = {
    "key": "key of the record",
    "id": "id of its header",
    "label": "its first label; label[1] is the second",
    "labels": "number of its labels",
    "bytes": "bytes of its image",
    "payload": "bytes of its payload",
    "format": 'format of its image: "jpg", "png", "webp", "gif", "bmp", "tiff", "" for none, "?" for one that is not known or not whole',
    "width": "pixels, before any EXIF rotation",
    "height": "pixels",
}
PROBED: Final = frozenset({"format", "width", "height"})  # what needs a look at the image
_LONGEST: Final = 4096  # characters
_DEEPEST: Final = 50  # levels
_TEXTS: Final = frozenset({"format"})
_LABELS: Final = 1 << 16  # the last label that can be asked for
Lookup = Callable[[str], "NDArray[Any]"]  # a name, or label[k], as a value for each record


class Expression:
    """A condition on records.

    Args:
        text: what it says.

    Attributes:
        names: what it asks for, of NAMES.

    Raises:
        PlanError: it is no such condition; the message has the place.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        if len(text) > _LONGEST:
            raise PlanError(f"an expression of {len(text)} characters, expected at most {_LONGEST}")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise PlanError(f"expression {text!r}: {error.msg} at character {error.offset}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise PlanError(f"expression {text!r}: {error or 'is nested too deeply'}") from None
        if self._check(self._tree, 0) != "bool":
            raise PlanError(f"expression {text!r} is no condition: expected a comparison, such as label == 3")

    def evaluate(self, look_up: Mapping[str, Any] | Lookup, count: int) -> NDArray[np.bool_]:
        """Tell of which records it is true.

        Args:
            look_up: gives the values of a name, or of ``label[k]``, for all records.
            count: number of records.

        Returns:
            (count,) bool. A comparison with what a record has not (NaN) is false.
        """
        import numpy as np

        with np.errstate(all="ignore"):
            found = self._value(self._tree, look_up if callable(look_up) else look_up.__getitem__)
        return np.broadcast_to(np.asarray(found, bool), (count,))

    # -- checking: every node is one of a few kinds, with operands of the right type

    def _fault(self, node: ast.AST, said: str) -> PlanError:
        return PlanError(f"expression {self.text!r}: {said} at character {getattr(node, 'col_offset', 0) + 1}")

    def _check(self, node: ast.AST, depth: int) -> str:
        """Return the type of a node: bool, number or text."""
        if depth > _DEEPEST:
            raise self._fault(node, f"nested more than {_DEEPEST} deep")
        check = getattr(self, f"_check_{type(node).__name__.lower()}", None)
        if check is None:
            raise self._fault(node, f"{type(node).__name__} is not known here")
        kind: str = check(node, depth + 1)
        return kind

    def _expect(self, node: ast.AST, depth: int, kind: str) -> None:
        found = self._check(node, depth)
        if found != kind:
            raise self._fault(node, f"a {found}, expected a {kind}")

    def _check_boolop(self, node: ast.BoolOp, depth: int) -> str:
        for value in node.values:
            self._expect(value, depth, "bool")
        return "bool"

    def _check_unaryop(self, node: ast.UnaryOp, depth: int) -> str:
        if isinstance(node.op, ast.Not):
            self._expect(node.operand, depth, "bool")
            return "bool"
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            raise self._fault(node, f"{type(node.op).__name__} is not known here")
        self._expect(node.operand, depth, "number")
        return "number"

    def _check_binop(self, node: ast.BinOp, depth: int) -> str:
        if not isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)):
            raise self._fault(node, f"{type(node.op).__name__} is not known here")
        self._expect(node.left, depth, "number")
        self._expect(node.right, depth, "number")
        return "number"

    def _check_compare(self, node: ast.Compare, depth: int) -> str:
        kind = self._check(node.left, depth)
        if kind == "bool":
            raise self._fault(node, "a bool, expected a number or text")
        for operation, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operation, (ast.In, ast.NotIn)):
                self._check_choice(right, depth, kind)
                continue
            if isinstance(operation, (ast.Is, ast.IsNot)):
                raise self._fault(node, "'is' is not known here, expected ==")
            if kind == "text" and not isinstance(operation, (ast.Eq, ast.NotEq)):
                raise self._fault(node, "text is compared by == and != and in")
            self._expect(right, depth, kind)
        return "bool"

    def _check_choice(self, node: ast.AST, depth: int, kind: str) -> None:
        if not isinstance(node, (ast.Tuple, ast.List)):
            raise self._fault(node, f"expected some {kind}s in parentheses behind 'in'")
        for element in node.elts:
            self._expect(element, depth, kind)

    def _check_constant(self, node: ast.Constant, _: int) -> str:
        if isinstance(node.value, str):
            return "text"
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)) or abs(node.value) > 1 << 64:
            raise self._fault(node, f"the value {str(node.value)[:20]} is not known here")
        return "number"

    def _check_name(self, node: ast.Name, _: int) -> str:
        if node.id not in NAMES:
            raise self._fault(node, f"the name {node.id!r}, expected one of {', '.join(NAMES)}")
        self.names.add(node.id)
        return "text" if node.id in _TEXTS else "number"

    def _check_subscript(self, node: ast.Subscript, _: int) -> str:
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        is_label = isinstance(node.value, ast.Name) and node.value.id == "label"
        if not is_label or type(place) is not int or not 0 <= place <= _LABELS:
            raise self._fault(node, "only label[0], label[1] and so on have an index")
        self.names.add("label")
        return "number"

    # -- evaluating: what has been checked

    def _value(self, node: Any, look_up: Lookup) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return look_up(node.id)
        if isinstance(node, ast.Subscript):
            return look_up(f"label[{node.slice.value}]")  # type: ignore[attr-defined]
        if isinstance(node, ast.BoolOp):
            return self._all_or_any(node, look_up)
        if isinstance(node, ast.UnaryOp):
            value = self._value(node.operand, look_up)
            if isinstance(node.op, ast.Not):
                return ~_array(value, bool)
            return -_array(value, float) if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp):
            left, right = (_array(self._value(side, look_up), float) for side in (node.left, node.right))
            return _ARITHMETIC[type(node.op)](left, right)
        return self._compared(node, look_up)

    def _all_or_any(self, node: ast.BoolOp, look_up: Lookup) -> Any:
        values = [_array(self._value(value, look_up), bool) for value in node.values]
        found = values[0]
        for value in values[1:]:
            found = found & value if isinstance(node.op, ast.And) else found | value
        return found

    def _compared(self, node: ast.Compare, look_up: Lookup) -> Any:
        left, found = self._value(node.left, look_up), _array(True, bool)
        for operation, comparator in zip(node.ops, node.comparators, strict=True):
            if isinstance(operation, (ast.In, ast.NotIn)):
                assert isinstance(comparator, (ast.Tuple, ast.List))
                is_in = _array(False, bool)
                for element in comparator.elts:
                    is_in = is_in | (_array(left) == self._value(element, look_up))
                found = found & (is_in if isinstance(operation, ast.In) else ~is_in)
            else:
                right = self._value(comparator, look_up)
                found = found & _COMPARISONS[type(operation)](_array(left), right)
                left = right
        return found


def _array(value: Any, kind: Any = None) -> Any:
    import numpy as np

    return np.asarray(value, kind)


_ARITHMETIC: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
_COMPARISONS: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
