"""Verification sets: what Python's own pickle writes is read, and nothing of a hostile one is run."""

from __future__ import annotations

import os
import pickle
import pickletools
import random
import struct
import subprocess
import sys

import pytest

from recordio import FormatError, Pairs, write_pairs
from recordio.pickled import MOST

IMAGES = [b"\xff\xd8 first \n'quoted' \\", b"\x89PNG second " + bytes(range(256)), b"third" * 99, b"\x80\x04.\x95", b"x", b"y" * 70_000]
SAME = [True, False, True]


@pytest.fixture
def bin_file(tmp_path):
    def make(data):
        path = tmp_path / "x.bin"
        path.write_bytes(data)
        return path

    return make


def python2(images, same, protocol):
    """What Python 2's pickle writes of lists of str and bool, opcode by opcode."""

    def text(number, image):
        put = b"p%d\n" % number if not protocol else b"q" + bytes([number])
        if not protocol:
            quoted = "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\x{byte:02x}" for byte in image)
            return b"S'" + quoted.encode() + b"'\n" + put
        head = b"U" + bytes([len(image)]) if len(image) < 256 else b"T" + struct.pack("<I", len(image))
        return head + image + put

    if not protocol:
        listed = b"(lp1\n" + b"".join(text(number, image) + b"a" for number, image in enumerate(images, 2))
        return b"(" + listed + b"(lp99\n" + b"".join(b"I0%d\na" % flag for flag in same) + b"tp100\n."
    flags = b"".join(b"\x88" if flag else b"\x89" for flag in same) if protocol == 2 else b"".join(b"I0%d\n" % flag for flag in same)
    listed = b"]q\x01(" + b"".join(text(number, image) for number, image in enumerate(images, 2)) + b"e]q\x63(" + flags + b"e"
    return b"\x80\x02" + listed + b"\x86q\x64." if protocol == 2 else b"(" + listed + b"tq\x64."


def read(path):
    with Pairs(path) as pairs:
        return [pairs.image(number) for number in range(2 * len(pairs))], pairs.same, pairs.is_old


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", [tuple, list])
def test_what_python_3_writes_is_read(bin_file, protocol, kind):
    assert read(bin_file(pickle.dumps(kind((IMAGES, SAME)), protocol))) == (IMAGES, SAME, False)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_what_python_2_writes_is_read(bin_file, protocol):
    data = python2(IMAGES, SAME, protocol)
    assert pickle.loads(data, encoding="bytes") == (IMAGES, SAME)
    assert read(bin_file(data)) == (IMAGES, SAME, True)


def test_thousands_of_pairs_are_read_and_written_as_pickle_reads_them(bin_file, tmp_path):
    rng = random.Random(3)
    images = [rng.randbytes(rng.randint(1, 2000)) for _ in range(6000)]
    same = [rng.random() < 0.5 for _ in range(3000)]
    with Pairs(bin_file(pickle.dumps((images, same), 4))) as pairs:
        assert write_pairs(tmp_path / "y.bin", pairs) == 3000
    assert pickle.loads((tmp_path / "y.bin").read_bytes()) == (images, same)
    assert pickle.loads((tmp_path / "y.bin").read_bytes(), encoding="bytes") == (images, same)
    assert read(tmp_path / "y.bin") == (images, same, False)


def test_one_image_in_two_pairs_may_be_kept_once(bin_file):
    image = b"shared" * 100
    data = pickle.dumps(([image, IMAGES[0], image, IMAGES[1]], [True, False]), 4)
    assert data.count(image) == 1
    assert read(bin_file(data))[0] == [image, IMAGES[0], image, IMAGES[1]]


