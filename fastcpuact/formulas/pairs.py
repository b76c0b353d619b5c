"""Pairs: unevaluated sums high + low of two floats, which hold twice the digits of one.

In the fast tier the low parts are dropped where they are consumed, and with them the work of
finding them.
"""

from __future__ import annotations

from .language import fma, formula, sqrt


@formula
def fast_two_sum(a, b):
    """(s, low): s + low = a + b exactly, for |a| >= |b| (Dekker 1971)."""
    s = a + b
    return s, b - (s - a)


@formula
def two_sum(a, b):
    """(s, low): s + low = a + b exactly (Knuth, TAOCP 4.2.2)."""
    s = a + b
    part = s - a
    return s, (a - (s - part)) + (b - part)


@formula
def two_product(a, b):
    """(p, low): p + low = a·b exactly, where nothing underflows."""
    p = a * b
    return p, fma(a, b, -p)


@formula
def quotient(n, n_low, d, d_low):
    """(n + n_low)/(d + d_low), rounded nearly once: one step of refinement from n/d."""
    inverse = 1 / d
    y = n * inverse
    # The remainder n - y·d is exact but for the two low parts.
    remainder = fma(-y, d_low, fma(-y, d, n)) + n_low
    return fma(remainder, inverse, y)


@quotient.fast
def quotient_of_heads(n, n_low, d, d_low):
    """n/d."""
    return n / d


@formula
def reciprocal(d, d_low):
    """(y, low): y + low = 1/(d + d_low)."""
    y = 1 / d
    return y, y * fma(-y, d_low, fma(-y, d, 1))


@reciprocal.fast
def reciprocal_fast(d, d_low):
    """1/d."""
    return 1 / d, -0.0


@formula
def pair_product(a, a_low, b, b_low):
    """(p, low): p + low = (a + a_low)·(b + b_low)."""
    p, low = two_product(a, b)
    return p, low + fma(a, b_low, a_low * b)


@pair_product.fast
def pair_product_fast(a, a_low, b, b_low):
    """a·b."""
    return a * b, -0.0


# Whole operations on pairs too, with a few units of 2^-2p relative error, p the digits of the
# precision (Joldes, Muller, Popescu 2017).


@formula
def pair_sum(a, a_low, b, b_low):
    """(a + a_low) + (b + b_low), as a pair."""
    s, e = two_sum(a, b)
    t, f = two_sum(a_low, b_low)
    u, v = fast_two_sum(s, e + t)
    high, low = fast_two_sum(u, v + f)
    return high, low


@formula
def pair_quotient(a, a_low, b, b_low):
    """(a + a_low)/(b + b_low), as a pair."""
    inverse = 1 / b
    q = a * inverse
    remainder = fma(-q, b, a) + fma(-q, b_low, a_low)
    high, low = fast_two_sum(q, remainder * inverse)
    return high, low


@formula
def pair_root(a, a_low):
    """√(a + a_low) for a > 0, as a pair."""
    root = sqrt(a)
    remainder = fma(-root, root, a) + a_low
    high, low = fast_two_sum(root, remainder / (2 * root))
    return high, low
