"""A unit of work and what became of it: the words that the pool, its workers and the path share. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from im2rec.errors import ImageError, PlanError
from recordio.errors import CodecMissing

T = TypeVar("T")

RING: Final = 1 << 22  # bytes of shared memory a worker
IMAGE_TIMEOUT: Final = 60.0  # seconds: decoding the largest image that is let in takes a few

# item -> bytes to write, bytes that were read, a remark or "", traits of the image as a sum; raises ImageError to reject
Work = Callable[[T], tuple[bytes, int, str, int]]


class Attempt(NamedTuple):
    """What came of one item: its bytes, or the reason for its rejection."""

    data: bytes
    read: int = 0
    remark: str = ""
    traits: int = 0
    reason: str | None = None


def attempt(work: Work[T], item: T) -> Attempt:
    """Do one item; whatever goes wrong with it concerns it alone."""
    try:
        return Attempt(*work(item))
    except CodecMissing:
        raise  # no fault of the image, and no other would fare better
    except ImageError as error:
        reason = error.reason
    except MemoryError:
        reason = "takes more memory than there is"
    except Exception as error:  # noqa: BLE001  (a fault of ours on one odd image must not end a run of ten hours)
        reason = f"unexpected {type(error).__name__}: {error}"
    return Attempt(b"", reason=reason)


@dataclass(slots=True)
class Outcomes:
    """What became of consecutive items.

    Attributes:
        sizes: bytes that each has in the block; 0 where it was rejected.
        reads: bytes of each one's file; 0 where it was rejected.
        rejects: number of the item in the block -> why it was rejected.
        remarks: number of the item in the block -> what should be said of it although it was not rejected.
        traits: number of the item in the block -> what is special about the image, as a sum; without those that are plain.
    """

    sizes: list[int] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    rejects: dict[int, str] = field(default_factory=dict)
    remarks: dict[int, str] = field(default_factory=dict)
    traits: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sizes)

    def note(self, done: Attempt) -> None:
        """Note the next item."""
        if done.reason is not None:
            self.reject(done.reason)
            return
        if done.remark:
            self.remarks[len(self.sizes)] = done.remark
        if done.traits:
            self.traits[len(self.sizes)] = done.traits
        self.sizes.append(len(done.data))
        self.reads.append(done.read)

    def reject(self, reason: str) -> None:
        """Note the next item as rejected."""
        self.rejects[len(self.sizes)] = reason
        self.sizes.append(0)
        self.reads.append(0)

    @property
    def read(self) -> int:
        """Bytes read for those that were not rejected."""
        return sum(self.reads)


@dataclass(frozen=True, slots=True)
class Block(Generic[T]):
    """Outcomes of consecutive items, and the bytes of those that were made, end to end.

    *data* is valid until the next block is asked for.
    """

    items: list[T]
    outcomes: Outcomes
    data: memoryview


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How the work is done.

    Attributes:
        workers: processes; 0 works in this process.
        timeout: seconds that one item may take, 0 for no limit. Needs workers.
        start_method: "fork", "forkserver" or "spawn"; "" takes the quickest that is safe here.
        ring: bytes of shared memory a worker.
        readers: without workers, processes that read images whose bytes are kept, beside this one.
    """

    workers: int = 0
    timeout: float = 0.0
    start_method: str = ""
    ring: int = RING
    readers: int = 0

    def __post_init__(self) -> None:
        if self.timeout and not self.workers:
            raise PlanError("--image-timeout needs --workers 1 or more: this process cannot end its own work")
