"""Shrinkage: small numbers become zero.  A λ of less than 0 only leaves a jump at 0."""

from __future__ import annotations

from .language import copysign, fabs
from .pieces import one, zero
from .registry import activation

# One sum, or nothing, is rounded.
_EXACT = {"float32": 0.5, "float64": 0.5}


@activation(aliases=("soft_shrink",), domain=(-2, 2), ulp=_EXACT)
def softshrink(x, lambd=0.5):
    """sign(x)·max(|x| - lambd, 0)."""
    t = fabs(x)
    rest = 0 if t <= lambd else t - lambd
    return copysign(rest, x) if x != 0 else x


@softshrink.gradient(ulp=_EXACT)
def softshrink_grad(x, lambd=0.5):
    """1 for |x| > lambd, 0 for |x| <= lambd."""
    return 0 if fabs(x) <= lambd else one(x)


@softshrink.second_gradient(ulp=_EXACT)
def softshrink_grad2(x, lambd=0.5):
    """0."""
    return zero(x)


@softshrink.parameter_gradient("lambd", ulp=_EXACT)
def softshrink_grad_lambd(x, lambd=0.5):
    """-sign(x) for |x| > lambd, 0 for |x| <= lambd."""
    slope = softshrink_grad(x, lambd)
    return copysign(slope, -x) if x != 0 else x


@activation(aliases=("hard_shrink",), domain=(-2, 2), ulp=_EXACT)
def hardshrink(x, lambd=0.5):
    """x if |x| > lambd else 0."""
    # By |x|, GCC would load x three times.
    above = copysign(0, x) if x >= -lambd else x
    return above if x <= lambd else x


@hardshrink.gradient(ulp=_EXACT)
def hardshrink_grad(x, lambd=0.5):
    """1 for |x| > lambd, 0 for |x| <= lambd."""
    return softshrink_grad(x, lambd)


@hardshrink.second_gradient(ulp=_EXACT)
def hardshrink_grad2(x, lambd=0.5):
    """0."""
    return zero(x)


@hardshrink.parameter_gradient("lambd", ulp=_EXACT)
def hardshrink_grad_lambd(x, lambd=0.5):
    """0."""
    return zero(x)
