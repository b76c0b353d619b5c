"""What a wheel must do where it was installed without a compiler; needs NumPy alone."""

from __future__ import annotations

import sys

import numpy as np

import fastcpuact as act
from fastcpuact import engines


def main() -> None:
    """Compute every function and gradient once, on compiled kernels of every level."""
    assert engines.COMPILED, "no compiled kernels"
    assert "numba" not in sys.modules
    x = np.linspace(-8, 8, 1001)
    for name in act.names():
        f = act.get(name)
        given = [0.5 for default in f.params.values() if default is None]
        for dtype in (np.float16, np.float32, np.float64):
            y, slope = f.value_and_grad(x.astype(dtype), *given)
            assert y.dtype == slope.dtype == dtype
            assert np.isfinite(y).all() and np.isfinite(slope).all(), name
    np.testing.assert_allclose(act.tanh(x), np.tanh(x), rtol=1e-14)
    np.testing.assert_allclose(act.softmax(x).sum(), 1, rtol=1e-14)
    print(f"{act.__version__}: {len(act.names(None))} functions, level {engines.LEVEL}")


if __name__ == "__main__":
    main()
