"""The documents say what is there: every command, option and public name, and the commands of the README work."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import cv2
import pytest

import recordio
from im2rec.cli import commands, main
from im2rec.legacy import _parser
from recordio import errors

REPOSITORY = Path(__file__).resolve().parents[1]
CLI = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
LIBRARY = (REPOSITORY / "docs" / "library.md").read_text(encoding="utf-8")


def command(name: str) -> click.Command:
    found: click.Command | None = commands.cli
    for word in name.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    assert found is not None
    return found


def names() -> list[str]:
    """All commands, those of a group by both words."""
    found = []
    for name in main.COMMANDS:
        group = command(name)
        found += [f"{name} {part}" for part in group.list_commands(click.Context(group))] if isinstance(group, click.Group) else [name]
    return found


def section(name: str) -> str:
    """The options of every command, and the section of one."""
    common, *sections = re.split(r"^## ", CLI, flags=re.MULTILINE)
    return common + next(text for text in sections if text.startswith(f"im2rec {name} "))


@pytest.mark.parametrize("name", names())
def test_every_option_of_a_command_is_documented_in_its_section(name: str) -> None:
    text = section(name)
    for option in command(name).params:
        if isinstance(option, click.Option):
            for flag in (*option.opts, *option.secondary_opts):
                assert re.search(rf"{flag}(?![\w-])", text), f"im2rec {name} {flag} is not in docs/cli.md"


@pytest.mark.parametrize("name", names())
def test_every_documented_option_of_a_command_exists(name: str) -> None:
    known = {flag for option in command(name).params for flag in (*option.opts, *option.secondary_opts)}
    own = next(text for text in re.split(r"^## ", CLI, flags=re.MULTILINE) if text.startswith(f"im2rec {name} "))
    for flag in re.findall(r"^\| `(?:-\w`, `)?(--[\w-]+)", own, flags=re.MULTILINE):
        assert flag in known, f"docs/cli.md has {flag} for im2rec {name}"


@pytest.mark.parametrize("name", names())
def test_every_command_and_option_has_help_and_every_command_an_example(name: str) -> None:
    assert command(name).help
    assert all(option.help for option in command(name).params if isinstance(option, click.Option))
    assert re.search(rf"^ +(.*\| )?im2rec {name} ", section(name), flags=re.MULTILINE)


def test_every_public_name_is_in_the_library_page() -> None:
    for name in recordio.__all__:
        assert re.search(rf"`{name}[`(]", LIBRARY), f"recordio.{name} is not in docs/library.md"
        assert getattr(recordio, name).__doc__


def test_every_exception_is_public() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == "recordio.errors"}
    assert defined <= set(recordio.__all__)


def test_every_mxnet_flag_has_help() -> None:
    assert all(action.help for action in _parser()._actions)


def test_links_between_documents_lead_somewhere() -> None:
    for page in (*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_make_target_is_listed_by_make_help() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony
    listed = subprocess.run(["make", "--no-print-directory", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in listed.splitlines()} == set(phony[1].split())


def test_the_readmes_python_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "out" / "demo").mkdir(parents=True)
    photos = REPOSITORY / "examples" / "photos"
    arguments = ["pack", str(photos), "-o", str(tmp_path / "out/demo/photos_train"), "--no-shuffle", "-q"]
    assert main._body(arguments) == 0
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    first = min(photos.glob("*/*.jpg"))
    assert capsys.readouterr().out.splitlines()[0] == f"0 0.0 {cv2.imread(str(first)).shape}"


def test_every_table_of_the_benchmarks_is_filled() -> None:
    page = (REPOSITORY / "docs" / "performance.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- bench:([\w-]+) -->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    assert blocks
    assert [name for name, text in blocks if "|---" not in text] == []
