"""Tells how to install what an optional part of the package needs."""

from collections.abc import Iterator
from contextlib import contextmanager


def lacking(error: ModuleNotFoundError) -> str:
    """Return the package that an import lacks; it is an error of another kind if it is this one."""
    package = (error.name or "").partition(".")[0]
    if package == "fastcpuact":
        raise error
    return package


@contextmanager
def needed(extra: str, by: str) -> Iterator[None]:
    """Name the extra to install if an import in the block lacks a package of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{by} needs {lacking(error)}: pip install 'fastcpuact[{extra}]'", name=error.name
        ) from error
