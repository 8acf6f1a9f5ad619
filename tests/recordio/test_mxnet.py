"""The drop-in for mxnet.recordio: MXNet's bytes, names and habits; what is beyond them; files that appear whole or not at all."""

from __future__ import annotations

import gc
import json
import os
import pickle
import struct
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from recordio import mxnet
from recordio.errors import FileError, FormatError, KeyMissing
from recordio.mxnet import IRHeader, MXIndexedRecordIO, MXNetError, MXRecordIO, pack, pack_img, unpack, unpack_img

M = b"\x0a\x23\xd7\xce"


@pytest.fixture
def names(tmp_path) -> tuple[str, str]:
    return str(tmp_path / "a.idx"), str(tmp_path / "a.rec")


@pytest.fixture
def five(names) -> MXIndexedRecordIO:
    """Five records with keys 10, 11, ...: the second is of several parts."""
    with MXIndexedRecordIO(*names, "w") as record:
        for number in range(5):
            record.write_idx(10 + number, b"r%d" % number if number != 1 else M * 3)
    return MXIndexedRecordIO(*names, "r")


def in_another_program(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


class TestHeaders:
    def test_packing_gives_mxnets_bytes(self, golden):
        for case in json.loads((golden / "recordio" / "headers.json").read_text()):
            labels = [float(text) for text in case["label"]]
            header = IRHeader(case["flag"], labels[0] if case["scalar"] else labels, case["id"], case["id2"])
            assert pack(header, bytes.fromhex(case["data_hex"])).hex() == case["packed_hex"]

    def test_unpacking_gives_mxnets_values(self, golden):
        for case in json.loads((golden / "recordio" / "headers.json").read_text()):
            header, data = unpack(bytes.fromhex(case["packed_hex"]))
            expected = case["unpacked"]
            assert (header.flag, header.id, header.id2, data.hex()) == tuple(expected[name] for name in ("flag", "id", "id2", "data_hex"))
            assert [repr(float(value)) for value in np.ravel(header.label)] == expected["label"]

    def test_a_header_looks_as_mxnets(self):
        assert repr(IRHeader(0, 14.0, 20129312, 0)) == "HEADER(flag=0, label=14.0, id=20129312, id2=0)"
        assert pickle.loads(pickle.dumps(IRHeader(0, 1.0, 2, 3))) == (0, 1.0, 2, 3)
        assert (mxnet._IR_FORMAT, mxnet._IR_SIZE) == ("IfQQ", 24)

    def test_an_array_of_no_dimension_is_a_vector_of_one(self):
        assert pack((0, np.array(3.0), 1, 0), b"") == struct.pack("<IfQQf", 1, 0, 1, 0, 3.0)
        assert pack((0, np.float64(3.0), 1, 0), b"") == struct.pack("<IfQQ", 0, 3.0, 1, 0)

    def test_what_programs_catch_is_raised(self):
        with pytest.raises(struct.error):
            pack(IRHeader(0, 1.0, -1, 0), b"")
        with pytest.raises(TypeError):
            pack(IRHeader(0, 1.0, 1, 0), "text")
        with pytest.raises(struct.error, match="3 bytes, expected an image header of 24"):
            unpack(b"abc")
        with pytest.raises(ValueError, match="flag 5 announces 20 bytes of labels, 4 are left"):
            unpack(struct.pack("<IfQQ", 5, 0, 0, 0) + b"abcd")


class TestImages:
    @pytest.mark.parametrize(("suffix", "parameters"), [(".jpg", [1, 80]), (".JPEG", [1, 80]), (".png", [16, 9]), (".bmp", [])])
    def test_images_are_encoded_as_opencv_does(self, noise, suffix, parameters):
        packed = pack_img(IRHeader(0, 1.0, 2, 0), noise(), quality=80, img_fmt=suffix)
        assert unpack(packed)[1] == cv2.imencode(suffix, noise(), parameters)[1].tobytes()

    @pytest.mark.parametrize("flag", [1, 0, -1, 128, 4])
    def test_images_are_decoded_as_opencv_does(self, golden, flag):
        for path in sorted((golden / "images").glob("[cos]*/*.*")):
            header, image = unpack_img(pack(IRHeader(0, 1.0, 2, 0), path.read_bytes()), flag)
            expected = cv2.imdecode(np.fromfile(path, np.uint8), flag)
            assert header.id == 2
            assert np.array_equal(image, expected), path

    def test_colors_are_in_the_order_of_opencv(self):
        blue = np.zeros((8, 8, 3), np.uint8)
        blue[:, :, 0] = 255
        _, image = unpack_img(pack_img(IRHeader(0, 1.0, 2, 0), blue, img_fmt=".png"))
        assert image[0, 0].tolist() == [255, 0, 0]

    def test_what_is_no_image_gives_none(self):
        assert unpack_img(pack(IRHeader(0, 1.0, 2, 0), b"<html>"))[1] is None
        assert unpack_img(pack(IRHeader(0, [1, 5], 0, 0), b""))[1] is None

    def test_an_unknown_suffix_is_told(self, noise):
        with pytest.raises(ValueError, match=r"cannot be encoded as '\.xyz'"):
            pack_img(IRHeader(0, 1.0, 2, 0), noise(), img_fmt=".xyz")


class TestReading:
    def test_golden_files_read_as_mxnet_wrote_them(self, frames):
        with MXIndexedRecordIO(str(frames.idx), str(frames.rec), "r") as record, MXRecordIO(str(frames.rec), "r") as in_order:
            assert record.keys == frames.keys
            assert record.idx == dict(zip(frames.keys, frames.offsets, strict=True))
            assert [record.read_idx(key) for key in reversed(frames.keys)] == frames.payloads[::-1]
            assert [in_order.read() for _ in frames.payloads] == frames.payloads
            assert in_order.read() is None
            assert in_order.read() is None
            in_order.reset()
            assert in_order.read() == frames.payloads[0]

    def test_reading_goes_on_behind_a_record_read_by_key(self, five):
        assert (five.read_idx(12), five.read(), five.read(), five.read()) == (b"r2", b"r3", b"r4", None)
        five.seek(10)
        assert (five.tell(), five.read(), five.tell(), five.read()) == (0, b"r0", 12, M * 3)
        assert (five.read_idx(14), five.read()) == (b"r4", None)

    def test_a_key_that_is_missing_is_a_key_error(self, five):
        for key in (9, "10", None):
            with pytest.raises(KeyError):
                five.read_idx(key)
        with pytest.raises(KeyMissing, match=r"a\.idx: no record has the key 99"):
            five.read_idx(99)
        assert five.read_idx(np.int64(10)) == b"r0"

    def test_of_two_records_with_one_key_the_last_is_found(self, names):
        with MXIndexedRecordIO(*names, "w") as record:
            for payload in (b"first", b"other", b"last"):
                record.write_idx(5 if payload != b"other" else 6, payload)
            assert (record.keys, record.idx) == ([5, 6, 5], {5: 32, 6: 16})
        assert MXIndexedRecordIO(*names, "r").read_idx(5) == b"last"

    def test_keys_may_be_of_any_type(self, names):
        with MXIndexedRecordIO(*names, "w", key_type=str) as record:
            record.write_idx("a b/ü.jpg", b"x")
            record.write_idx(7, b"y")
            with pytest.raises(ValueError, match="a tab or a newline"):
                record.write_idx("a\tb", b"")
        record = MXIndexedRecordIO(idx_path=names[0], uri=names[1], flag="r", key_type=str)
        assert (record.keys, record.read_idx("7"), record.read_idx("a b/ü.jpg")) == (["a b/ü.jpg", "7"], b"y", b"x")
        with pytest.raises(ValueError, match=r"a\.idx:1: 'a b/ü\.jpg"):
            MXIndexedRecordIO(*names, "r")

    def test_a_program_may_change_keys_and_idx(self, five):
        five.keys.reverse()
        five.idx[99] = five.idx[11]
        assert (five.keys[0], five.read_idx(99)) == (14, M * 3)

    def test_a_large_index_needs_no_dict(self, five, monkeypatch):
        monkeypatch.setattr("recordio.mxindexed._HASHED", 2)
        assert (five.read_idx(13), 13 in five, 9 in five, len(five), five._idx) == (b"r3", True, False, 5, None)
        with pytest.raises(KeyError):
            five.read_idx("13")

    def test_positions_slices_and_iteration(self, five, names):
        with MXRecordIO(names[1], "r") as in_order:
            for record in (five, in_order):
                payloads = [b"r0", M * 3, b"r2", b"r3", b"r4"]
                assert (len(record), list(record), record[0], record[-1], record[1:4], record[::-2]) == (
                    5, payloads, b"r0", b"r4", payloads[1:4], payloads[::-2],
                )  # fmt: skip
                with pytest.raises(IndexError):
                    record[5]
            assert in_order.read() == b"r0"  # none of this moves it

    def test_what_is_missing_is_both_errors(self, tmp_path, five, names):
        for make in (lambda: MXRecordIO(str(tmp_path / "no.rec"), "r"), lambda: MXIndexedRecordIO(str(tmp_path / "no.idx"), names[1], "r")):
            for kind in (MXNetError, FileNotFoundError, FileError):
                with pytest.raises(kind, match=r"no\.(rec|idx): cannot"):
                    make()
        with pytest.raises(ValueError, match="Invalid flag x"):
            MXRecordIO(names[1], "x")

    def test_damage_is_told_with_its_offset_each_time(self, names, five):
        data = Path(names[1]).read_bytes()
        Path(names[1]).write_bytes(data[:-6])
        record = MXRecordIO(names[1], "r")
        assert [record.read() for _ in range(4)] == [b"r0", M * 3, b"r2", b"r3"]
        for kind in (MXNetError, FormatError, RuntimeError):
            with pytest.raises(kind, match=r"a\.rec: offset \d+: a record needs"):
                record.read()

    def test_a_closed_reader_reads_by_key_again_and_not_in_order(self, five):
        five.close()
        five.close()
        assert (five.is_open, five.pid) == (False, None)
        with pytest.raises(RuntimeError, match="it is closed"):
            five.read()
        assert (five.read_idx(11), five.is_open) == (M * 3, True)

    def test_reading_a_writer_and_writing_a_reader_fail_as_asserts(self, names, five, tmp_path):
        with pytest.raises(AssertionError):
            five.write(b"")
        with pytest.raises(AssertionError):
            five.write_idx(1, b"")
        with MXIndexedRecordIO(str(tmp_path / "b.idx"), str(tmp_path / "b.rec"), "w") as writer:
            for call in (writer.read, lambda: writer.read_idx(0), lambda: writer.seek(0)):
                with pytest.raises(AssertionError):
                    call()

    def test_attributes_that_callers_touch(self, five, names):
        assert (five.uri, five.uri.value, five.flag, five.idx_path) == (names[1], names[1].encode(), "r", names[0])
        assert (five.is_open, five.writable, five.pid, bool(five.handle), five.key_type) == (True, False, os.getpid(), True, int)


class TestSharing:
    def test_a_pickled_copy_starts_at_the_first_record_and_leaves_the_original(self, five):
        assert five.read() == b"r0"
        copy = pickle.loads(pickle.dumps(five))
        assert (copy.read(), five.read(), copy.keys, copy.read_idx(14)) == (b"r0", M * 3, five.keys, b"r4")
        five.close()
        assert not pickle.loads(pickle.dumps(five)).is_open
        assert copy.read_idx(12) == b"r2"

    def test_a_subclass_keeps_its_own_attributes(self, names, five):
        class Mine(MXIndexedRecordIO):
            pass

        globals()["Mine"] = Mine
        Mine.__qualname__ = "Mine"
        mine = Mine(*names, "r")
        mine.extra = 7
        assert pickle.loads(pickle.dumps(mine)).extra == 7

    def test_threads_that_read_in_order_get_each_record_once(self, tmp_path):
        path = str(tmp_path / "n.rec")
        with MXRecordIO(path, "w") as record:
            for number in range(20_000):
                record.write(b"%d" % number)
        record, found = MXRecordIO(path, "r"), []

        def take():
            while (payload := record.read()) is not None:
                found.append(int(payload))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == list(range(20_000))

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_forked_child_goes_on_for_itself_and_never_closes_the_parents_file(self, five, tmp_path):
        writer = MXRecordIO(str(tmp_path / "w.rec"), "w")
        writer.write(b"parent")
        five.read()
        pid = os.fork()
        if not pid:
            good = (five.read(), five.read_idx(14)) == (M * 3, b"r4")
            try:
                writer.write(b"child")
                good = False
            except MXNetError:
                writer.close()
            os._exit(0 if good and not (tmp_path / "w.rec").exists() else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert (five.read(), five.read()) == (M * 3, b"r2")
        writer.close()
        assert list(MXRecordIO(str(tmp_path / "w.rec"), "r")) == [b"parent"]


class TestWriting:
    def test_mxnets_bytes_are_written(self, frames, names):
        with MXIndexedRecordIO(*names, "w") as record:
            assert record.tell() == 0
            for key, payload in zip(frames.keys, frames.payloads, strict=True):
                record.write_idx(str(key), payload)
            assert (record.keys, record.tell()) == (frames.keys, frames.rec.stat().st_size)
        assert Path(names[1]).read_bytes() == frames.rec.read_bytes()
        assert Path(names[0]).read_bytes() == frames.idx.read_bytes()

    def test_files_appear_when_they_are_closed(self, names, tmp_path):
        record = MXIndexedRecordIO(*names, "w")
        record.write_idx(0, b"x")
        assert not Path(names[1]).exists()
        record.close()
        record.close()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.idx", "a.rec"]
        with pytest.raises(RuntimeError, match="it is closed"):
            record.write(b"")

    def test_a_record_that_is_never_closed_appears_when_it_goes(self, names):
        record = MXRecordIO(names[1], "w")
        record.write(b"x")
        del record
        gc.collect()
        assert list(MXRecordIO(names[1], "r")) == [b"x"]

    def test_a_program_that_closes_nothing_leaves_whole_files(self, tmp_path):
        code = "import sys\nfrom recordio import mxnet\nr = mxnet.MXIndexedRecordIO('a.idx', 'a.rec', 'w')\nr.write_idx(3, b'x')\n"
        for end in ("", "sys.exit(0)"):
            assert in_another_program(code + end, tmp_path).returncode == 0
            assert MXIndexedRecordIO(str(tmp_path / "a.idx"), str(tmp_path / "a.rec"), "r").read_idx(3) == b"x"

    def test_a_program_that_dies_leaves_the_old_file(self, names, five, tmp_path):
        before = [Path(name).read_bytes() for name in names]
        code = "import os\nfrom recordio import mxnet\nr = mxnet.MXIndexedRecordIO('a.idx', 'a.rec', 'w')\nr.write_idx(3, b'x')\n"
        done = in_another_program(code + "1 / 0", tmp_path)
        assert "RuntimeWarning: a.rec: discarded, as an error ended the program" in done.stderr
        assert "ZeroDivisionError" in done.stderr
        assert in_another_program(code + "os._exit(9)", tmp_path).returncode == 9
        assert [Path(name).read_bytes() for name in names] == before
        with MXRecordIO(names[1], "a"):
            pass
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.idx", "a.rec"]  # what was left is gone

    def test_an_exception_in_the_block_leaves_the_old_file(self, names, five, tmp_path):
        def fail():
            with MXIndexedRecordIO(*names, "w") as record:
                record.write_idx(1, b"new")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert list(MXIndexedRecordIO(*names, "r")) == list(five)

    def test_a_subclass_is_opened_and_closed_when_mxnets_is(self, five, names):
        calls = []

        class Logged(MXRecordIO):
            def open(self):
                super().open()
                self.log = [*calls]
                calls.append("open")

            def close(self):
                super().close()
                self.log.clear()  # which there is none of before open() has made it
                calls.append("close")

        record = Logged(names[1], "r")
        record.reset()
        assert record.read() == b"r0"
        record.reset()
        assert record.read() == b"r0"
        record.close()
        assert calls == ["open", "close", "open", "close", "open", "close"]
        written = Logged(names[1], "w")
        written.write(b"dropped")
        written.reset()
        written.close()
        assert MXRecordIO(names[1], "r").read() is None

    @pytest.mark.parametrize("indexed", [False, True])
    def test_threads_read_on_while_another_resets(self, five, names, indexed):
        record = MXIndexedRecordIO(*names, "r") if indexed else MXRecordIO(names[1], "r")
        wrong, stop = [], threading.Event()

        def read() -> None:
            while not stop.is_set():
                try:
                    found = record.read_idx(13) if indexed else record.read()
                    if found not in ((b"r3",) if indexed else (b"r0", M * 3, b"r2", b"r3", b"r4", None)):
                        wrong.append(found)
                except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
                    wrong.append(error)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        threads = [threading.Thread(target=read) for _ in range(2)]
        try:
            for thread in threads:
                thread.start()
            for _ in range(300):
                record.reset()
        finally:
            stop.set()
            sys.setswitchinterval(interval)
            for thread in threads:
                thread.join()
        assert not wrong

    def test_reset_reads_what_stands_under_the_name_now(self, five, names):
        assert five.read_idx(14) == b"r4"
        with MXIndexedRecordIO(*names, "w") as record:
            record.write_idx(7, b"new")
        five.reset()
        assert (five.keys, five.read_idx(7), five.read()) == ([7], b"new", None)

    def test_reset_starts_an_empty_file(self, names):
        with MXIndexedRecordIO(*names, "w") as record:
            record.write_idx(1, b"old")
            record.reset()
            assert (record.tell(), record.keys, record.idx) == (0, [], {})
            record.write_idx(2, b"new")
        assert MXIndexedRecordIO(*names, "r").keys == [2]

    def test_opening_the_name_again_ends_the_writer_before(self, names):
        first = MXRecordIO(names[1], "w")
        first.write(b"first")
        second = MXRecordIO(names[1], "w")
        assert (first.is_open, list(Path(names[1]).read_bytes()[8:13])) == (False, list(b"first"))
        second.close()
        assert Path(names[1]).read_bytes() == b""

    def test_reading_what_is_still_being_written_is_told(self, names):
        with MXRecordIO(names[1], "w"), pytest.raises(OSError, match=r"a\.rec: cannot read: this program is writing it"):
            MXRecordIO(names[1], "r")

    def test_append_goes_on_behind_what_is_there(self, names):
        for start in (0, 3):
            with MXIndexedRecordIO(*names, "a") as record:
                assert record.keys == list(range(start))
                for key in range(start, start + 3):
                    record.write_idx(key, b"%d" % key * key)
        record = MXIndexedRecordIO(*names, "r")
        assert [record.read_idx(key) for key in record.keys] == [b"%d" % key * key for key in range(6)]

    def test_append_to_a_damaged_file_or_half_a_set_is_refused(self, names, five):
        Path(names[0]).unlink()
        with pytest.raises(FileNotFoundError, match=r"a\.idx: cannot append: it does not exist, and .*a\.rec does"):
            MXIndexedRecordIO(*names, "a")
        Path(names[1]).write_bytes(Path(names[1]).read_bytes()[:-2])
        before = Path(names[1]).read_bytes()
        with pytest.raises(MXNetError, match="offset"):
            MXRecordIO(names[1], "a")
        assert Path(names[1]).read_bytes() == before

    def test_a_stale_index_goes_and_one_that_the_program_writes_stays(self, names, five):
        with MXRecordIO(names[1], "w") as record:
            record.write(b"x")
        assert not Path(names[0]).exists()
        Path(names[0]).write_text("stale\n")
        with MXRecordIO(names[1], "w") as record:
            record.write(b"x")
            Path(names[0]).write_text("0\t0\n")
        assert MXIndexedRecordIO(*names, "r").read_idx(0) == b"x"

    def test_a_folder_that_is_missing_and_a_full_disk_are_mxnet_errors(self, tmp_path):
        with pytest.raises(MXNetError, match=r"the folder .* does not exist"):
            MXRecordIO(str(tmp_path / "no" / "a.rec"), "w")

    def test_a_writer_cannot_be_pickled(self, names):
        with MXRecordIO(names[1], "w") as record, pytest.raises(TypeError, match="cannot be pickled while it is being written"):
            pickle.dumps(record)


class TestWhatProgramsReachFor:
    def test_np_and_cv2_are_there_and_loaded_late(self, tmp_path):
        assert (mxnet.np, mxnet.cv2) == (np, cv2)
        code = "import sys; from recordio import mxnet; print([x in sys.modules for x in ('numpy', 'cv2')], mxnet.np.__name__)"
        assert in_another_program(code, tmp_path).stdout == "[False, False] numpy\n"
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            mxnet.nothing  # noqa: B018

    def test_a_subclass_may_check_the_process(self, five):
        class Own(MXIndexedRecordIO):
            def read_idx(self, idx):
                self._check_pid(allow_reset=True)
                return super().read_idx(idx)

        assert Own(five.idx_path, five.uri, "r").read_idx(12) == b"r2"


class TestTheShortWayToARecord:
    """Keys that rise by one, in a file without gaps, need no search; all else takes the long way to the same payloads."""

    @pytest.fixture
    def payloads(self, tmp_path):
        found = [bytes([number]) * (5 + number) for number in range(6)]
        with mxnet.MXIndexedRecordIO(tmp_path / "x.idx", tmp_path / "x.rec", "w") as record:
            for key, payload in enumerate(found, 3):
                record.write_idx(key, payload)
        return found

    @pytest.mark.parametrize("kind", [int, np.int64, np.uint8, float])
    def test_keys_of_any_kind_of_number_find_it(self, payloads, tmp_path, kind):
        record = mxnet.MXIndexedRecordIO(tmp_path / "x.idx", tmp_path / "x.rec", "r")
        assert [record.read_idx(kind(key)) for key in range(3, 9)] == payloads
        assert record.read() is None
        assert [record.read_idx(kind(5)), record.read()] == payloads[2:4]
        for key in (2, 9, -1):
            with pytest.raises(KeyError):
                record.read_idx(key)

    def test_what_a_program_puts_into_idx_counts(self, payloads, tmp_path):
        record = mxnet.MXIndexedRecordIO(tmp_path / "x.idx", tmp_path / "x.rec", "r")
        record.idx[3] = record.idx[6]
        assert [record.read_idx(3), record.read_idx(4)] == [payloads[3], payloads[1]]

    def test_records_that_the_index_leaves_out_and_payloads_with_magic_words(self, tmp_path):
        magic = b"\x0a\x23\xd7\xce"
        with mxnet.MXRecordIO(tmp_path / "x.rec", "w") as record:
            for payload in (b"a" * 8, b"left out", magic * 3, b"c"):
                record.write(payload)
        (tmp_path / "x.idx").write_text("0\t0\n1\t32\n2\t64\n")
        record = mxnet.MXIndexedRecordIO(tmp_path / "x.idx", tmp_path / "x.rec", "r")
        assert [record.read_idx(key) for key in range(3)] == [b"a" * 8, magic * 3, b"c"]
        record.read_idx(0)
        assert record.read() == b"left out"

    def test_damage_is_named_as_by_the_long_way(self, payloads, tmp_path):
        data = bytearray((tmp_path / "x.rec").read_bytes())
        data[0] ^= 1
        (tmp_path / "x.rec").write_bytes(data)
        record = mxnet.MXIndexedRecordIO(tmp_path / "x.idx", tmp_path / "x.rec", "r")
        with pytest.raises(mxnet.RecordError, match="offset 0: bad magic"):
            record.read_idx(3)
