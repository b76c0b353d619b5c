"""Functions next to their zeros, where a sum of their terms would have no digit right."""

from __future__ import annotations

from .language import fma, formula
from .pairs import fast_two_sum


@formula
def near_root(x, x_low, tangent, tangent_low, series):
    """(y, low): x·(tangent + x·series) for a distance x + x_low from the root."""
    line = x * tangent
    low = fma(x, tangent, -line) + fma(x, tangent_low, x_low * tangent)
    y, y_low = fast_two_sum(line, fma(x * x, series, low))
    return y, y_low


@near_root.fast
def near_root_fast(x, x_low, tangent, tangent_low, series):
    """The same without the low part."""
    return fma(x * x, series, x * tangent), -0.0
