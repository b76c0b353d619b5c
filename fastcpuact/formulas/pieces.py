"""Pieces that functions of straight lines are put together from.

A constant piece still has to answer NaN with NaN, and a comparison with NaN is false: that is what
these are for.
"""

from __future__ import annotations

from .language import formula


@formula
def zero(x):
    """0; keeps NaN."""
    return 0 if x == x else x


@formula
def one(x):
    """1; keeps NaN."""
    return 1 if x == x else x


@formula
def clip(x, low, high):
    """min(max(x, low), high), which is high where low > high; keeps NaN."""
    above = low if x <= low else x
    return high if above >= high else above


@formula
def inside(x, low, high):
    """1 for low < x < high, 0 elsewhere; keeps NaN."""
    below = 1 if x < high else zero(x)
    return below if x > low else zero(x)


@formula
def finite_where(factor, x):
    """x, or 0 where factor is 0: their product at infinite x is then its limit; keeps NaN."""
    return x if factor != 0 else zero(x)
