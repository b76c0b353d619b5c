"""The two engines, and which of them runs.

``compiled`` is the Cython kernels, built when the package was installed; ``numba`` compiles the
same formulas when they are first used.  Both give the same bits on processors with FMA.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import warnings
from collections.abc import Iterator

ENGINES = ("compiled", "numba")
_VARIABLE = "FASTCPUACT_ENGINE"

try:
    from .kernels.select import LEVEL
    from .kernels.short import set_compiled_engine
except ModuleNotFoundError as error:
    # Only a build without any extension is missing this one; anything else is an error.
    if error.name != "fastcpuact.kernels.driver":
        raise
    COMPILED = False
    LEVEL = "none"
else:
    COMPILED = True

_current = "compiled"


def _require(name: str) -> None:
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}")
    if name == "compiled" and not COMPILED:
        raise RuntimeError("this installation of fastcpuact has no compiled kernels")
    if name == "numba" and importlib.util.find_spec("numba") is None:
        raise ImportError("the numba engine needs numba: pip install 'fastcpuact[numba]'")


def current_engine() -> str:
    """Return the name of the engine that runs: ``"compiled"`` or ``"numba"``.

    Examples
    --------
    >>> import fastcpuact as act
    >>> act.current_engine() in ("compiled", "numba")
    True
    """
    return _current


def use_engine(name: str) -> None:
    """Run all further calls, in every thread, on an engine.

    Parameters
    ----------
    name : {"compiled", "numba"}
        ``"numba"`` needs the package numba and compiles each function on its first call.

    Raises
    ------
    ValueError
        If there is no such engine.
    RuntimeError
        If this installation was built without compiled kernels.
    ImportError
        If numba is not installed.

    Examples
    --------
    >>> import fastcpuact as act
    >>> act.use_engine("compiled")
    >>> act.current_engine()
    'compiled'
    """
    global _current
    _require(name)
    if COMPILED:
        set_compiled_engine(name == "compiled")
    _current = name


@contextlib.contextmanager
def engine(name: str) -> Iterator[None]:
    """Run a block of code on an engine, as `use_engine` does, and switch back after it.

    Parameters
    ----------
    name : {"compiled", "numba"}
        The engine.

    Raises
    ------
    ValueError, RuntimeError, ImportError
        Like `use_engine`.

    Examples
    --------
    >>> import fastcpuact as act
    >>> with act.engine("compiled"):
    ...     float(act.relu(-1.0))
    0.0
    """
    before = _current
    use_engine(name)
    try:
        yield
    finally:
        use_engine(before)


def _start() -> None:
    """Choose the engine of a new process."""
    wanted = os.environ.get(_VARIABLE)
    if wanted:
        use_engine(wanted)
    elif not COMPILED:
        use_engine("numba")
        folder = os.path.dirname(os.path.dirname(__file__))
        origin = (
            f"is imported from its source tree {folder}, where nothing is built,"
            if os.path.exists(os.path.join(folder, "setup.py"))
            else "was installed without compiled kernels"
        )
        warnings.warn(
            f"fastcpuact {origin} and runs on Numba, which compiles each function on its first "
            f"call; set {_VARIABLE}=numba to silence this warning",
            RuntimeWarning,
            stacklevel=4,
        )


_start()
