"""Formulas that hold every construct of the language once, for the golden texts of the emitter."""

from fastcpuact.formulas.language import Exact, copysign, fma, formula, per_precision, polynomial

THIRD = Exact("0.33333333333333333333333333333333333333333333333333")
SERIES = per_precision(float32=(1.0, 0.1), float64=(1.0, 0.1, 0.01), fast=(1.0,))


@formula
def halves(x):
    """(x/2, 1/2), a formula of two results."""
    return x / 2, 0.5


@halves.fast
def halves_fast(x):
    """The same with one division less."""
    return 0.5 * x, 0.5


@formula
def sample(x, slope=0.1):
    """One of each construct."""
    half, share = halves(x)
    series = polynomial(half, SERIES)
    rest = -(x - (half + share)) * THIRD.hi
    return copysign(series, rest) if x < 0 else fma(slope, series, rest / 3 - THIRD.lo)


@formula
def sample_grad(x, slope=0.1):
    """A second result."""
    return slope if x >= 1 else 1
