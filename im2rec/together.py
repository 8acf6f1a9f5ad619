"""What can be wrong with the shards of a set together: some are missing, one is there twice, keys stand in several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from im2rec.errors import InputError
from im2rec.sets import prefix_of
from recordio.issues import Issue
from recordio.shardnames import parse, shard_name, shards_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def missing_shards(given: Path, recs: Sequence[Path]) -> Iterator[Issue]:
    """Yield an issue for each shard that is not there, by the names of those that are; none for a file that is named itself.

    Shards beside a whole set of the same prefix are one, too: nobody knows which is meant.
    """
    prefix = prefix_of(given)
    if given == prefix and [rec.name for rec in recs] == [f"{prefix.name}.rec"] and (beside := shards_of(prefix)):
        many = f"{beside[0].name} stands" if len(beside) == 1 else f"{len(beside)} shards, such as {beside[0].name}, stand"
        yield Issue(str(recs[0]), "set", f"{many} beside it under the same prefix: name what is meant by its .rec")
        return
    shards = [shard for rec in recs if (shard := parse(rec.stem)) and shard.prefix == prefix.name]
    sets = sorted({shard.of for shard in shards})
    if len(sets) > 1:
        yield Issue(str(recs[0]), "set", f"shards of sets of {' and '.join(map(str, sets))} files stand side by side")
        return
    found = {shard.number for shard in shards}
    for number in range(sets[0]) if sets else ():
        if number not in found:
            missing = prefix.with_name(f"{shard_name(prefix.name, number, sets[0])}.rec")
            yield Issue(str(missing), "set", "this shard of the set is missing")


def one_set(given: Path, recs: Sequence[Path]) -> None:
    """Check that files are all of the one set that a name stands for.

    Raises:
        InputError: a shard is missing, or more than one set has that name.
    """
    for issue in missing_shards(given, recs):
        raise InputError(str(issue.file), issue.reason)


class Twins:
    """Finds keys that stand in several shards of a set, and shards that are one file twice. Memory is 24 bytes a record."""

    def __init__(self) -> None:
        self._keys: list[NDArray[np.uint64]] = []
        self._names: list[Path] = []
        self._seals: dict[tuple[int, str], Path] = {}

    def add(self, rec: Path, seal: tuple[int, str], keys: Any) -> Iterator[Issue]:
        """Take the keys of the next shard, None where they are its own business; yield an issue when it is an earlier one again.

        Args:
            rec: its .rec file.
            seal: its size and the digest of what it holds.
            keys: (n,) uint64.
        """
        first = self._seals.setdefault(seal, rec) if seal[0] else rec  # empty ones are all alike
        if first != rec:
            yield Issue(str(rec), "set", f"holds the same records as {first.name}")
        elif keys is not None:
            self._names.append(rec)
            self._keys.append(keys)

    def finish(self) -> tuple[int, Iterator[Issue]]:
        """Return how many records have a key of another shard, and an issue for each."""
        import numpy as np

        if len(self._keys) < 2:
            return 0, iter(())
        keys = np.concatenate(self._keys)
        ends = np.cumsum([len(part) for part in self._keys])
        self._keys = []
        order = keys.argsort(kind="stable")
        shards, keys = ends.searchsorted(order, side="right").astype(np.uint32), keys[order]
        again = ((keys[1:] == keys[:-1]) & (shards[1:] != shards[:-1])).nonzero()[0]
        names = self._names

        def issues() -> Iterator[Issue]:
            for at in again:
                yield Issue(str(names[shards[at + 1]]), "set", f"this key stands in {names[shards[at]].name}, too", int(keys[at + 1]))

        return len(again), issues()
