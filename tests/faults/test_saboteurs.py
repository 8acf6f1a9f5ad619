"""The tests of the tests: each sabotaged version of the code must make one of them fail.

A saboteur is an exact piece of the source and what stands in its place. It works on a copy of the packages; the tests that
watch over that place are run on the copy. A piece that is no longer there fails, too: then its saboteur must be told anew.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from saboteurs import SABOTEURS, Saboteur
from tiers import row

REPOSITORY = Path(__file__).resolve().parents[2]
_LIMIT = 240  # seconds
_HANGING = 60  # seconds for one that is to hang its test, which is a way to be caught; honest code passes such a test in a few


def copy(folder: Path) -> Path:
    """Copy what the tests need, without what they make."""
    ignored = shutil.ignore_patterns("__pycache__", "photos")
    for name in ("recordio", "im2rec", "tests"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    (folder / "examples").mkdir()
    (folder / "examples" / "photos").symlink_to(REPOSITORY / "examples" / "photos")
    for name in ("pyproject.toml", "Makefile"):
        shutil.copy(REPOSITORY / name, folder)
    return folder


def run(folder: Path, tests: tuple[str, ...], limit: int) -> subprocess.CompletedProcess[str]:
    """Run tests on a copy of the code."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "RECORDIO_TIER": "quick"}
    for name in ("RECORDIO_FAULTS_LOG", "RECORDIO_SECONDS"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as ran:
        try:
            out, err = ran.communicate(timeout=limit)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(ran.pid, signal.SIGKILL)  # workers that wait for ever would outlive a test that hangs
    return subprocess.CompletedProcess(command, ran.returncode, out, err)


def sabotage(saboteur: Saboteur, folder: Path) -> str:
    """Run the tests on sabotaged code; return "" when one of them fails, else what happened."""
    code = copy(folder / "code")
    path = code / saboteur.file
    source = path.read_text(encoding="utf-8")
    if source.count(saboteur.code) != 1:
        return f"{saboteur.file} does not have {saboteur.code!r} once"
    path.write_text(source.replace(saboteur.code, saboteur.sabotage), encoding="utf-8")
    compile(path.read_text(encoding="utf-8"), str(path), "exec")
    try:
        ran = run(code, saboteur.tests, _HANGING if saboteur.hangs else _LIMIT)
    except subprocess.TimeoutExpired:
        return "" if saboteur.hangs else f"the tests took longer than {_LIMIT} s"
    # A test failed. Another code says that the tests did not run, an error alone that what they need could not be set up.
    if ran.returncode == 1 and re.search(r"^FAILED ", ran.stdout, re.MULTILINE):
        return ""
    return f"was not caught (exit code {ran.returncode}): {ran.stdout[-1500:]}"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy(tmp_path_factory.mktemp("honest") / "code")


@pytest.fixture(scope="module")
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[str]]]:
    """Run the saboteurs whose tests were chosen, as many at once as there are cores."""
    chosen = [item.callspec.params["saboteur"] for item in request.session.items if "saboteur" in getattr(item, "fixturenames", ())]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {each.name: pool.submit(sabotage, each, tmp_path_factory.mktemp("saboteur")) for each in chosen}


@pytest.mark.saboteurs
def test_the_copy_is_what_is_tested_and_passes(honest: Path) -> None:
    where = "import recordio, im2rec; print(recordio.__file__, im2rec.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=honest, env={**os.environ, "PYTHONPATH": str(honest)}, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == [str(honest / name / "__init__.py") for name in ("recordio", "im2rec")]
    tests = tuple(dict.fromkeys(test for saboteur in SABOTEURS for test in saboteur.tests))
    ran = run(honest, tests, 4 * _LIMIT)
    assert ran.returncode == 0, ran.stdout[-3000:]


@pytest.mark.saboteurs
@pytest.mark.parametrize("saboteur", SABOTEURS, ids=lambda saboteur: saboteur.name)
def test_a_saboteur_is_caught(saboteur: Saboteur, ended: dict[str, Future[str]]) -> None:
    with row("saboteurs") as counted:
        counted.cases += 1
        reason = ended[saboteur.name].result()
        if reason:
            counted.fail(saboteur.name, reason)


@pytest.mark.parametrize("saboteur", SABOTEURS, ids=lambda saboteur: saboteur.name)
def test_a_saboteur_knows_its_place(saboteur: Saboteur) -> None:
    source = (REPOSITORY / saboteur.file).read_text(encoding="utf-8")
    assert source.count(saboteur.code) == 1, f"{saboteur.file} has changed: its saboteur must be told anew"
    compile(source.replace(saboteur.code, saboteur.sabotage), saboteur.file, "exec")


def test_there_are_saboteurs_enough() -> None:
    assert len({saboteur.name for saboteur in SABOTEURS}) == len(SABOTEURS) >= 25
