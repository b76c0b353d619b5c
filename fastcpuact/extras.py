"""Tells how to install what an optional part of the package needs."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed(extra: str, by: str) -> Iterator[None]:
    """Name the extra to install if an import in the block lacks a package of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "fastcpuact":
            raise
        raise ModuleNotFoundError(
            f"{by} needs {package}: pip install 'fastcpuact[{extra}]'", name=error.name
        ) from error
