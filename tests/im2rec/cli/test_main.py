"""The entry points: what is loaded, how errors and signals end the process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from im2rec.cli.main import COMMANDS, guarded, is_mxnet_form


@pytest.fixture
def shell(tmp_path, work):
    """Runs a command line in bash, with `im2rec` as a command; stdout, stderr and the exit codes of the pipe's members."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "im2rec").write_text(f'#!/bin/sh\nexec {sys.executable} -m im2rec "$@"\n')
    (tmp_path / "bin" / "im2rec").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def run(line):
        script = f'{line}; echo "${{PIPESTATUS[*]}}" > {tmp_path / "codes"}'
        done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout, done.stderr, [int(code) for code in (tmp_path / "codes").read_text().split()]

    return run


@pytest.fixture
def running(photos, work, until):
    """Starts a pack of many images in a process group of its own; it has written some of them when this returns, or is *ready*."""
    started = []

    def start(*options, ready=lambda process: any(path.stat().st_size for path in work.glob(".x.rec.*")), **keywords):
        lines = (f"{n}\t0\t{'abc'[n % 24 % 3]}/{n % 24:02}.jpg\n" for n in range(60_000))
        (work / "x.lst").write_text("".join(lines))
        command = [sys.executable, "-m", "im2rec", "pack", "x.lst", str(photos), "--resize", "100", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **keywords)
        started.append(process)
        until(lambda: process.poll() is not None or ready(process))
        assert process.poll() is None, process.stderr.read()
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def children(pid: int) -> int:
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@pytest.mark.parametrize("option", ["--version", "--help", "-h"])
def test_version_and_help_load_no_heavy_module(option):
    code = f"import sys; sys.argv = ['im2rec', {option!r}]\ntry: main()\nexcept SystemExit: pass\n"
    code = f"from im2rec.cli.main import main\n{code}print({{'cv2', 'numpy', 'tqdm', 'PIL', 'multiprocessing'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("set()\n")


def test_keeping_bytes_loads_no_codec(images, work):
    (work / "x.lst").write_text("1\t0\tcat/eye.JPEG\n")
    code = f"from im2rec.cli.main import guarded, _body; import sys; guarded('im2rec', _body, ['pack', 'x.lst', {str(images)!r}])"
    code = f"{code}; print({{'cv2', 'tqdm', 'PIL', 'simplejpeg'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"


def test_help_names_every_command_and_each_has_its_own(im2rec):
    whole = im2rec("--help").out
    for name in COMMANDS:
        assert f"  {name} " in whole
        ran = im2rec(name, "--help")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"Usage: im2rec {name} ")


def test_nothing_at_all_shows_the_help_and_is_a_usage_error(im2rec):
    ran = im2rec()
    assert ran.code == 2
    assert "Usage: im2rec" in ran.out


@pytest.mark.parametrize(
    ("arguments", "mxnets"),
    [
        (["--list", "p", "r"], True),
        (["p", "r", "--resize", "8"], True),
        (["--resize", "8", "p", "r"], True),
        (["--list"], True),
        (["list", "r"], False),
        (["pack", "a", "b"], False),
        (["--help"], False),
        (["p"], False),
        ([], False),
    ],
)
def test_mxnets_form_is_told_by_its_two_words(arguments, mxnets):
    assert is_mxnet_form(arguments) is mxnets


