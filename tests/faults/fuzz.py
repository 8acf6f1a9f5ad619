"""Lets atheris, which sees what code each input reaches, look for files that are not refused as they should be.

    python tests/faults/fuzz.py SECONDS [atheris' own options]

`make soak` installs atheris and runs this. The first byte of an input chooses the kind of file. An input that breaks
something is left in .faults/; without its first byte it belongs to tests/faults/cases.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FINDS = HERE.parents[1] / ".faults"
SMALL = 1 << 16  # bytes of an input


def mutated(data: bytes, most: int, seed: int, own: Any) -> bytes:
    """Mutate an input with knowledge of its format, or in the fuzzer's *own* way, by turns."""
    import mutators

    rng = random.Random(seed)
    if not data or rng.random() < 0.3:
        return bytes(own(data, most))
    kind = mutators.KINDS[data[0] % len(mutators.KINDS)]
    return (data[:1] + mutators.mutate_data(kind, data[1:], rng))[:most]


class OneInput:
    """Hands inputs to the parsers of their kind."""

    def __init__(self, folder: Path) -> None:
        import targets

        self._bench = targets.Bench(folder)
        self._turn = 0

    def __call__(self, data: bytes) -> None:
        """Run one input; an exception that is not documented leaves."""
        import mutators

        if data:
            self._turn += 1
            self._bench.run(mutators.KINDS[data[0] % len(mutators.KINDS)], data[1:], self._turn)


def write_corpus(folder: Path) -> None:
    """Write valid files for the fuzzer to start from."""
    import mutators

    for number, kind in enumerate(mutators.KINDS):
        for at, data in enumerate(mutators.seeds(kind)):
            (folder / f"{kind}-{at}").write_bytes(bytes([number]) + data)


def main(seconds: int, options: list[str]) -> None:
    """Fuzz for a time."""
    import atheris

    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["recordio", "im2rec"]):
        import sets
        import targets  # noqa: F401  (imports all that is to be seen)
    FINDS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus, sets.folder() as folder:
        write_corpus(Path(corpus))
        limits = [
            f"-max_total_time={seconds}",
            "-timeout=10",
            "-rss_limit_mb=1024",
            f"-max_len={SMALL}",
            "-verbosity=0",
            "-print_final_stats=1",
        ]
        arguments = [sys.argv[0], *limits, f"-artifact_prefix={FINDS}/", *options, corpus]

        def mutate(data: bytes, most: int, seed: int) -> bytes:
            return mutated(data, most, seed, atheris.Mutate)

        atheris.Setup(arguments, OneInput(Path(folder)), custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
