"""What is done with a file from a stranger: every parser and reader, which may refuse it only in the documented ways."""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import mutators

from im2rec import journal
from im2rec.errors import Im2recError
from im2rec.itemlist import ItemList
from recordio import checksum, frame, header, index, tolerant
from recordio.errors import FormatError, RecordIOError
from recordio.files import InputFile
from recordio.indexed import IndexedReader
from recordio.reader import Reader
from recordio.verify import verify

DOCUMENTED = (RecordIOError, Im2recError)
_LIMIT = 10  # seconds that one file may take


class Bench:
    """A folder with one valid set, whose files are replaced by mutated ones.

    Args:
        folder: an empty one, better in memory.
    """

    def __init__(self, folder: Path) -> None:
        self.rec, self.idx, self.sum = (folder / f"x{suffix}" for suffix in (".rec", ".idx", ".sum"))
        self.journal = folder / ".x.journal"
        self._valid = {name: mutators.seeds(name)[4] for name in ("rec", "idx", "sum")}
        for name, data in self._valid.items():
            getattr(self, name).write_bytes(data)
        self.bare = folder / "y.rec"  # a set without .sum
        (folder / "y.idx").write_bytes(self._valid["idx"])

    @contextlib.contextmanager
    def with_file(self, kind: str, data: bytes) -> Iterator[None]:
        """Let a mutated file stand in the place of a valid one."""
        path: Path = getattr(self, kind)
        path.write_bytes(data)
        try:
            yield
        finally:
            path.write_bytes(self._valid[kind])

    def run(self, kind: str, data: bytes, turn: int) -> None:
        """Hand a file to its parsers; each *turn* adds another reader, as those that open files take ten times as long.

        Raises:
            Exception: any that is not documented.
        """
        getattr(self, f"_run_{kind}")(data, turn)

    # -- one kind each

    def _run_rec(self, data: bytes, turn: int) -> None:
        starts, used, fault = frame.spans(data)
        assert 0 <= used <= len(data)
        assert fault is not None or used == len(data)
        for start in starts:
            payload, _ = frame.decode_at(data, start)
            _refused(lambda payload=payload: header.unpack(payload))
        position = frame.find_head(data)
        if position >= 0:
            _refused(lambda: frame.decode_at(data, position))
        _refused(lambda: frame.decode_run(data))
        if turn % 8:
            return
        self.bare.write_bytes(data)
        with self.with_file("rec", data):
            _refused(lambda: _read_all(self.rec))
            readers: list[Callable[[], object]] = [
                lambda: _read_by_key(self.rec, vouched=False),
                lambda: _read_by_key(self.rec, vouched=True),
                lambda: _read_all(self.rec, vouched=True),
                lambda: verify(self.rec),
                lambda: verify(self.bare, label_width=1),
                lambda: _scan(self.rec),
            ]
            _refused(readers[turn // 8 % len(readers)])

    def _run_idx(self, data: bytes, turn: int) -> None:
        def parse() -> None:
            found = index.parse(data)
            assert len(found.keys) == len(found.offsets)
            for key in found.keys[:3].tolist():
                assert int(found.keys[found.find(key)]) == key

        _refused(parse)
        if turn % 8 == 0:
            with self.with_file("idx", data):
                readers: list[Callable[[], object]] = [
                    lambda: _read_by_key(self.rec, vouched=False),
                    lambda: _read_by_key(self.rec, vouched=True),
                    lambda: verify(self.rec),
                ]
                _refused(readers[turn // 8 % len(readers)])

    def _run_sum(self, data: bytes, turn: int) -> None:
        def parse() -> None:
            found = checksum.parse(data)
            ends = found.offsets + found.lengths
            assert (found.lengths >= 0).all()
            assert not len(found) or (found.offsets[0] == 0 and ends[-1] == found.rec.size and (ends[:-1] == found.offsets[1:]).all())

        _refused(parse)
        if turn % 8 == 0:
            with self.with_file("sum", data):
                readers: list[Callable[[], object]] = [
                    lambda: _read_by_key(self.rec, vouched=True),
                    lambda: _read_all(self.rec, vouched=True),
                    lambda: verify(self.rec),
                    lambda: _scan(self.rec, checksum.load(self.sum)),
                ]
                _refused(readers[turn // 8 % len(readers)])

    def _run_lst(self, data: bytes, turn: int) -> None:
        def read() -> None:
            with ItemList.from_stream(io.BytesIO(data), allow_rounding=turn % 3 == 0) as items:
                kept = list(items)
                assert len(kept) == len(items)
                assert len({item.id for item in kept}) == len(kept)
                assert all(0 <= item.id < 1 << 64 and item.path and item.labels for item in kept)

        def read_leniently() -> None:
            faults: list[object] = []
            with ItemList(io.BytesIO(data), "x", on_fault=faults.append) as items:
                assert len(list(items)) == len(items)

        _refused(read_leniently if turn % 4 == 1 else read)

    def _run_journal(self, data: bytes, turn: int) -> None:
        del turn
        self.journal.write_bytes(data)
        past = journal.load(self.journal)  # refuses nothing: it ends where it cannot be read
        if past is not None:
            assert len(past.ends) == len(past.entries) + 1
            assert past.ends[-1] <= len(data)
            assert all(path.parent == self.journal.parent for path in past.temporaries.values())
            for entry in past.entries:
                assert entry.outcomes.read >= 0
                assert len(entry.outcomes) == len(entry.outcomes.reads)


def _refused(action: Callable[[], object]) -> None:
    """Do something, and let it refuse in the documented ways."""
    try:
        action()
    except DOCUMENTED as error:
        str(error)


def _read_all(rec: Path, *, vouched: bool = False) -> None:
    size = 0
    with Reader(rec, verify=vouched) as reader:
        for payload in reader:
            size += len(payload)
    assert size <= rec.stat().st_size


def _read_by_key(rec: Path, *, vouched: bool) -> None:
    with IndexedReader(rec, verify=vouched) as reader:
        for ordinal in range(min(len(reader), 12)):
            with contextlib.suppress(FormatError):
                reader.read_ordinal(ordinal)
        with contextlib.suppress(RecordIOError):
            reader.read(5)


def _scan(rec: Path, listed: checksum.Sum | None = None) -> None:
    file, position = InputFile(rec), 0
    try:
        for piece in tolerant.scan(file, listed):
            assert piece.offset == position
            assert piece.length > 0
            position += piece.length
        assert position == file.size
    finally:
        file.close()


@contextlib.contextmanager
def no_hang() -> Iterator[Callable[[], None]]:
    """Give a function that winds up an alarm; when nobody does for some seconds, the work is interrupted."""
    if not hasattr(signal, "SIGALRM"):
        yield lambda: None
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"hangs for {_LIMIT} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield lambda: signal.setitimer(signal.ITIMER_REAL, _LIMIT) and None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