class Evil:
    """Would make a file when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch evil-was-here",)


class Built:
    """An instance with a state."""

    def __init__(self):
        self.x = 1


def hostile_by_persistent_id():
    return b"\x80\x03U\x04evilQ."


HOSTILE = {
    "reduce, protocol 0": (pickle.dumps(([Evil()], [True]), 0), "GLOBAL of posix.system"),
    "reduce, protocol 2": (pickle.dumps(([Evil()], [True]), 2), "GLOBAL of posix.system"),
    "reduce, protocol 4": (pickle.dumps(([Evil()], [True]), 4), "STACK_GLOBAL of posix.system"),
    "inst": (b"(S'touch evil-was-here'\nios\nsystem\n.", "INST of os.system"),
    "obj": (b"(c__builtin__\neval\nS'1'\no.", "GLOBAL of __builtin__.eval"),
    "build": (b"]}b.", "EMPTY_DICT"),
    "build of a list": (b"](\x88eb.", "BUILD"),
    "newobj": (pickle.dumps(Built(), 2), "GLOBAL of"),
    "newobj of a list": (b"])\x81.", "NEWOBJ"),
    "newobj_ex": (b"])]\x92.", "NEWOBJ_EX"),
    "ext1": (b"\x80\x02\x82\x01.", "EXT1"),
    "ext2": (b"\x80\x02\x83\x01\x00.", "EXT2"),
    "ext4": (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
    "persid": (b"Pevil\n.", "PERSID"),
    "binpersid": (hostile_by_persistent_id(), "BINPERSID"),
    "buffer": (b"\x80\x05\x97.", "NEXT_BUFFER"),
    "encode of another module": (b"c_codecs\ndecode\n.", "GLOBAL of _codecs.decode"),
    "encode in another coding": (b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.", "another coding than latin1"),
    "encode without a text": (b"c_codecs\nencode\n\x88\x88\x86R.", "REDUCE"),
    "reduce of a list": (b"])R.", "REDUCE"),
    "numpy": (b"cnumpy.core.multiarray\n_reconstruct\n.", "GLOBAL of numpy.core.multiarray._reconstruct"),
    "dict": (pickle.dumps({1: 2}), "EMPTY_DICT"),
    "float": (pickle.dumps(1.5), "BINFLOAT"),
    "none": (pickle.dumps(None), "NONE"),
    "no opcode": (b"\x80\x03\xff.", "0xff is no opcode"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_whatever_would_run_something_is_refused_by_name(bin_file, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    data, said = HOSTILE[case]
    with pytest.raises(FormatError) as caught:
        Pairs(bin_file(data))
    assert said in caught.value.reason
    assert caught.value.offset < len(data)
    assert not (tmp_path / "evil-was-here").exists()


def test_every_opcode_that_is_not_for_lists_bytes_and_booleans_is_refused(bin_file):
    known = set(b"\x80\x95(])lt\x85\x86\x87aeBC\x8e\x96TUSX\x8c\x8dV\x88\x89KMJIpqr\x94ghjcR.")
    others = [opcode for opcode in pickletools.opcodes if ord(opcode.code) not in known]
    assert len(others) > 20
    for opcode in others:
        with pytest.raises(FormatError, match=opcode.name):
            Pairs(bin_file(b"]]" + opcode.code.encode("latin-1") + b"a\nb\n."))


LYING = {
    "long bytes": b"\x80\x03B\xff\xff\xff\xffab",
    "bytes of 2**63": b"\x80\x04\x8e" + b"\xff" * 8 + b"ab",
    "bytearray of 2**60": b"\x80\x05\x96" + struct.pack("<Q", 1 << 60) + b"ab",
    "old string": b"\x80\x02T\xff\xff\xff\x7fab",
    "text": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"ab",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"].",
    "line without end": b"S'" + b"a" * 100_000,
    "number without end": b"I" + b"1" * 100_000,
    "large number": b"I" + b"1" * 50_000 + b"\n.",
    "put of a large number": b"]p" + b"9" * 400 + b"\n.",
    "get of nothing": b"h\x07.",
    "empty stack": b"a.",
    "mark on top": b"(\x94.",
    "end without mark": b"]e.",
    "append to bytes": b"C\x01aC\x01ba.",
    "memo of a boolean": b"\x88\x94.",
    "protocol 9": b"\x80\x09].",
    "second protocol": b"]\x80\x03.",
    "two values": b"]].",
    "no value": b".",
    "behind the end": pickle.dumps((IMAGES, SAME)) + b"more",
    "quotes that differ": b"S'a\"\n.",
    "escape that is cut": b"S'\\x1'\n.",
    "empty": b"",
}


@pytest.mark.parametrize("case", LYING)
def test_what_lies_about_itself_is_refused(bin_file, case):
    with pytest.raises(FormatError):
        Pairs(bin_file(LYING[case]))


def test_every_cut_of_a_file_is_refused(bin_file):
    for data in (pickle.dumps((IMAGES[:2], [True]), 4), python2(IMAGES[:2], [True], 0), python2(IMAGES[:2], [True], 2)):
        for end in range(0, len(data), 3):
            with pytest.raises(FormatError):
                Pairs(bin_file(data[:end]))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "expected a list of images and a list of booleans"),
        ((IMAGES, SAME, SAME), "expected a list of images and a list of booleans"),
        ((IMAGES[:5], SAME), "5 images for 3 pairs, expected 6"),
        ((IMAGES[:2], [2]), "the flag of pair 0 is no boolean"),
        ((IMAGES[:2], [b"1"]), "the flag of pair 0 is no boolean"),
        (([b"a", "text"], [True]), "image 1 is no bytes"),
        (([b"a", b""], [True]), "image 1 is empty"),
    ],
)
def test_what_is_no_set_of_pairs_is_refused(bin_file, value, said):
    with pytest.raises(FormatError, match=said):
        Pairs(bin_file(pickle.dumps(value, 4)))


def test_flags_may_be_numbers(bin_file):
    assert read(bin_file(pickle.dumps((IMAGES, [1, 0, 1]))))[1] == SAME


FEW = 1 << 18  # values that these tests let a file have: with MOST of them they would take minutes
BOMBS = {
    "marks": b"(" * 1_000_000 + b".",
    "lists": b"]" * 1_000_000 + b".",
    "booleans": b"](" + b"\x88" * (FEW + 10) + b"e.",
    "lists in lists": b"]\x94" + b"](h\x00h\x00h\x00h\x00e\x94" * 10**6 + b".",
    "kept bytes": b"](" + b"C\x01a\x94" * FEW + b"e.",
    "kept again and again": b"]" + b"".join(b"r" + struct.pack("<I", number) for number in range(FEW + 10)) + b".",
    "one image a million times": b"\x80\x04](\x8e"
    + struct.pack("<Q", 5_000_000)
    + b"a" * 5_000_000
    + b"\x94"
    + b"h\x00" * (FEW // 2)
    + b"e.",
    "one text a million times": b"X"
    + struct.pack("<I", 5_000_000)
    + b"a" * 5_000_000
    + b"\x94X\x06\x00\x00\x00latin1\x94\x86\x940"
    + b"("
    + b"c_codecs\nencode\nh\x02R" * 1000
    + b"l.",
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_bomb_takes_little_memory(tmp_path, case):
    """In a process of its own, which may take 128 MB more than it has."""
    path = tmp_path / "bomb.bin"
    path.write_bytes(BOMBS[case])
    program = (
        "import resource, sys, recordio\n"
        "from recordio import FormatError, pickled, pairs\n"
        f"assert pickled.MOST == {MOST}\npickled.MOST = {FEW}\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() if sys.platform == 'linux' else 1 << 30\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 27), now + (1 << 27)))\n"
        "try:\n    recordio.Pairs(sys.argv[1])\n"
        "except FormatError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{path}: offset ")


def test_mutated_files_are_read_or_refused(bin_file):
    rng = random.Random(11)
    bases = [pickle.dumps((IMAGES[:4], SAME[:2]), protocol) for protocol in range(6)] + [python2(IMAGES[:4], SAME[:2], p) for p in range(3)]
    refused = 0
    for _ in range(600):
        data = bytearray(rng.choice(bases))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 2)] = bytes(rng.choices(range(256), k=rng.randint(0, 2)))
        try:
            images, same, _ = read(bin_file(data))
        except FormatError:
            refused += 1
        else:
            assert len(images) == 2 * len(same)
    assert refused > 50


def test_it_is_written_whole_or_not_at_all(tmp_path):
    def breaking():
        yield IMAGES[0], IMAGES[1], True
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_pairs(tmp_path / "x.bin", breaking())
    assert not list(tmp_path.iterdir())
