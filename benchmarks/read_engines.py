"""Copy the files of a list one after another into one file, with several ways of reading: what pass-through could be made of.

Usage: read_engines.py LIST ROOT OUT --engine NAME --workers N

Engines: serial; advise (serial, the kernel told to read some files ahead); threads (chunks read by N threads, written in
order by this one); processes (N processes that write at offsets which come from the files' sizes).
"""

import argparse
import itertools
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

CHUNK = 64  # files
AHEAD = 64  # files that the kernel is told of
BLOCK = 1 << 20  # bytes a write


def read(path, folder):
    fd = os.open(path, os.O_RDONLY, dir_fd=folder)
    try:
        size = os.fstat(fd).st_size
        data = os.read(fd, size)
        while len(data) < size and (more := os.read(fd, size - len(data))):
            data += more
        return data
    finally:
        os.close(fd)


def write_in_order(contents, out):
    block, size = [], 0
    for data in contents:
        block.append(data)
        size += len(data)
        if size >= BLOCK:
            out.write(b"".join(block))
            block, size = [], 0
    out.write(b"".join(block))


def serial(paths, folder, out, _):
    write_in_order((read(path, folder) for path in paths), out)


def advise(paths, folder, out, _):
    def contents():
        opened = deque()
        for path in itertools.chain(paths, itertools.repeat(None, AHEAD)):
            if path is not None:
                fd = os.open(path, os.O_RDONLY, dir_fd=folder)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)
                opened.append(fd)
            if opened and (path is None or len(opened) > AHEAD):
                fd = opened.popleft()
                with open(fd, "rb", buffering=0) as file:
                    yield file.readall()

    write_in_order(contents(), out)


def threads(paths, folder, out, workers):
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    waiting = deque()
    with ThreadPoolExecutor(workers) as pool:
        for chunk in itertools.chain(chunks, itertools.repeat(None, 2 * workers)):
            if chunk is not None:
                waiting.append(pool.submit(lambda chunk: b"".join(read(path, folder) for path in chunk), chunk))
            if waiting and (chunk is None or len(waiting) > 2 * workers):
                out.write(waiting.popleft().result())


def processes(paths, folder, out, workers):
    sizes = (os.stat(path, dir_fd=folder).st_size for path in paths)
    offsets = list(itertools.accumulate(sizes, initial=0))
    children = []
    for worker in range(workers):
        child = os.fork()
        if not child:
            for start in range(worker * CHUNK, len(paths), workers * CHUNK):
                data = b"".join(read(path, folder) for path in paths[start : start + CHUNK])
                os.pwrite(out.fileno(), data, offsets[start])
            os._exit(0)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    if any(statuses):
        raise SystemExit("a process failed")


ENGINES = {"serial": serial, "advise": advise, "threads": threads, "processes": processes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list")
    parser.add_argument("root")
    parser.add_argument("out")
    parser.add_argument("--engine", choices=list(ENGINES), required=True)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    with open(args.list, encoding="utf-8") as file:
        paths = [line.rstrip("\n").rsplit("\t", 1)[1] for line in file]
    folder = os.open(args.root, os.O_RDONLY)
    with open(args.out, "wb", buffering=0) as out:
        ENGINES[args.engine](paths, folder, out, args.workers)


if __name__ == "__main__":
    main()
