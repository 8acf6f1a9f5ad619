"""List, pack and verify the photographs in examples/photos, and look at one record. Run it with `make demo`.

Writes into out/demo; running it again replaces what is there.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import recordio

HERE = Path(__file__).resolve().parent
PHOTOS = HERE / "photos"
OUT = HERE.parent / "out" / "demo"


def im2rec(*arguments: str | Path) -> None:
    """Run a command of the tool, and show it."""
    words = [str(a.relative_to(HERE.parent)) if isinstance(a, Path) else a for a in arguments]
    print(f"\n$ im2rec {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "im2rec", *words], cwd=HERE.parent, check=True)


def show(rec: Path) -> None:
    """Print what a file holds, and decode one record back into an image file."""
    with recordio.IndexedReader(rec) as reader:
        key = int(reader.keys[0])
        header, image = recordio.unpack(reader.read(key))
        pixels = recordio.decode(image)
        picture = OUT / f"record_{key}.png"
        picture.write_bytes(recordio.encode(pixels, "png", 3))
        height, width, _ = pixels.shape
        print(f"\n{rec.relative_to(HERE.parent)}: {len(reader)} records")
        print(f"record {key}: label {header.label:g}, {len(image)} bytes of JPEG, {width} x {height} pixels")
        print(f"written back as an image: {picture.relative_to(HERE.parent)}")


def main() -> None:
    """List, pack, verify, look."""
    OUT.mkdir(parents=True, exist_ok=True)
    im2rec("list", PHOTOS, "--split", "train=0.8,val=0.2", "--stratify", "-o", OUT / "photos", "--force")
    for part in ("train", "val"):
        im2rec("pack", OUT / f"photos_{part}.lst", PHOTOS, "--resize", "96", "--force")
        im2rec("verify", OUT / f"photos_{part}", "--decode")
    show(OUT / "photos_train.rec")
    print("\nwhat was made:")
    for path in sorted(OUT.iterdir()):
        print(f"  {path.stat().st_size:>9,} bytes  {path.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
