"""The import rules of docs/design.md: data flows one way, and each heavy library has one importer."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# A module may import those in earlier rows of its package, and no other of its own row.
RECORDIO = [
    ["errors", "issues", "native", "processors", "shardnames", "signals", "traits"],
    ["codecs", "disk", "frame", "jpeg", "pixels"],
    ["files"],
    ["header", "lock", "mapped", "pickled", "pillows", "probe", "resync", "strict"],
    ["headercheck", "indexlines", "leftovers", "scan"],
    ["unpacked"],
    ["commit", "outputfile", "pending"],
    ["outputs", "outfolder"],
    ["index", "pairs", "amend"],
    ["checksum"],
    ["pinpoint", "reader", "sink"],
    ["writer"],
    ["imagecheck", "images", "indexed", "sidecheck", "exact"],
    ["verify", "tolerant"],
    ["alpha", "naming"],
    ["salvaging", "mxerrors"],
    ["mxwriting"],
    ["mxhandle"],
    ["mxfiles"],
    ["mxindexed"],
    ["mxnet"],
    ["loaders"],
    ["as_mxnet"],
    ["__init__"],
]
LOADERS = [
    [
        "batch",
        "sampler",
        "state",
        "absent",
        "lists",
        "parameters",
        "memory",
        "missing",
        "ndarrayfile",
        "chance",
        "ahead",
        "readers",
        "boxes",
        "decoding",
        "detoptions",
        "augmentoptions",
        "skipping",
        "turns",
    ],
    ["checks"],
    [
        "source",
        "engine",
        "faces",
        "jitter",
        "normalise",
        "meanimage",
        "arrays",
        "csvrows",
        "prefetching",
        "resizing",
        "image",
        "rotation",
        "detaugment",
    ],
    ["augment", "plan", "samples", "augmenters"],
    ["loader"],
    ["imagerecord", "torch", "coloring"],
    ["recipes", "imagedetrecord"],
    ["detaugmenters", "imagerows"],
    ["goodrows", "detrecipes"],
    ["rowiter"],
    ["imageiter"],
    ["imagedetiter", "datasets"],
    ["__init__"],
]
IM2REC = [
    ["__init__", "deadline", "errors", "judge", "names", "processors"],
    ["listfile", "safenames", "sets", "source", "transform", "split", "work", "rejects"],
    ["worker", "itemlist", "chunks", "ownimages"],
    ["readers"],
    ["passthrough"],
    ["walk", "labels", "plan", "pool", "report", "progress"],
    ["listing", "shards", "packoptions", "together"],
    ["journal"],
    ["resume", "agreement", "completed", "reindex"],
    ["build", "verification"],
    ["operations"],
    ["legacy", "rec2idx"],
    ["cli"],
    ["__main__"],
]
SINGLE_IMPORTERS = {
    "click": {"im2rec/cli"},
    "tqdm": {"im2rec/progress.py"},
    "cv2": {"recordio/codecs.py"},
    "simplejpeg": {"recordio/codecs.py"},
    "PIL": {"recordio/codecs.py"},
    "multiprocessing": {"im2rec/pool.py"},
    "torch": {"recordio/loaders/torch.py"},
}
NO_FILES = [
    "recordio/frame.py",
    "recordio/header.py",
    "recordio/jpeg.py",
    "recordio/pixels.py",
    "recordio/probe.py",
    "recordio/traits.py",
    "recordio/loaders/absent.py",
    "recordio/loaders/batch.py",
    "recordio/loaders/boxes.py",
    "recordio/loaders/detoptions.py",
    "recordio/loaders/sampler.py",
    "recordio/loaders/state.py",
    "recordio/loaders/memory.py",
    "recordio/loaders/parameters.py",
    "recordio/loaders/checks.py",
    "recordio/loaders/augment.py",
    "recordio/loaders/augmentoptions.py",
    "recordio/loaders/jitter.py",
    "recordio/loaders/normalise.py",
    "im2rec/judge.py",
    "im2rec/plan.py",
    "im2rec/safenames.py",
    "im2rec/split.py",
    "im2rec/transform.py",
    "im2rec/work.py",
]


def imports(path: Path, *, at_load: bool = False) -> set[str]:
    """Names of all modules that a file imports: dotted, ``from a import b`` as a and a.b; types alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    nodes = tree.body if at_load else [node for node in ast.walk(tree) if node not in typing_only]
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(package: str) -> list[Path]:
    return sorted((REPOSITORY / package).rglob("*.py"))


@pytest.mark.parametrize(("package", "rows"), [("recordio", RECORDIO), ("recordio/loaders", LOADERS), ("im2rec", IM2REC)])
def test_imports_go_down_only(package: str, rows: list[list[str]]) -> None:
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    for path in modules(package):
        own = path.relative_to(REPOSITORY / package).with_suffix("").parts[0]
        for name in imports(path):
            if not name.startswith(package.replace("/", ".") + "."):
                continue
            other = name.split(".")[package.count("/") + 1]
            if other in row_of and other != own:
                assert row_of[other] < row_of[own], f"{package}/{own} imports {name}"
        assert own in row_of, f"{package}/{own} has no row in the table of layers"


def test_the_format_knows_nothing_of_the_tool() -> None:
    for path in modules("recordio"):
        assert not {name.split(".")[0] for name in imports(path)} & {"im2rec", "click", "tqdm"}, path


@pytest.mark.parametrize("library", sorted(SINGLE_IMPORTERS))
def test_each_heavy_library_has_one_importer(library: str) -> None:
    importers = {
        str(path.relative_to(REPOSITORY).as_posix())
        for package in ("recordio", "im2rec")
        for path in modules(package)
        if library in {name.split(".")[0] for name in imports(path)}
    }
    allowed = SINGLE_IMPORTERS[library]
    assert importers
    assert all(any(importer.startswith(place) for place in allowed) for importer in importers), importers


def test_heavy_libraries_load_when_first_used() -> None:
    for package in ("recordio", "im2rec"):
        for path in modules(package):
            loaded = {name.split(".")[0] for name in imports(path, at_load=True)}
            heavy = {"numpy", "cv2", "PIL", "simplejpeg", "tqdm"}
            if path.parent.name in ("loaders", "as_mxnet") and path.name != "__init__.py":
                heavy.discard("numpy")  # no loader does without it; they load when one of their names is first used
            assert not loaded & heavy, path


def test_naming_the_loaders_loads_no_heavy_library() -> None:
    code = "import sys, recordio; recordio.loaders; dir(recordio.loaders); print({'numpy', 'cv2'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize("name", NO_FILES)
def test_pure_modules_touch_no_files(name: str) -> None:
    used = imports(REPOSITORY / name)
    assert not {module.split(".")[0] for module in used} & {"os", "pathlib", "io", "tempfile", "shutil"}, used
    assert not used & {"recordio.files", "im2rec.source"}
    assert "open(" not in (REPOSITORY / name).read_text(encoding="utf-8")
