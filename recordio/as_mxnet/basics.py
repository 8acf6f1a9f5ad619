"""Small modules of MXNet: base, util, log, what the version can do, autograd that is off."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

Makers = dict[str, Callable[[], Any]]


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def base() -> Makers:
    """Return mxnet.base: types and errors."""

    def types() -> tuple[type, ...]:
        return (float, int, _load("numpy", "generic"))

    return {
        "MXNetError": lambda: _load("recordio.mxerrors", "MXNetError"),
        "numeric_types": types,
        "integer_types": lambda: (int, _load("numpy", "integer")),
        "string_types": lambda: (str,),
        "basestring": lambda: str,
        "long": lambda: int,
        "mx_real_t": lambda: _load("numpy", "float32"),
        "py_str": lambda: lambda text: text.decode("utf-8"),
        "c_str": lambda: lambda text: _load("ctypes", "c_char_p")(text.encode("utf-8")),
    }


def util() -> Makers:
    """Return mxnet.util."""

    def unchanged(value: Any = None) -> Any:
        return value

    def makedirs(d: str) -> None:
        _load("os", "makedirs")(d, exist_ok=True)

    return {
        "is_np_array": lambda: lambda: False,
        "is_np_shape": lambda: lambda: False,
        "use_np": lambda: unchanged,
        "makedirs": lambda: makedirs,
        "get_gpu_count": lambda: lambda: 0,
    }


def log() -> Makers:
    """Return mxnet.log."""

    def get_logger(name: str | None = None, filename: str | None = None, filemode: str | None = None, level: int = 30) -> Any:
        logging = importlib.import_module("logging")
        logger = logging.getLogger(name)
        if filename:
            logger.addHandler(logging.FileHandler(filename, filemode or "a"))
        logger.setLevel(level)
        return logger

    levels = {name: lambda name=name: _load("logging", name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NOTSET")}
    return {"get_logger": lambda: get_logger, "getLogger": lambda: get_logger, **levels}


class Features(dict[str, bool]):
    """What MXNet was built with: of that, the stand-in has the decoding of images."""

    def __init__(self) -> None:
        super().__init__(OPENCV=True, CUDA=False, CUDNN=False, NCCL=False, MKLDNN=False, DIST_KVSTORE=False)

    def is_enabled(self, feature_name: str) -> bool:
        """Tell whether it has a feature."""
        return self.get(feature_name.upper(), False)


def autograd() -> Makers:
    """Tell that nothing is recorded; what would record is missing."""

    @contextlib.contextmanager
    def off() -> Iterator[None]:
        yield

    return {
        "is_training": lambda: lambda: False,
        "is_recording": lambda: lambda: False,
        "pause": lambda: lambda train_mode=False: off(),  # noqa: ARG005  (MXNet's signature)
        "predict_mode": lambda: off,
    }
