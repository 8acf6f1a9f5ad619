"""Memory over fifty epochs: the most of the last twenty is that of the twenty before. Each iterator in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import recordio

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "loaders"
PROGRAM = """
import sys
from recordio import loaders

rec, idx, lst, root = sys.argv[1:]
files = {"path_imgrec": rec, "path_imgidx": idx}
large = {"data_shape": (3, 224, 224), "batch_size": 8, "shuffle": True}

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def grown(epoch):
    found = []
    for _ in range(50):
        epoch()
        found.append(resident())
    return max(found[30:]) - max(found[10:30])

def run(iterator):
    def epoch():
        assert sum(batch.data[0].shape[0] - (batch.pad or 0) for batch in iterator) == 23
        iterator.reset()
    return grown(epoch)

def walk(dataset):
    def epoch():
        for number in range(len(dataset)):
            image, label = dataset[number]
    return grown(epoch)

print({})
"""
COLOURS = "brightness=0.2, contrast=0.2, saturation=0.2"
KINDS = {
    "ImageRecordIter": f"run(loaders.ImageRecordIter(**files, **large, rand_crop=True, {COLOURS}, preprocess_threads=2))",
    "ImageRecordIter without .idx": "run(loaders.ImageRecordIter(path_imgrec=rec, **large, dtype='uint8'))",
    "ImageRecordIter with buffers reused": "run(loaders.ImageRecordIter(**files, **large, reuse_buffers=True))",
    "ImageRecordIter of a list": "run(loaders.ImageRecordIter(path_imglist=lst, path_root=root, **large))",
    "ImageDetRecordIter": "run(loaders.ImageDetRecordIter(**files, **large, rand_crop_prob=0.5, rand_pad_prob=0.5, max_pad_scale=2,"
    " rand_mirror_prob=0.5, random_hue_prob=0.5, max_random_hue=9))",
    "ImageIter": f"run(loaders.ImageIter(**files, **large, resize=230, rand_crop=True, rand_mirror=True, {COLOURS}))",
    "ImageIter of a list": "run(loaders.ImageIter(path_imglist=lst, path_root=root, **large, resize=230, preprocess_threads=0))",
    "ImageDetIter": "run(loaders.ImageDetIter(**files, **large, rand_crop=0.5, rand_pad=0.5, rand_mirror=True))",
    "ImageRecordDataset": "walk(loaders.ImageRecordDataset(rec).transform_first(lambda image: loaders.imresize(image, 224, 224)))",
    "PrefetchingIter": "run(loaders.PrefetchingIter(loaders.ImageRecordIter(**files, **large)))",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The images of the golden set with objects as labels: as a .rec, and as files with a list."""
    folder = tmp_path_factory.mktemp("memory")
    lines = []
    with recordio.IndexedReader(FOLDER / "small.rec") as reader, recordio.IndexedWriter(folder / "objects.rec") as writer:
        for key in range(23):
            image = recordio.unpack(reader.read(key))[1]
            (folder / f"{key}.jpg").write_bytes(image)
            lines.append(f"{key}\t{key % 5}\t{key}.jpg\n")
            writer.write(key, recordio.pack(recordio.Header(0, [2, 5, key % 5, 0.1, 0.2, 0.7, 0.8], key), image))
    (folder / "images.lst").write_text("".join(lines))
    return [str(folder / name) for name in ("objects.rec", "objects.idx", "images.lst", ".")]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
@pytest.mark.parametrize("kind", KINDS)
def test_memory_stays_flat_over_fifty_epochs(kind: str, files: list[str]) -> None:
    label = "" if "Det" in kind or "ImageRecordDataset" in kind else ", label_width=7"
    call = KINDS[kind] if not label or "list" in kind else KINDS[kind].replace("**large", f"**large{label}", 1)
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}  # glibc gives back at once what is freed
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{}", call, 1), *files], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 3 << 20  # 150 kB an epoch; a batch of float32 has 4.8 MB
