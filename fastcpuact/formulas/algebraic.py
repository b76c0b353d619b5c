"""Algebraic functions: of square roots and quotients, without an exponential."""

from __future__ import annotations

from .language import copysign, fabs, fma, formula, per_precision
from .pairs import quotient, two_sum
from .registry import activation

# Beyond it 1/t² is 0, and the arithmetic of pairs does not overflow below it.
FAR = per_precision(float32=2.0**120, float64=2.0**1000)


@formula
def not_far(t):
    """t between -FAR and FAR; keeps NaN."""
    return copysign(FAR, t) if fabs(t) > FAR else t


@formula
def inverse_of_one_and(t, t_low):
    """(r, r_low): 1/(1 + t + t_low)."""
    d, d_low = two_sum(1, t)
    r = 1 / d
    return r, r * fma(-r, d_low + t_low, fma(-r, d, 1))


@inverse_of_one_and.fast
def inverse_of_one_and_fast(t, t_low):
    """The same without low parts."""
    return 1 / (1 + t), -0.0


@activation(domain=(-20, 20), ulp={"float32": 0.51, "float64": 0.51})
def softsign(x):
    """x/(1 + |x|)."""
    t = not_far(fabs(x))
    d, d_low = two_sum(1, t)
    return copysign(quotient(t, -0.0, d, d_low), x)


@softsign.gradient(ulp={"float32": 1.0, "float64": 1.0})
def softsign_grad(x):
    """1/(1 + |x|)²."""
    r, r_low = inverse_of_one_and(not_far(fabs(x)), -0.0)
    return fma(r, r, 2 * r * r_low)


@softsign.second_gradient(ulp={"float32": 2.0, "float64": 2.0})
def softsign_grad2(x):
    """-2·sign(x)/(1 + |x|)³, at 0 that of the left side."""
    r, r_low = inverse_of_one_and(not_far(fabs(x)), -0.0)
    y = 2 * r * r * fma(3, r_low, r)
    return -y if x > 0 else y


@softsign.gradient_from_output(ulp={"float32": 0.51, "float64": 0.51})
def softsign_grad_from_output(y):
    """(1 - |y|)²."""
    d, d_low = two_sum(1, -fabs(y))
    return fma(d, d, 2 * d * d_low)
