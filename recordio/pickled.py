"""Lists of bytes and booleans out of a pickle, without running anything of it (docs/format.md, section 6).

A pickle is a program. This reads only the words of it that make lists, tuples, bytes, booleans and whole numbers, and refuses
all others by name. Nothing is imported, called or built, and no length that a file states is believed before it is there.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple, NoReturn

from recordio.errors import FormatError
from recordio.files import InputFile

MOST: Final = 1 << 22  # values of a file: a hostile one may make hundreds of bytes of memory of each of its own
_LISTS: Final = 64  # lists and tuples of a file; a list of pairs needs three
_MARKS: Final = 16
_LINE: Final = 1 << 16  # bytes of a line that is no string
_WINDOW: Final = 1 << 18  # bytes read at once
_PROTOCOL: Final = 5
_ESCAPE: Final = re.compile(rb"""\\(?:[\\'"abfnrtv]|x[0-9A-Fa-f]{2}|[0-3]?[0-7]{1,2})""")  # in a string of Python 2


class Span(NamedTuple):
    """Bytes that stand in the file as they are.

    Attributes:
        offset: where they start.
        length: their number.
        is_old: whether Python 2 wrote them, as its ``str``.
    """

    offset: int
    length: int
    is_old: bool = False


class _Text(NamedTuple):
    """A text; only a name of a codec, or bytes that Python 3 has put into one for Python 2."""

    span: Span
    encoding: str


class _Mark:
    """Where the values of a list or tuple start."""


class _Encode:
    """The one name that is understood: ``_codecs.encode``, by which Python 3 writes bytes for Python 2."""


_MARK, _ENCODE = _Mark(), _Encode()


class Unpickled(NamedTuple):
    """What stands in a pickle.

    Attributes:
        value: lists, tuples, booleans, whole numbers, bytes, and Spans for bytes that were left in the file.
        protocol: of the pickle, 0 where it says none.
        is_old: whether strings of Python 2 are in it.
    """

    value: Any
    protocol: int
    is_old: bool


class _Input:
    """The file from its start to its end, in windows."""

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.at = 0  # of the next byte
        self._window = b""
        self._start = 0

    def peek(self, count: int) -> bytes:
        """Return up to *count* bytes without going on."""
        begin = self.at - self._start
        if begin < 0 or begin + count > len(self._window):
            self._window = self.file.read_at(self.at, min(max(count, _WINDOW), self.file.size - self.at))
            self._start, begin = self.at, 0
        return self._window[begin : begin + count]

    def take(self, count: int) -> bytes:
        """Return the next *count* bytes.

        Raises:
            FormatError: there are fewer.
        """
        if count > self.file.size - self.at:
            reason = f"{count} bytes are announced, the file ends after {self.file.size - self.at}"
            raise FormatError(self.file.name, self.at, reason)
        data = self.peek(count)
        if len(data) < count:
            raise FormatError(self.file.name, self.at, "the file ends here now")
        self.at += count
        return data

    def number(self, size: int) -> int:
        """Return the next *size* bytes as a whole number."""
        return int.from_bytes(self.take(size), "little")

    def span(self, length: int, *, is_old: bool = False) -> Span:
        """Pass over *length* bytes."""
        if length > self.file.size - self.at:
            reason = f"{length} bytes are announced, the file ends after {self.file.size - self.at}"
            raise FormatError(self.file.name, self.at, reason)
        self.at += length
        return Span(self.at - length, length, is_old)

    def line(self, most: int) -> bytes:
        """Return the next line without its end."""
        count = 256
        while True:
            data = self.peek(min(count, self.file.size - self.at))
            end = data.find(b"\n")
            if end >= 0:
                self.at += end + 1
                return data[:end]
            if len(data) >= most or self.at + len(data) >= self.file.size:
                raise FormatError(self.file.name, self.at, f"a line that does not end within {len(data)} bytes")
            count *= 4


class _Machine:
    """Reads the words of a pickle one after the other."""

    def __init__(self, file: InputFile) -> None:
        self._input = _Input(file)
        self._name = file.name
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._values = self._lists = self._marks = 0
        self._made = 0  # bytes that were made of texts
        self._begin = 0  # of the word that is read
        self.protocol = 0
        self.is_old = False
        self._words = self._table()

    def _table(self) -> dict[int, Callable[[], None]]:
        read, push = self._input, self._push
        words: dict[bytes, Callable[[], None]] = {
            b"\x80": self._proto,
            b"\x95": self._frame,
            b"(": self._mark,
            b"]": lambda: self._open([]),
            b")": lambda: self._open(()),
            b"l": lambda: self._open(self._since_mark()),
            b"t": lambda: self._open(tuple(self._since_mark())),
            b"\x85": lambda: self._open(self._last(1)),
            b"\x86": lambda: self._open(self._last(2)),
            b"\x87": lambda: self._open(self._last(3)),
            b"a": lambda: self._extend([self._pop()]),
            b"e": lambda: self._extend(self._since_mark()),
            b"B": lambda: push(read.span(read.number(4))),
            b"C": lambda: push(read.span(read.number(1))),
            b"\x8e": lambda: push(read.span(read.number(8))),
            b"\x96": lambda: push(read.span(read.number(8))),
            b"T": lambda: self._old(read.number(4)),
            b"U": lambda: self._old(read.number(1)),
            b"S": self._quoted,
            b"X": lambda: push(_Text(read.span(read.number(4)), "utf-8")),
            b"\x8c": lambda: push(_Text(read.span(read.number(1)), "utf-8")),
            b"\x8d": lambda: push(_Text(read.span(read.number(8)), "utf-8")),
            b"V": self._escaped,
            b"\x88": lambda: push(True),
            b"\x89": lambda: push(False),
            b"K": lambda: push(read.number(1)),
            b"M": lambda: push(read.number(2)),
            b"J": lambda: push(struct.unpack("<i", read.take(4))[0]),
            b"I": self._integer,
            b"p": lambda: self._put(self._index()),
            b"q": lambda: self._put(read.number(1)),
            b"r": lambda: self._put(read.number(4)),
            b"\x94": lambda: self._put(len(self._memo)),
            b"g": lambda: self._get(self._index()),
            b"h": lambda: self._get(read.number(1)),
            b"j": lambda: self._get(read.number(4)),
            b"c": self._global,
            b"R": self._reduce,
        }
        return {word[0]: does for word, does in words.items()}

    def run(self) -> Any:
        """Read up to the end of the pickle and return what it leaves."""
        while True:
            self._begin = self._input.at
            word = self._input.take(1)[0]
            if word == ord("."):
                break
            does = self._words.get(word)
            if does is None:
                self._refuse_word(word)
            does()
        rest = self._input.file.size - self._input.at
        if rest:
            self._refuse(f"the pickle ends here, {rest} bytes stand behind it")
        if len(self._stack) != 1:
            self._refuse(f"the pickle leaves {len(self._stack)} values, expected one")
        return self._pop()

    def _refuse(self, reason: str) -> NoReturn:
        raise FormatError(self._name, self._begin, reason)

    def _refuse_word(self, word: int) -> NoReturn:
        import pickletools  # only its names of the words

        known = next((opcode for opcode in pickletools.opcodes if opcode.code == chr(word)), None)
        expected = "expected only lists, tuples, bytes and booleans; nothing of the file was run"
        if known is None:
            self._refuse(f"the byte 0x{word:02x} is no opcode of a pickle")
        named = ""
        if known.name == "INST":
            named = f" of {self._named()}"
        elif known.name == "STACK_GLOBAL" and len(self._stack) >= 2 and all(isinstance(name, _Text) for name in self._stack[-2:]):
            module, name = (self._input.file.read_at(part.span.offset, min(part.span.length, 60)) for part in self._stack[-2:])
            named = f" of {module.decode('utf-8', 'replace')}.{name.decode('utf-8', 'replace')}"
        self._refuse(f"the opcode {known.name}{named}, {expected}")

    def _named(self) -> str:
        module, name = (self._input.line(_LINE).decode("utf-8", "replace")[:60] for _ in range(2))
        return f"{module}.{name}"

    def _push(self, value: Any) -> None:
        self._values += 1
        if self._values > MOST:
            self._refuse(f"more than {MOST} values")
        self._stack.append(value)

    def _open(self, value: Any) -> None:
        self._lists += 1
        if self._lists > _LISTS:
            self._refuse(f"more than {_LISTS} lists and tuples, expected two lists")
        self._push(value)

    def _mark(self) -> None:
        self._marks += 1
        if self._marks > _MARKS:
            self._refuse(f"more than {_MARKS} lists in each other, expected two lists side by side")
        self._stack.append(_MARK)

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            self._refuse("a value is used that is not there")
        return self._stack.pop()

    def _last(self, count: int) -> tuple[Any, ...]:
        return tuple([self._pop() for _ in range(count)][::-1])

    def _since_mark(self) -> list[Any]:
        if not self._marks:
            self._refuse("a list ends that was not begun")
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
        values = self._stack[at + 1 :]
        del self._stack[at:]
        self._marks -= 1
        return values

    def _extend(self, values: list[Any]) -> None:
        if not self._stack or not isinstance(self._stack[-1], list):
            self._refuse("values are added to what is no list")
        self._stack[-1].extend(values)

    def _proto(self) -> None:
        self.protocol = self._input.number(1)
        if self._begin or self.protocol > _PROTOCOL:
            self._refuse(f"protocol {self.protocol}, expected at most {_PROTOCOL}, and only at the start")

    def _frame(self) -> None:
        length = self._input.number(8)
        if length > self._input.file.size - self._input.at:
            self._refuse(f"a frame of {length} bytes, the file ends after {self._input.file.size - self._input.at}")

    def _old(self, length: int) -> None:
        self.is_old = True
        self._push(self._input.span(length, is_old=True))

    def _quoted(self) -> None:
        self.is_old = True
        line = self._input.line(self._input.file.size)
        inside = line[1:-1]
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"') or b"\\" in _ESCAPE.sub(b"", inside):
            self._refuse("a string that Python 2 would not write so")
        self._push(codecs.escape_decode(inside)[0])  # type: ignore[attr-defined,unused-ignore]

    def _escaped(self) -> None:
        begin = self._input.at
        line = self._input.line(self._input.file.size)
        self._push(_Text(Span(begin, len(line)), "raw-unicode-escape"))

    def _text(self, text: _Text) -> str:
        try:
            return self._input.file.read_at(text.span.offset, text.span.length).decode(text.encoding)
        except UnicodeDecodeError:
            self._refuse(f"a text that is not {text.encoding}")

    def _integer(self) -> None:
        line = self._input.line(_LINE)
        if line in (b"00", b"01"):
            self._push(line == b"01")
            return
        if not line.isdigit() or len(line) > 18:
            self._refuse(f"the number {line[:20]!r}, expected a boolean")
        self._push(int(line))

    def _index(self) -> int:
        line = self._input.line(_LINE)
        if not line.isdigit() or len(line) > 10:
            self._refuse(f"the number {line[:20]!r}, expected that of a value")
        return int(line)

    def _put(self, number: int) -> None:
        value = self._pop()
        self._stack.append(value)
        if isinstance(value, int):
            self._refuse("a number or boolean is kept for later, expected only lists, tuples and bytes to be")
        self._memo[number] = value
        if len(self._memo) > MOST:
            self._refuse(f"more than {MOST} values are kept for later")

    def _get(self, number: int) -> None:
        if number not in self._memo:
            self._refuse(f"the value {number} is used, which was not kept")
        self._push(self._memo[number])

    def _global(self) -> None:
        name = self._named()
        if name != "_codecs.encode":
            self._refuse(f"the opcode GLOBAL of {name}, expected only lists, tuples, bytes and booleans; nothing of the file was run")
        self._push(_ENCODE)

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        is_bytes = function is _ENCODE and isinstance(arguments, tuple) and len(arguments) == 2
        if not is_bytes or not all(isinstance(part, _Text) for part in arguments):
            self._refuse("the opcode REDUCE, expected only lists, tuples, bytes and booleans; nothing of the file was run")
        codec = self._text(arguments[1]) if arguments[1].span.length <= 10 else "?"
        if codec not in ("latin1", "latin-1"):
            self._refuse("bytes in another coding than latin1")
        self._lists -= 1  # the tuple of the two is gone
        self._made += arguments[0].span.length
        if self._made > self._input.file.size:
            self._refuse("one text becomes bytes again and again")
        try:
            self._push(self._text(arguments[0]).encode("latin-1"))
        except UnicodeEncodeError:
            self._refuse("bytes with a character beyond latin1")


def read(file: InputFile) -> Unpickled:
    """Read a pickle of lists, tuples, bytes, booleans and whole numbers; run nothing of it.

    Raises:
        FormatError: it holds anything else, with the offset and the name of it, or is not whole.
        FileError: a read failed.
    """
    machine = _Machine(file)
    value = machine.run()
    return Unpickled(value, machine.protocol, machine.is_old)
