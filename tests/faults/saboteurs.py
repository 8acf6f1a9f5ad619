"""Sabotaged versions of the code: each breaks one promise in a small and likely way."""

from __future__ import annotations

from typing import NamedTuple


class Saboteur(NamedTuple):
    """One piece of the source, what takes its place, and the tests that must notice.

    Attributes:
        name: what was done.
        file: which file of the packages.
        code: a piece of it that stands there once.
        sabotage: what takes its place.
        tests: files of tests, or single tests.
        hangs: whether it may be caught by tests that take for ever.
    """

    name: str
    file: str
    code: str
    sabotage: str
    tests: tuple[str, ...]
    hangs: bool = False


FILES = ("tests/recordio/test_files.py",)
_EXECUTOR = """\
    if not options.workers:
        yield from _run_here(chunks, setup)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("fork"), _begin, (setup,)) as executor:
        for chunk in chunks:
            outcomes, done = Outcomes(), list(executor.map(_do, chunk))
            for each in done:
                outcomes.note(each)
            yield Block(chunk, outcomes, memoryview(b"".join(each.data for each in done)))


def _begin(setup):
    global _work
    _work = setup()


def _do(item):
    return attempt(_work, item)
"""
SABOTEURS = [
    # reading
    Saboteur(
        "reading by seek and read on a shared descriptor",
        "recordio/files.py",
        "            data = disk.pread(self._fd, length, offset)\n",
        "            data = (os.lseek(self._fd, offset, 0), disk.read(self._fd, length))[1]\n",
        ("tests/faults/test_sharing.py", *FILES),
    ),
    Saboteur(
        "a short read is taken for the end",
        "recordio/files.py",
        "            return data if len(data) == length or not data else self._read_rest(data, offset, length)\n",
        "            return data\n",
        FILES,
    ),
    Saboteur(
        "memory is taken by a length that nobody checked",
        "recordio/indexed.py",
        "            if offset + error.needed > size:\n",
        "            bytearray(error.needed)\n            if offset + error.needed > size:\n",
        ("tests/faults/test_lying.py",),
    ),
    Saboteur(
        "padding is not looked at",
        "recordio/frame.py",
        '    if data_end != end and buffer[data_end:end].strip(b"\\0"):\n',
        "    if False:\n",
        ("tests/recordio/test_frame.py", "tests/recordio/test_verify.py"),
    ),
    Saboteur(
        "the order of cflags is not looked at",
        "recordio/frame.py",
        "        if cflag not in (MIDDLE, LAST):\n",
        "        if False:\n",
        ("tests/recordio/test_frame.py",),
    ),
    Saboteur(
        "magic words in a payload are written as they are",
        "recordio/frame.py",
        '    if MAGIC_BYTES not in payload:\n        return b"".join(',
        '    if True:\n        return b"".join(',
        ("tests/recordio/test_frame.py",),
    ),
    Saboteur(
        "a magic word inside a part is overlooked",
        "recordio/frame.py",
        "            if not end or buffer.find(MAGIC_BYTES, position + HEAD_SIZE, end) >= 0:\n",
        "            if not end:\n",
        ("tests/recordio/test_verify.py", "tests/recordio/test_frame.py"),
    ),
    # writing
    Saboteur(
        "files are renamed without having been synced",
        "recordio/outputfile.py",
        "                files.disk.fsync(self._fd)\n",
        "                pass\n",
        ("tests/faults/test_crash_states.py", *FILES),
    ),
    Saboteur(
        "folders are not synced",
        "recordio/commit.py",
        "                files.disk.sync_folder(folder)\n",
        "                pass\n",
        ("tests/faults/test_crash_states.py", *FILES),
    ),
    Saboteur(
        "the old index stays while the new record file is renamed",
        "recordio/commit.py",
        "            if mains or obsolete:\n",
        "            if obsolete:\n",
        ("tests/faults/test_crash_states.py", *FILES),
    ),
    Saboteur(
        "the index is renamed before the record file",
        "recordio/commit.py",
        "            self._step([(self._publish, output) for output in mains])\n",
        "            self._step([(self._publish, output) for output in (*others, *mains)])\n            others = []\n",
        ("tests/faults/test_crash_states.py", *FILES),
    ),
    Saboteur(
        "a failed sync is passed over",
        "recordio/outputfile.py",
        '            with self._telling_final("sync"):\n',
        "            with contextlib.suppress(OSError):\n",
        ("tests/faults/test_io_faults.py", *FILES),
    ),
    Saboteur(
        "a commit that fails is not undone",
        "recordio/commit.py",
        "            for undo in reversed(self._undo):\n",
        "            for undo in ():\n",
        FILES,
    ),
    Saboteur(
        "half of a write is taken for all of it",
        "recordio/outputfile.py",
        "                while done < size:\n",
        "                while False:\n",
        ("tests/faults/test_io_faults.py", *FILES),
    ),
    Saboteur(
        "files are written under their final names",
        "recordio/outputfile.py",
        "        self.temporary = temporary_name(path)\n",
        "        self.temporary = path\n",
        ("tests/recordio/test_writer.py",),
    ),
    Saboteur(
        "existing files are replaced without being asked for",
        "recordio/outputs.py",
        "                if not self.force:\n",
        "                if False:\n",
        FILES,
    ),
    Saboteur(
        "nobody locks",
        "recordio/lock.py",
        "    fcntl.lockf(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)\n",
        "    return\n",
        ("tests/faults/test_two_runs.py",),
    ),
    Saboteur(
        "what a killed run left is not removed",
        "recordio/outputs.py",
        "            sweep(prefix, self._keep, respects_journal=self._respects_journal)\n",
        "            pass\n",
        ("tests/faults/test_kills.py", *FILES),
    ),
    Saboteur(
        "temporary files of other sets are removed",
        "recordio/leftovers.py",
        "        if match and (match[1] in cut or belongs.fullmatch(match[1])) and path not in kept:\n",
        "        if match and path not in kept:\n",
        FILES,
    ),
    Saboteur(
        "temporary files stay when a run fails",
        "recordio/outputfile.py",
        "        if not keep:\n            remove(self.temporary)\n",
        "",
        FILES,
    ),
    # checksums
    Saboteur(
        "the CRCs of records are not compared",
        "recordio/verify.py",
        "        wrong = (listed.crcs[first:last] != found).nonzero()[0].tolist()\n",
        "        wrong = []\n",
        ("tests/faults/test_flips.py",),
    ),
    Saboteur(
        "the digest of the index is not compared",
        "recordio/sidecheck.py",
        "        if (len(self._data), own.hexdigest()) != listed.idx:\n",
        "        if False:\n",
        ("tests/recordio/test_verify.py",),
    ),
    Saboteur(
        "the seal of a .sum is not compared",
        "recordio/checksum.py",
        "    if seal[1].decode() != digest.hexdigest():\n",
        "    if False:\n",
        ("tests/faults/test_flips.py",),
    ),
    Saboteur(
        "CRCs are taken of the wrong bytes",
        "recordio/writer.py",
        "crc(view[begin - start : end - start]) for",
        "crc(view[begin - start : end - start - 1]) for",
        (
            "tests/im2rec/test_reindex.py",
            "tests/im2rec/cli/test_verify.py",
            "tests/recordio/test_writer.py",
            "tests/faults/test_same_bytes.py",
        ),
    ),
    Saboteur(
        "readers that verify do not compare CRCs",
        "recordio/reader.py",
        '    return f"CRC-32 {found:08x}, expected {crc:08x}" if found != crc else ""\n',
        '    return ""\n',
        ("tests/recordio/test_verified_reading.py",),
    ),
    Saboteur(
        "a record is read under any key that leads to it",
        "recordio/indexed.py",
        "        if listed.keys[at] != key:\n",
        "        if False:\n",
        ("tests/recordio/test_verified_reading.py",),
    ),
    Saboteur(
        "nobody asks for records that are missing at the end",
        "recordio/reader.py",
        "        order.check_end(self._file.size)\n",
        "",
        ("tests/recordio/test_verified_reading.py",),
    ),
    Saboteur(
        "memory is taken by a length that a .sum lists",
        "recordio/indexed.py",
        "        data = self._file.read_at(offset, max(0, min(length, self._file.size - offset)))\n",
        "        data = self._file.read_at(offset, length)\n",
        ("tests/faults/test_lying.py",),
    ),
    Saboteur(
        "a .sum may list records of any length",
        "recordio/checksum.py",
        "    if int(match[3]) > frame.MAX_SPAN:\n",
        "    if False:\n",
        ("tests/recordio/test_checksum.py",),
    ),
    Saboteur(
        "damage is told from the wrong line on",
        "recordio/pinpoint.py",
        '                return Issue(path, "sum", reason, leading_key(line), start, end - start)\n',
        '                return Issue(path, "sum", reason, leading_key(line), end, end - start)\n',
        ("tests/faults/test_flips.py",),
    ),
    # salvage
    Saboteur(
        "salvage takes records whose bytes nobody vouches for",
        "recordio/exact.py",
        "            if length < frame.HEAD_SIZE or end > size or is_found or crc(view[begin:end]) != expected:\n",
        "            if length < frame.HEAD_SIZE or end > size or is_found:\n",
        ("tests/faults/test_salvage.py",),
    ),
    # images
    Saboteur(
        "a JPEG without its end mark is whole",
        "recordio/jpeg.py",
        "    missing_end, scans = True, 1\n",
        "    missing_end, scans = False, 1\n",
        ("tests/recordio/test_probe.py", "tests/recordio/test_jpeg.py"),
    ),
    Saboteur(
        "images are decoded as imread does, half-grey when they are truncated",
        "recordio/imagecheck.py",
        '        raise ImageFormatError(f"is truncated: {len(data)} bytes, the JPEG\'s end is missing ({reason})") from None\n',
        "        pass\n",
        ("tests/recordio/test_images.py", "tests/faults/test_truncated.py"),
    ),
    Saboteur(
        "OpenCV is asked where the strict decoder says damage",
        "im2rec/transform.py",
        "        if not only_remark:\n            raise\n",
        "        if False:\n            raise\n",
        ("tests/faults/test_damaged.py", "tests/im2rec/test_transform.py"),
    ),
    Saboteur(
        "what the decoder warns of is no damage",
        "recordio/strict.py",
        '        raise ImageFormatError(f"is damaged: {said}")\n',
        '        return ""\n',
        ("tests/recordio/test_strict.py", "tests/faults/test_damaged.py"),
    ),
    Saboteur(
        "a JPEG may start anew within its own data",
        "recordio/jpeg.py",
        "    _check_single(data, start, frame)\n",
        "    pass\n",
        ("tests/recordio/test_jpeg.py", "tests/faults/test_damaged.py"),
    ),
    Saboteur(
        "a progressive JPEG may lack scans where it has an end mark",
        "recordio/jpeg.py",
        "    if missing:\n",
        "    if missing_end and missing:\n",
        ("tests/recordio/test_jpeg.py",),
    ),
    Saboteur(
        "large images are decoded before anybody looks at their size",
        "recordio/imagecheck.py",
        "    if info.width * info.height > max_pixels:\n",
        "    if False:\n",
        ("tests/recordio/test_images.py", "tests/faults/test_bombs.py"),
    ),
    # lists, names, links
    Saboteur(
        "paths that leave the root are followed",
        "im2rec/source.py",
        "        if not self._outside_root and leaves_root(path):\n            raise",
        "        if False:\n            raise",
        ("tests/im2rec/test_source.py",),
    ),
    Saboteur(
        "links that leave the root are followed",
        "im2rec/source.py",
        "        if not is_inside(whole, self._real_root):\n",
        "        if False:\n",
        ("tests/im2rec/test_source.py",),
    ),
    Saboteur(
        "names with tabs go into a list",
        "im2rec/listfile.py",
        '    if "\\t" in path or "\\n" in path or "\\r" in path:\n',
        "    if False:\n",
        ("tests/im2rec/test_listfile.py", "tests/im2rec/test_walk.py"),
    ),
    Saboteur(
        "labels are rounded in silence",
        "im2rec/listfile.py",
        "    if allow_rounding or (stored and",
        "    if True or (stored and",
        ("tests/im2rec/test_listfile.py",),
    ),
    Saboteur(
        "ids may stand twice in a list",
        "im2rec/itemlist.py",
        "        if twin is not None:\n",
        "        if False:\n",
        ("tests/im2rec/cli/test_bad_input.py", "tests/im2rec/test_listfile.py"),
    ),
    # workers and counts
    Saboteur(
        "the batch of a reader that died is passed over",
        "im2rec/readers.py",
        "            if answer is None:\n                yield from loop(batch)\n                return\n",
        "            if answer is None:\n                return\n",
        ("tests/im2rec/test_readers.py",),
    ),
    Saboteur(
        "concurrent.futures' pool stands in for the supervisor",
        "im2rec/pool.py",
        "    if options.workers:\n        yield from _Supervisor(chunks, setup, options).run()\n"
        "    else:\n        yield from _run_here(chunks, setup)\n",
        _EXECUTOR,
        ("tests/im2rec/test_pool.py::test_a_process_that_ends_costs_the_item_it_was_at",),
    ),
    Saboteur(
        "the death of a worker is not noticed",
        "im2rec/pool.py",
        "            message = worker.connection.recv()\n        except (EOFError, OSError):\n            self._replace(worker)\n",
        "            message = worker.connection.recv()\n        except (EOFError, OSError):\n            time.sleep(0.01)\n",
        ("tests/im2rec/test_pool.py::test_a_process_that_ends_costs_the_item_it_was_at",),
        hangs=True,
    ),
    Saboteur(
        "an image that kills its worker is tried for ever",
        "im2rec/pool.py",
        "                elif task.deaths[number] >= _ATTEMPTS:\n",
        "                elif False:\n",
        ("tests/im2rec/test_pool.py",),
        hangs=True,
    ),
    Saboteur(
        "an image that takes for ever is waited for",
        "im2rec/pool.py",
        "                if self._deadline.is_over(since):\n",
        "                if False:\n",
        ("tests/im2rec/test_pool.py",),
        hangs=True,
    ),
    Saboteur(
        "time in which all processes were stopped is an image's time",
        "im2rec/deadline.py",
        "        if now - self._looked > self.seconds / 2:\n",
        "        if False:\n",
        ("tests/im2rec/test_deadline.py",),
    ),
    Saboteur(
        "workers go on for ever behind one slow image",
        "im2rec/pool.py",
        " and worker.untaken < _UNTAKEN and worker.copied < self._options.ring:\n",
        ":\n",
        ("tests/im2rec/test_pool.py",),
    ),
    Saboteur(
        "what a dead worker had to do is lost",
        "im2rec/pool.py",
        "        worker.sent = 0\n        self._send_tasks(worker)\n",
        "        worker.sent = len(worker.tasks) - 1\n        self._send_tasks(worker)\n",
        ("tests/im2rec/test_pool.py",),
        hangs=True,
    ),
    Saboteur(
        "rejects are left out of the report",
        "im2rec/build.py",
        "        report.rejects.append(Reject(item.id, item.path, reason))\n",
        "        report.rejects[:1] or report.rejects.append(Reject(item.id, item.path, reason))\n",
        ("tests/im2rec/test_build.py",),
    ),
    Saboteur(
        "an image is replaced by what is made from it",
        "im2rec/ownimages.py",
        "        if found is not None and (found.st_dev, found.st_ino) in known:\n",
        "        if False:\n",
        ("tests/im2rec/cli/test_outputs.py",),
    ),
    Saboteur(
        "a list is replaced by what is made from it",
        "im2rec/cli/pack.py",
        'force=given["force"], keep=(), inputs=inputs)\n',
        'force=given["force"], keep=())\n',
        ("tests/im2rec/cli/test_outputs.py",),
    ),
    # going on with an interrupted run
    Saboteur(
        "work that is kept is looked for by the name that was given for its folder",
        "recordio/leftovers.py",
        "    kept = {real(path) for path in keep}\n",
        "    kept = set(keep)\n",
        ("tests/im2rec/test_resume.py",),
    ),
    Saboteur(
        "a journal may name any file as one to be removed",
        "im2rec/journal.py",
        '    if not is_cut and not re.fullmatch(rf"{set_or_shard(prefix)}\\.rec", final):\n',
        "    if not final:\n",
        ("tests/im2rec/test_journal.py",),
    ),
    Saboteur(
        "a journal is believed whatever its values are",
        "im2rec/journal.py",
        "    if type(value) is not int or not 0 <= value < 1 << 63:\n",
        "    if False:\n",
        ("tests/faults/test_mutators.py", "tests/im2rec/test_journal.py"),
    ),
    Saboteur(
        "a resumed run trusts what it finds",
        "im2rec/resume.py",
        "            if seal.hexdigest() != digest:\n",
        "            if False:\n",
        ("tests/im2rec/test_resume.py",),
    ),
    Saboteur(
        "an older image in the place of one that was packed is overlooked",
        "im2rec/source.py",
        "    if noted is not None and status.st_mtime_ns != noted:\n",
        "    if False:\n",
        ("tests/im2rec/test_resume.py",),
    ),
    Saboteur(
        "a resumed run does not look whether images have changed",
        "im2rec/resume.py",
        "            _check_inputs(chosen, entry, source, past.started)\n",
        "",
        ("tests/im2rec/test_resume.py",),
    ),
    Saboteur(
        "a resumed run does not look whether options have changed",
        "im2rec/resume.py",
        "    if differs is not None:\n",
        "    if False:\n",
        ("tests/im2rec/test_resume.py",),
    ),
]
