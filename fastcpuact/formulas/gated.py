"""Gated pairs: value·g(gate), g one of the sigmoid and the activations made from it.

g(gate) is a float or a sum of two, times powers of two, and the product is made before these are
applied: a large value times the tail of a gate keeps its digits where the tail alone is subnormal.
Only where the tail is below 2^-180 in float32, or 2^-1500 in float64, it counts as 0.  In the
gradient of a gate, dy·value is rounded first.
"""

from __future__ import annotations

from .gelu import gelu_slope_parts, gelu_tail_parts, magnitude_of_normal
from .language import fabs, fma, formula
from .pairs import fast_two_sum
from .rectifiers import relu, relu_grad
from .registry import gated_pair
from .self_gated import (
    logistic_tail,
    logistic_tail_pair,
    magnitude,
    silu_slope_parts,
    times_logistic_slope,
)


@formula
def apart(factor, a, b):
    """(factor·p, q), p and q the powers of two a and b, of which a may be large and b small."""
    # What comes first neither overflows nor makes a subnormal number of what is not one in the end.
    return factor * (b if fabs(factor) > 1 else a), a if fabs(factor) > 1 else b


@formula
def product(factor, y, low, a, b):
    """factor·(y + low)·a·b, as `apart`."""
    scaled, power = apart(factor, a, b)
    # An infinite factor has no low part, and that of a zero must not change the sign.
    rest = scaled * low if factor - factor == 0 else 0
    return fma(scaled, y, rest if rest != 0 else -0.0) * power


@formula
def tail_or_rest(gate, t, y, low, a, b, rest, rest_low):
    """(y, low, a, b) for a negative gate, (rest, rest_low, 1, 1) for another; t is where it ends.

    t is |gate|, or less where the tail has ended.
    """
    # There a rest is a constant or the gate itself, perhaps an infinity.
    limited_low = 0 if fabs(gate) > t else rest_low
    last = 0 if fabs(gate) > t else a
    return (
        y if gate < 0 else rest,
        low if gate < 0 else limited_low,
        last if gate < 0 else 1,
        b if gate < 0 else 1,
    )


@gated_pair(domain=(-20, 20), ulp={"float32": 3.0, "float64": 3.0})
def glu(value, gate):
    """value·σ(gate)."""
    t = magnitude(gate)
    d, a, b = logistic_tail(t, -0.0)
    tail = 1 / d
    last = 0 if fabs(gate) > t else a
    scaled, power = apart(value, last if gate < 0 else 1, b if gate < 0 else 1)
    # value·tail, or value - value·tail, which rounds once.  0 and infinity, their own halves, have
    # the right sign times anything positive.
    half = 0.5 * value
    y = tail if half == value else -tail * (a * b)
    start = -0.0 if half == value else scaled
    return fma(scaled, tail if gate < 0 else y, -0.0 if gate < 0 else start) * power


@glu.backward(ulp={"float32": 3.0, "float64": 3.0})
def glu_backward(dy, value, gate):
    """dy·σ(gate), dy·value·σ(gate)·σ(-gate)."""
    t = magnitude(gate)
    g, g_low, a, b = logistic_tail_pair(t, -0.0)
    y = times_logistic_slope(1, 0, g, g_low, a * b)
    return glu(dy, gate), product(dy * value, y, 0, 0 if fabs(gate) > t else a, b)


@gated_pair(domain=(-2, 2), ulp={"float32": 0.5, "float64": 0.5})
def reglu(value, gate):
    """value·max(gate, 0)."""
    return value * relu(gate)


@reglu.backward(ulp={"float32": 1.0, "float64": 1.0})
def reglu_backward(dy, value, gate):
    """dy·max(gate, 0), dy·value·(1 for gate > 0, 0 for gate <= 0)."""
    return dy * relu(gate), dy * value * relu_grad(gate)


@gated_pair(domain=(-14, 14), ulp={"float32": 3.0, "float64": 3.0})
def geglu(value, gate):
    """value·gelu(gate)."""
    t = magnitude_of_normal(gate)
    u, v, a, b = gelu_tail_parts(t)
    rest, error = fast_two_sum(gate, -u * (a * b))
    y, low, c, d = tail_or_rest(gate, t, -u, -v, a, b, rest, fma(-v, a * b, error))
    return product(value, y, low, c, d)


@geglu.backward(ulp={"float32": 3.0, "float64": 3.0})
def geglu_backward(dy, value, gate):
    """dy·gelu(gate), dy·value·gelu'(gate)."""
    t = magnitude_of_normal(gate)
    u, v, a, b = gelu_slope_parts(t)
    tail, tail_low = fast_two_sum(u, v)
    y, low, c, d = tail_or_rest(gate, t, tail, tail_low, a, b, 1 - (u + v) * (a * b), 0)
    return geglu(dy, gate), product(dy * value, y, low, c, d)


@gated_pair(domain=(-20, 20), ulp={"float32": 3.0, "float64": 3.0})
def swiglu(value, gate):
    """value·silu(gate)."""
    t = magnitude(gate)
    d, a, b = logistic_tail(t, -0.0)
    tail = t / d
    rest, error = fast_two_sum(gate, -tail * (a * b))
    y, low, c, e = tail_or_rest(gate, t, -tail, 0, a, b, rest, error)
    return product(value, y, low, c, e)


@swiglu.backward(ulp={"float32": 3.0, "float64": 3.0})
def swiglu_backward(dy, value, gate):
    """dy·silu(gate), dy·value·silu'(gate)."""
    t = magnitude(gate)
    u, v, a, b = silu_slope_parts(t, -0.0)
    y, low, c, d = tail_or_rest(gate, t, u, v, a, b, 1 - (u + v) * (a * b), 0)
    return swiglu(dy, gate), product(dy * value, y, low, c, d)
