"""The libraries that are timed, by name; each is imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

from .base import Call, Peer

__all__ = ["ALL", "COPIES", "OURS", "PEERS", "Call", "Library", "Peer", "choose", "installed"]


@dataclass(frozen=True)
class Library:
    """Where a library's adapter is, and what has to be installed for it.

    Attributes
    ----------
    name : str
        Under which it appears in results.
    module, adapter : str
        Of the class in this package.
    packages : tuple of str
        The packages behind it, under the names by which they are installed and imported.
    what : str
        How it is used, for readers.
    """

    name: str
    module: str
    adapter: str
    packages: tuple[str, ...]
    what: str

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]

    @property
    def versions(self) -> dict[str, str]:
        """The versions of the packages."""
        return {package: version(package) for package in self.packages}

    def start(self, threads: int) -> Peer:
        """Import the library and keep it to a number of threads."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        adapter: type[Peer] = getattr(module, self.adapter)
        return adapter(threads)


OURS = (
    Library("fastcpuact", "ours", "Ours", ("numpy",), "the exact tier"),
    Library("fastcpuact.fast", "ours", "OursFast", ("numpy",), "the fast tier"),
)
COPIES = (
    Library("copy", "copies", "Copy", ("numpy",), "a copy, or the sum of two arrays"),
    Library("split copy", "copies", "SplitCopy", ("numpy",), "the same, a slice for each thread"),
)
# What a user would pick instead.
PEERS = (
    Library("numpy", "numpy_scipy", "NumpyScipy", ("numpy", "scipy"), "NumPy, SciPy expressions"),
    Library("numexpr", "numexpr_text", "NumexprText", ("numexpr",), "numexpr.evaluate"),
    Library("numba", "numba_loops", "NumbaLoops", ("numba",), "@njit loops over module math"),
    Library("torch", "torch_cpu", "TorchCpu", ("torch",), "PyTorch, its kernels and autograd"),
    Library("jax", "jax_jit", "JaxJit", ("jax",), "jax.jit, and jax.vjp under it"),
    Library("onnxruntime", "onnx_runtime", "OnnxRuntime", ("onnxruntime", "onnx"), "ONNX Runtime"),
)
ALL = {library.name: library for library in (*OURS, *COPIES, *PEERS)}


def installed() -> list[str]:
    """Return the names of the peers that are there."""
    return [library.name for library in PEERS if not library.missing]


def choose(peers: Sequence[str]) -> list[Library]:
    """Return what is timed: some peers, this package, and copies."""
    return [*OURS, *COPIES, *(ALL[name] for name in peers)]
