"""What MXNet has for loading data and this package has not, and what does its work here. Pure."""

from __future__ import annotations

from typing import Final

_DOWNLOADED: Final = (
    "it is made of a download; im2rec pack makes such images a .rec for ImageRecordDataset, and ImageFolderDataset reads folders of them"
)
INSTEAD: Final = {
    "MNISTIter": "it reads files of one data set; NDArrayIter takes their arrays, and ImageRecordIter its images once they are packed",
    "LibSVMIter": "its batches are sparse, and arrays here are NumPy's; NDArrayIter takes dense arrays, CSVIter reads rows of numbers",
    "MXDataIter": "ImageRecordIter and ImageDetRecordIter are classes of their own here, and DataIter is what all iterators have in common",
    "MNIST": _DOWNLOADED,
    "FashionMNIST": _DOWNLOADED,
    "CIFAR10": _DOWNLOADED,
    "CIFAR100": _DOWNLOADED,
}
