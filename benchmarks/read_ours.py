"""Read a .rec with this project's library; print the seconds that it took.

Usage: read_ours.py order|views|payloads|key|unpacked|mapped REC PASSES   each record with its header unpacked, but for payloads
       read_ours.py images REC THREADS float32|uint8 IMAGES  ImageRecordIter, 224 x 224, random crop and mirror
       read_ours.py decode REC THREADS IMAGES   nothing but decoding, by threads, of images that are in memory
"""

from __future__ import annotations

import itertools
import random
import sys
import time

from recordio import IndexedReader, Reader, header  # loaded before the clock runs, as in the programs that this one is compared with

BATCH = 64


def order(rec: str, *, copy: bool) -> int:
    with Reader(rec) as reader:
        return sum(1 for _header, _image in reader.unpacked(copy=copy))


def payloads(rec: str) -> int:
    with Reader(rec) as reader:
        return sum(1 for _ in reader)


def by_key(rec: str, what: str, passes: int) -> tuple[int, float]:
    with IndexedReader(rec, mapped=what == "mapped") as reader:
        keys = reader.keys.tolist() * passes
        random.Random(1).shuffle(keys)
        reader.read(keys[0])
        start = time.perf_counter()
        if what == "key":
            for key in keys:
                header.unpack(reader.read(key))
        else:
            for key in keys:
                reader.unpacked(key)
        return len(keys), time.perf_counter() - start


def images(rec: str, threads: int, dtype: str, wanted: int) -> float:
    from recordio.loaders import ImageRecordIter

    batches = ImageRecordIter(
        path_imgrec=rec, path_imgidx=f"{rec[:-4]}.idx", data_shape=(3, 224, 224), batch_size=BATCH, shuffle=True, rand_crop=True,
        rand_mirror=True, preprocess_threads=threads, dtype=dtype,
    )  # fmt: skip
    for _ in batches:  # by then everything is loaded, and the memory in use
        pass
    batches.reset()
    start, count = time.perf_counter(), 0
    while count < wanted:
        for batch in batches:
            count += len(batch.data[0])
            if count >= wanted:
                break
        batches.reset()
    return (time.perf_counter() - start) * wanted / count  # batches are whole, so there were a few more


def decode(rec: str, threads: int, wanted: int) -> float:
    from concurrent.futures import ThreadPoolExecutor

    import simplejpeg

    with Reader(rec) as reader:
        found = [image for _, image in reader.unpacked()]
    found = list(itertools.islice(itertools.cycle(found), wanted))

    def work(first: int) -> None:
        for image in found[first::threads]:
            simplejpeg.decode_jpeg(image, "BGR")

    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(work, range(threads)))
        return time.perf_counter() - start


def main() -> None:
    what, rec, *rest = sys.argv[1:]
    if what == "decode":
        wanted = int(rest[1])
        print(wanted, decode(rec, int(rest[0]), wanted))
        return
    if what == "images":
        wanted = int(rest[2])
        print(wanted, images(rec, int(rest[0]), rest[1], wanted))
        return
    if what in ("key", "unpacked", "mapped"):
        print(*by_key(rec, what, int(rest[0])))
        return
    start = time.perf_counter()
    count = sum(payloads(rec) if what == "payloads" else order(rec, copy=what == "order") for _ in range(int(rest[0])))
    print(count, time.perf_counter() - start)


main()