@pytest.mark.parametrize("arguments", [["verfy"], ["list"], ["pack"], ["list", "x", "--nothing"], ["pack", "x", "--workers", "-1"]])
def test_usage_errors_exit_with_2_and_say_how(im2rec, work, arguments):
    ran = im2rec(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Error: " in ran.err


def test_an_unexpected_error_is_one_line_and_a_traceback_only_on_demand(im2rec):
    def body(arguments):
        raise LookupError("a fault\nof ours")

    ran = im2rec(body=body)
    assert (ran.code, ran.err) == (3, "im2rec: internal error: LookupError: a fault\\nof ours (--debug shows where)\n")
    ran = im2rec("--debug", body=body)
    assert (ran.code, ran.err.startswith("Traceback"), "LookupError: a fault\nof ours" in ran.err) == (3, True, True)


def test_an_expected_error_is_raised_on_demand(process, work):
    assert "Traceback" not in process("list", "missing").err
    assert "Traceback" in process("list", "missing", "--debug").err


def test_ctrl_c_before_anything_runs_is_130():
    def body(arguments):
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    assert guarded("im2rec", body, []) == 130
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_closed_pipe_ends_a_list_quietly(shell, tree):
    root = tree([f"{n % 100}/a_name_that_is_rather_long_{n}.jpg" for n in range(3000)])
    out, err, codes = shell(f"im2rec list {root} --no-shuffle | head -3")
    assert out == "0\t0.000000\t0/a_name_that_is_rather_long_0.jpg\n" + out.split("\n", 1)[1]
    assert (out.count("\n"), err, codes) == (3, "", [141, 0])


def test_a_pipe_that_nobody_reads_ends_json_and_mxnets_list_quietly(shell, images):
    assert shell(f"im2rec pack {images} -o x --json | true")[1].count("Traceback") == 0
    out, err, _ = shell(f"im2rec --list y {images} --recursive | true")
    assert (out, err) == ("", "")


def test_a_list_is_filtered_and_packed_through_pipes(shell, photos, records, work):
    line = f"im2rec list {photos} | grep -v b/ | im2rec pack - {photos} -o x --workers 2 --json | {sys.executable} -c '{PACKED}'"
    out, _, codes = shell(line)
    assert (out, codes) == ("16\n", [0, 0, 0, 0])
    kept = {(photos / path).read_bytes() for path in map(str, photos.rglob("*.jpg")) if "/b/" not in path}
    assert {image for *_, image in records(work / "x.rec")} == kept


PACKED = 'import json, sys; print(json.load(sys.stdin)["packed"])'


def test_a_folder_is_split_and_one_split_packed(shell, photos, records, work):
    (work / "data").mkdir()
    line = f"im2rec list {photos}/ --split train=0.9,val=0.1 -o data/photos && im2rec pack data/photos_train.lst {photos}/ --resize 25"
    _, _, codes = shell(line)
    assert codes == [0]
    assert len(records(work / "data/photos_train.rec")) == 22
    assert len((work / "data/photos_val.lst").read_text().splitlines()) == 2


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("everyone", [True, False], ids=["the group", "the tool alone"])
def test_a_signal_ends_a_pack_without_a_trace(running, work, until, workers, number, code, everyone):
    process = running("--workers", str(workers))
    (os.killpg if everyone else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (code, b"", b"im2rec: interrupted: nothing was written")
    assert os.listdir(work) == ["x.lst"]
    until(lambda: group_is_gone(process.pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("started", [1, 2, 3, 4])
def test_a_signal_while_workers_start_ends_a_pack_without_a_trace(running, work, until, number, started):
    process = running("--workers", "4", ready=lambda process: children(process.pid) >= started)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (128 + number, b"im2rec: interrupted: nothing was written")
    assert os.listdir(work) == ["x.lst"]
    until(lambda: group_is_gone(process.pid))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_kill_leaves_no_file_under_a_final_name_and_no_process(running, work, until, workers):
    process = running("--workers", str(workers))
    process.kill()
    process.communicate(timeout=30)
    assert [name for name in os.listdir(work) if not name.startswith(".")] == ["x.lst"]
    until(lambda: group_is_gone(process.pid))


def test_a_second_try_after_a_kill_packs_all(running, im2rec, photos, work, records):
    process = running()
    process.kill()
    process.wait(timeout=30)
    (work / "x.lst").write_text("1\t0\ta/00.jpg\n")
    assert im2rec("pack", "x.lst", photos).code == 0
    assert len(records(work / "x.rec")) == 1


def test_nohup_is_respected(photos, work, until):
    command = [sys.executable, "-m", "im2rec", "pack", "-", str(photos), "-o", "x"]
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, **ignore)
    until(lambda: "pipe" in Path(f"/proc/{process.pid}/wchan").read_text())  # it waits for its list
    process.send_signal(signal.SIGHUP)
    process.communicate(b"1\t0\ta/00.jpg\n", timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("limit", [5_000, 30_000])
def test_a_full_disk_is_said_with_the_files_name_and_leaves_nothing(process, photos, work, limit):
    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ran = process("pack", photos, "-o", "x", preexec_fn=little_room)
    assert (ran.code, ran.out, ran.err) == (3, "", "im2rec: x.rec: cannot write: File too large\n")
    assert os.listdir(work) == []
