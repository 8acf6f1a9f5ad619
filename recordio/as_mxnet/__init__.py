"""A stand-in for MXNet: programs that say ``import mxnet as mx`` read their data with this package, without MXNet.

    python -m recordio.as_mxnet SCRIPT ARGS...

or, before the import::

    import recordio.as_mxnet
    recordio.as_mxnet.install()

    tree        which modules there are, and where each name comes from
    standin     a module that says which name is missing
    basics      small modules: base, util, log, runtime, autograd
    elementwise, reductions, shaping, imageops    MXNet's operations on NumPy's arrays
    context, ndarray, operators    devices by name; NDArray, a thin class over NumPy's arrays; its operators and methods
    randomness, functions    mxnet.nd.random; mxnet.nd
    iterating, wrapping      iterators, datasets, augmenters of recordio.loaders that give out NDArrays
    datasets    mxnet.gluon.data: Dataset, samplers, DataLoader
    blocks, transforms    mxnet.gluon.Block and its like; mxnet.gluon.data.vision.transforms
    devices, downloads    batches for several devices, kvstore; fetching files
    ending      tracebacks and closed pipes, as a program has them that runs by itself
    shim        a folder for sys.path, so that processes that a program starts find the stand-in, too
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from pathlib import Path

__all__ = ["RealMXNet", "install"]

SHIM = Path(__file__).with_name("shim")


class RealMXNet(ImportError):
    """A real MXNet is there, which nobody has said should be shadowed.

    Attributes:
        place: where it is.
    """

    def __init__(self, place: str) -> None:
        super().__init__(f"the real mxnet is installed, at {place}: force=True (or --force) uses the stand-in all the same")
        self.place = place

    def __reduce__(self) -> tuple[type[RealMXNet], tuple[str]]:
        return type(self), (self.place,)


def install(*, force: bool = False) -> None:
    """Let ``import mxnet`` find the stand-in, in this process and in those that it starts; twice does nothing.

    Args:
        force: even where a real MXNet is installed.

    Raises:
        RealMXNet: one is, and *force* is not given.
    """
    from recordio.as_mxnet import tree

    if tree.is_installed():
        return
    place = _real()
    if place and not force:
        raise RealMXNet(place)
    tree.install()
    shim = str(SHIM)
    if shim not in sys.path:
        sys.path.insert(1, shim)
    paths = os.environ.get("PYTHONPATH", "")
    if shim not in paths.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (shim, paths)))


def _real() -> str:
    """Return where a real MXNet is, or nothing."""
    loaded = sys.modules.get("mxnet")
    if loaded is not None:
        return str(getattr(loaded, "__file__", None) or "sys.modules")
    places = [path for path in sys.path if not path or Path(path) != SHIM]
    spec = importlib.machinery.PathFinder.find_spec("mxnet", places)
    return str(spec.origin or next(iter(spec.submodule_search_locations or ()), "")) if spec is not None else ""
