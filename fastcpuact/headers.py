"""Where the header for C and C++ is."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """Return the folder of ``fastcpuact.h``, by which C and C++ reach the compiled kernels.

    Returns
    -------
    str
        For the include path of a compiler, as that of ``numpy.get_include()``.

    Notes
    -----
    Cython needs no header: ``from fastcpuact.kernels.contiguous cimport Float32, Float64``.

    Examples
    --------
    >>> from pathlib import Path
    >>> import fastcpuact as act
    >>> (Path(act.get_include()) / "fastcpuact.h").exists()
    True
    """
    return str(Path(__file__).parent / "include")
