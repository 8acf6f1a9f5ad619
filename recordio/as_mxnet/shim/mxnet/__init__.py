"""Found by the processes that a program starts under ``python -m recordio.as_mxnet``; the stand-in takes its place."""

import sys

from recordio.as_mxnet import tree

sys.modules.pop("mxnet", None)
tree.install()
