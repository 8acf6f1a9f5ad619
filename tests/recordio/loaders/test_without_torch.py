"""What is said where PyTorch is not installed."""

from __future__ import annotations

import importlib
import sys

import pytest


def test_datasets_for_pytorch_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "recordio.loaders.torch", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"^recordio\.loaders\.torch needs PyTorch, .*pip install 'im2rec\[torch\]'") as caught:
        importlib.import_module("recordio.loaders.torch")
    assert caught.value.name == "torch"
