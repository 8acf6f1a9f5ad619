"""mxnet.gluon.utils and mxnet.test_utils: fetching the files that examples are about."""

from __future__ import annotations

import hashlib
import os
import urllib.parse
import urllib.request
from pathlib import Path

from recordio import outputs


def download(
    url: str,
    path: str | os.PathLike[str] | None = None,
    overwrite: bool = False,  # noqa: FBT001, FBT002  (MXNet's signature)
    sha1_hash: str | None = None,
    retries: int = 5,
    verify_ssl: bool = True,  # noqa: ARG001, FBT001, FBT002
) -> str:
    """Fetch a file, unless it is there; it appears whole.

    Args:
        url: where it is.
        path: a file, or a folder for one of the url's name; None for the present folder.
        overwrite: even if it is there.
        sha1_hash: its SHA-1; a file of another is fetched again.
        retries: how often a failure is tried again.
        verify_ssl: has no effect: certificates are always checked.

    Returns:
        The name of the file.

    Raises:
        OSError: it cannot be fetched.
        ValueError: what was fetched has another SHA-1, or the url is none of http.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{url}: expected http or https")
    name = parts.path.rsplit("/", 1)[-1]
    target = Path(os.path.expanduser(path)) if path is not None else Path(name)
    if target.is_dir():
        target /= name
    if not overwrite and target.exists() and (sha1_hash is None or check_sha1(target, sha1_hash)):
        return str(target)
    data = _fetched(url, retries)
    found = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    if sha1_hash is not None and not found.startswith(sha1_hash):
        raise ValueError(f"{url}: SHA-1 {found}, expected {sha1_hash}")
    target.parent.mkdir(parents=True, exist_ok=True)
    outputs.write_whole(target, data, force=True)
    return str(target)


def _fetched(url: str, retries: int) -> bytes:
    for left in range(retries, -1, -1):
        try:
            with urllib.request.urlopen(url) as answer:  # noqa: S310  (http or https)
                data: bytes = answer.read()
                return data
        except OSError:
            if not left:
                raise
    raise ValueError(f"retries={retries}, expected at least 0")


def check_sha1(filename: str | os.PathLike[str], sha1_hash: str) -> bool:
    """Tell whether a file has a SHA-1."""
    return hashlib.sha1(Path(filename).read_bytes(), usedforsecurity=False).hexdigest() == sha1_hash


def fetch(url: str, fname: str | None = None, dirname: str | None = None, overwrite: bool = False, retries: int = 5) -> str:  # noqa: FBT001, FBT002
    """Fetch a file as mxnet.test_utils.download: *fname* in the folder *dirname*."""
    name = fname if fname is not None else url.rsplit("/", 1)[-1]
    return download(url, os.path.join(dirname, name) if dirname else name, overwrite, retries=retries)
