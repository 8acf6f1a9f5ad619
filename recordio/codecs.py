"""The only importer of OpenCV, simplejpeg and Pillow. Each is loaded at first use; CodecMissing says what to install."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from recordio.errors import CodecMissing, ImageFormatError


@functools.cache
def load_cv2() -> Any:
    """Load OpenCV."""
    try:
        import cv2
    except ImportError as error:
        reason = str(error)
        if "lib" in reason:  # one that the full build needs, libGL most often
            reason += "; run: pip install --force-reinstall opencv-python-headless"
        else:
            reason += "; run: pip install opencv-python (or opencv-python-headless where there is no libGL)"
        raise CodecMissing("OpenCV (cv2)", reason) from None
    getattr(cv2.utils, "logging", cv2).setLogLevel(0)  # what is wrong with an image is said by our own messages, with its name
    return cv2


@functools.cache
def load_simplejpeg() -> Any:
    """Load simplejpeg."""
    try:
        import simplejpeg
    except ImportError as error:
        raise CodecMissing("simplejpeg", f"{error}; run: pip install simplejpeg") from None
    return simplejpeg


@functools.cache
def load_pillow() -> ModuleType:
    """Load Pillow."""
    try:
        import PIL.Image
    except ImportError as error:
        raise CodecMissing("Pillow", f"{error}; run: pip install pillow") from None
    return PIL.Image


@contextlib.contextmanager
def as_image_errors() -> Iterator[None]:
    """Raise as an ImageFormatError what OpenCV says of an image, and that there is no memory for what is made of it."""
    try:
        yield
    except MemoryError as error:
        raise ImageFormatError(f"needs more memory than there is: {error}" if str(error) else "needs more memory than there is") from error
    except Exception as error:
        cv2 = sys.modules.get("cv2")  # where it is not loaded, the error is not its own
        if cv2 is None or not isinstance(error, cv2.error):
            raise
        raise ImageFormatError("OpenCV: " + " ".join(str(getattr(error, "err", None) or error).split())) from error
