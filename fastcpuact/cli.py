"""Entry point of the command line, for ``fastcpuact`` and ``python -m fastcpuact``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fastcpuact.extras import lacking


def main() -> None:
    """Run the command line."""
    with extra("cli"):
        from fastcpuact.commands import fastcpuact
    fastcpuact(prog_name="fastcpuact")


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Exit with advice if an import in the block lacks a package of the optional extra `name`."""
    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(f"fastcpuact: {lacking(error)} is missing: pip install 'fastcpuact[{name}]'")
