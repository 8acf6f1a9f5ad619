"""The benchmarks say what they lack, and write no page with holes. What they measure is not tested here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BENCHMARKS = REPOSITORY / "benchmarks"
PAGE = "a\n<!-- bench:one -->\n<!-- end -->\nb\n<!-- bench:two -->\n\nold\n\n<!-- end -->\n"


def run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run code among the modules of the benchmarks, which are scripts that find each other in their folder."""
    return subprocess.run([sys.executable, "-c", code, *words], cwd=BENCHMARKS, capture_output=True, text=True, check=False)


def test_what_is_required_and_missing_is_an_error_that_names_it() -> None:
    code = (
        "import environments, run; from environments import Environment as E\n"
        "environments.mxnet = lambda: E(missing='no Python 3.11')\n"
        "environments.peers = lambda: {'tfrecord': E('python'), 'webdataset': E(missing='no network')}\n"
        "environments.dali = lambda: E(missing='it was left out')\n"
        "run.prepare(1.0, ['start'], ['mxnet', 'tfrecord', 'webdataset'])"
    )
    done = run(code)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ValueError: required, but not available: mxnet (no Python 3.11); webdataset (no network)"  # and not DALI, which is not asked for
    )


def test_a_program_that_is_required_must_be_one_of_those_known() -> None:
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--require", "mxnet,rubbish"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--require rubbish: there are mxnet, webdataset, " in done.stderr


def test_continuous_integration_requires_all_that_it_asks_for() -> None:
    (line,) = [line for line in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines() if line.startswith("make bench")]
    _, peers, _, required, *_ = line.split('"')
    assert required.split() == ["mxnet", *peers.split()]


def test_every_block_of_the_page_has_a_job_and_every_job_a_block() -> None:
    asked = (
        "import report, run; print(*run.NAMES)\n"
        "print(*(match[2] for match in report.MARKED.finditer(run.PAGE.read_text(encoding='utf-8'))))"
    )
    jobs, blocks = (line.split() for line in run(asked).stdout.splitlines())
    assert set(blocks) == {"conditions", "goals", *(job.split("-")[0] for job in jobs)}
    assert len(set(blocks)) == len(blocks)


WRITE = """
import sys
from pathlib import Path
import report
filled = {name: report.section("T", (["a"], [["1"]]), ()) for name in sys.argv[3].split(",")}
report.write_page(Path(sys.argv[1]), Path(sys.argv[2]), filled, set(sys.argv[4].split(",")))
"""


@pytest.mark.parametrize(
    ("page", "filled", "asked", "empty"),
    [
        ("page.md", "one", "one", "two"),  # the page itself must be whole
        ("page.md", "one,two", "one,two", ""),
        ("other.md", "one", "one", ""),
        ("other.md", "one", "one,two", "two"),
    ],
)
def test_a_page_with_an_empty_block_is_not_written(tmp_path: Path, page: str, filled: str, asked: str, empty: str) -> None:
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    done = run(WRITE, str(tmp_path / "page.md"), str(tmp_path / page), filled, asked)
    if empty:
        assert f"{page} is not written: nothing was measured for {empty}" in done.stderr
        assert (tmp_path / "page.md").read_text(encoding="utf-8") == PAGE
        assert page == "page.md" or not (tmp_path / page).exists()
    else:
        assert done.returncode == 0, done.stderr
        assert "| 1 |" in (tmp_path / page).read_text(encoding="utf-8")


def test_a_table_without_a_row_fills_no_block(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; import report\n"
        "note = report.section('T', ([], []), ['a cold cache is not available'])\n"
        "report.write_page(Path(sys.argv[1]), Path(sys.argv[2]), {'one': note}, {'one'})"
    )
    done = run(code, str(tmp_path / "page.md"), str(tmp_path / "other.md"))
    assert "other.md is not written: nothing was measured for one" in done.stderr
