"""Boxes of objects in images, as shares of the image's sides. Pure.

Objects are rows [class, xmin, ymin, xmax, ymax, ...]; what stands behind the box goes along unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Region = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax


def areas(boxes: NDArray[Any]) -> NDArray[Any]:
    """Return the areas of boxes (n, 4); 0 where one has no width or no height."""
    sides: NDArray[Any] = np.maximum(0, boxes[:, 2:4] - boxes[:, :2])
    area: NDArray[Any] = sides[:, 0] * sides[:, 1]
    return area


def shared_areas(boxes: NDArray[Any], region: Region) -> NDArray[Any]:
    """Return how much of each of the boxes (n, 4) lies in a region."""
    low, high = np.maximum(boxes[:, :2], region[:2]), np.minimum(boxes[:, 2:4], region[2:])
    return areas(np.concatenate([low, high], axis=1))


def project(objects: NDArray[Any], region: Region) -> NDArray[Any]:
    """Return objects (n, 5 or more) as they stand in a part of the image, or in an image that is larger; cut at its edges."""
    xmin, ymin, xmax, ymax = region
    out: NDArray[Any] = objects.copy()
    out[:, [1, 3]] = np.clip((objects[:, [1, 3]] - xmin) / (xmax - xmin), 0, 1)
    out[:, [2, 4]] = np.clip((objects[:, [2, 4]] - ymin) / (ymax - ymin), 0, 1)
    return out


def mirror(objects: NDArray[Any]) -> NDArray[Any]:
    """Return objects as they stand in the mirrored image."""
    out: NDArray[Any] = objects.copy()
    out[:, 1], out[:, 3] = 1 - objects[:, 3], 1 - objects[:, 1]
    return out


def with_area(objects: NDArray[Any]) -> NDArray[Any]:
    """Return those of the objects whose boxes have width and height."""
    return objects[(objects[:, 3] > objects[:, 1]) & (objects[:, 4] > objects[:, 2])]


def split_label(label: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Split a label [A, B, header..., object...] into its header, (A,), and its objects, (n, B).

    Raises:
        ValueError: it is not laid out like that; the message says how.
    """
    if len(label) < 7:
        raise ValueError(f"{len(label)} label(s), expected at least 7: the widths of header and object, and an object")
    header, width = int(label[0]), int(label[1])
    if header < 2 or width < 5 or (header, width) != (label[0], label[1]):
        raise ValueError(f"labels start with {label[0]:g}, {label[1]:g}, expected the widths of header (from 2) and object (from 5)")
    if header > len(label) or (len(label) - header) % width:
        raise ValueError(f"{len(label)} labels, expected {header} of the header and a multiple of {width}")
    return label[:header], label[header:].reshape(-1, width)
