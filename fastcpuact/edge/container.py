"""Files of approximants: NumPy arrays and a JSON header in one .npz, with a checksum, no pickle."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT, VERSION = "fastcpuact.edge", 1
_HEADER = "header"

Arrays = Mapping[str, NDArray[Any]]


def checksum(header: Mapping[str, Any], arrays: Arrays) -> str:
    """SHA-256 of a header and of arrays: their names, types, shapes and little-endian bytes."""
    digest = hashlib.sha256(_text(header).encode())
    for name in sorted(arrays):
        array = arrays[name]
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{name} {little.dtype.str} {little.shape}".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def write(path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a file, whole or not at all; what was there is replaced."""
    path = Path(path)
    full = {"format": FORMAT, "version": VERSION, **header}
    full["sha256"] = checksum(full, arrays)
    encoded = np.frombuffer(_text(full).encode(), np.uint8)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **{_HEADER: encoded, **arrays})
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read a file that `write` wrote.

    Raises
    ------
    OSError
        If it cannot be read at all.
    ValueError
        If it is not such a file, is of a later version, is truncated, or was changed.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            arrays = {
                member.filename.removesuffix(".npy"): _array(archive, member)
                for member in archive.infolist()
            }
        header = json.loads(arrays.pop(_HEADER).tobytes())
        found = header.pop("sha256")
        kind, version = header["format"], header["version"]
    except OSError:
        raise
    # A forged file makes zipfile, NumPy and json raise whatever their parsers meet.
    except Exception as error:
        raise ValueError(f"{path} is no file of an approximant, or truncated: {error}") from error
    if kind != FORMAT:
        raise ValueError(f"{path} is of the kind {kind!r}, not {FORMAT!r}")
    if version != VERSION:
        raise ValueError(f"{path} is of version {version!r}; this fastcpuact reads {VERSION}")
    if checksum(header, arrays) != found:
        raise ValueError(f"{path} was changed: its checksum does not match")
    return header, arrays


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Read an array, which `write` has stored as it is."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed")
    return np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)


def _text(header: Mapping[str, Any]) -> str:
    return json.dumps(header, sort_keys=True, separators=(",", ":"))
