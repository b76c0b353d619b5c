"""Softplus and its relatives: the smooth maximum of 0 and x."""

from __future__ import annotations

from .coefficients import LN2, SOFTPLUS
from .elementary import exp_parts, log1p_rest, product_low
from .language import fabs, fma, per_precision, polynomial
from .registry import activation
from .sigmoids import sigmoid_of_sum

# Where log(1 + e^-b) is less than half an ULP of b.
_END = per_precision(float32=18.0, float64=38.0)


@activation(domain=(-20, 20), ulp={"float32": 2.6, "float64": 2.5})
def softplus(x, beta=1.0):
    """log(1 + e^(βx))/β = max(x, 0) + log(1 + e^-|βx|)/β."""
    b = beta * x
    low = product_low(beta, x, b)
    # Around 0, log 2 + b/2 + an even function of b.  What the sum of the first two leaves out goes
    # to the third, or steps of the rounding would show where the function is to rise.
    z = b * b
    even = polynomial(z, SOFTPLUS)
    line = fma(b, 0.5, LN2.hi)
    rest = fma(b, 0.5, LN2.hi - line) + LN2.lo
    centre = line + fma(z, even, rest)
    # Elsewhere log(1 + e), e = e^-|b|; the power of two of e comes last.
    # On the right everything depends on x through b alone, or the rounding error of b would make
    # steps of its own.
    q, power, rest_of_power = exp_parts(-fabs(b), low if b < 0 else -0.0)
    p = 1 + q
    tail = fma(p, log1p_rest(p * power * rest_of_power), p)
    # One quotient of a sum that never falls; the tail on the left is divided before its power of
    # two makes it subnormal.
    inside = centre if fabs(b) < 0.75 else tail
    y = (b + tail * power * rest_of_power if b >= 0.75 else inside) / beta
    left = y * power * rest_of_power if b <= -0.75 else y
    return x if b > _END else left


@softplus.gradient(ulp={"float32": 2.7, "float64": 2.5})
def softplus_grad(x, beta=1.0):
    """σ(βx)."""
    b = beta * x
    return sigmoid_of_sum(b, product_low(beta, x, b))
