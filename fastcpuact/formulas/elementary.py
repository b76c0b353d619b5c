"""Elementary functions, over the leaves, on the arguments that activations need.

An activation's tail is e^(-something), so the exponential is given for arguments up to 0, in parts:
e^x = (1 + q)·a·b, with |q| < 1/2 and powers of two a and b.  A factor y is multiplied in as
``fma(y, q, y) * a * b``: the sum 1 + q is not rounded on the way, and the product is rounded once
more only where it is subnormal.  Where the rounding error of q would be too much, e^x is
(p + p_low)·a·b, with the p_low of `pairs`.
"""

from __future__ import annotations

from .coefficients import (
    EXP,
    EXPM1,
    LN2,
    LN2_HI,
    LN2_LO,
    LOG,
    LOG1P,
    LOG2_E,
    NORMAL_A,
    NORMAL_B,
    NORMAL_W,
    ROUND,
)
from .language import (
    Exact,
    exp2_shifted,
    exponent,
    fabs,
    fma,
    formula,
    per_precision,
    polynomial,
)
from .pairs import fast_two_sum, two_sum

# Below these e^x rounds to zero, and so do its products with numbers up to 2^38.
LOWEST = per_precision(float32=-131.0, float64=-1060.0)
# A power of two that may be subnormal is applied in two steps, the first of which never is: 2^n is
# 2^(n + STEP)·2^-STEP.
STEP = per_precision(float32=64.0, float64=512.0)
STEP_DOWN = per_precision(float32=2.0**-64, float64=2.0**-512)
# Above these, a power of two takes one step.
ONE_STEP = per_precision(float32=-46.0, float64=-357.0)
_ROOT_2 = Exact("1.4142135623730950488016887242096980785696718753769481")
# e^x - 1 rounds to -1 below these.
_EXPM1_LOWEST = per_precision(float32=-18.0, float64=-40.0)


@formula
def exp_reduced(x, low, shift):
    """(q, n): e^(x + low) = (1 + q)·2^n for |x| <= -LOWEST and low a rounding error of x.

    n comes with shift, a large number, added, as `exp2_shifted` takes it.
    """
    shifted = fma(x, LOG2_E, shift)
    n = shifted - shift
    r = fma(n, -LN2_LO, fma(n, -LN2_HI, x)) + low
    series = polynomial(r, EXP)
    return fma(r * r, series, r), shifted


@exp_reduced.fast
def exp_reduced_fast(x, low, shift):
    """The same for x alone."""
    shifted = fma(x, LOG2_E, shift)
    r = fma(shifted - shift, -LN2.hi, x)
    series = polynomial(r, EXP)
    return fma(r * r, series, r), shifted


@formula
def exp_pair_reduced(x, low, shift):
    """(p, p_low, n): e^(x + low) = (p + p_low)·2^n, as `exp_reduced`."""
    shifted = fma(x, LOG2_E, shift)
    n = shifted - shift
    # Exact: every bit of x and of n·LN2.hi fits, since r is so much smaller.  The rest of log 2
    # makes a factor 1 + r_low.
    r = fma(n, -LN2.hi, x)
    r_low = fma(n, -LN2.lo, low)
    series = polynomial(r, EXP)
    square = r * r
    q = fma(square, series, r)
    q_low = fma(square, series, r - q)
    p, p_low = fast_two_sum(1, q)
    return p, fma(r_low, p, p_low + q_low), shifted


@exp_pair_reduced.fast
def exp_pair_reduced_fast(x, low, shift):
    """The same without low parts."""
    q, n = exp_reduced(x, low, shift)
    return 1 + q, -0.0, n


@formula
def exp_terms_reduced(x, low, shift):
    """(r, m, n): e^(x + low) = (1 + r + m)·2^n, as `exp_reduced`, with |m| < 0.08.

    The sum of r and m would round: a product with y is ``fma(y, r, fma(y, m, y_low)) + y``.
    """
    shifted = fma(x, LOG2_E, shift)
    n = shifted - shift
    nearly = fma(n, -LN2_HI, x)
    rest = fma(n, -LN2_LO, low)
    r, r_low = fast_two_sum(nearly, rest)
    series = polynomial(r, EXP)
    return r, fma(r * r, series, r_low), shifted


@exp_terms_reduced.fast
def exp_terms_reduced_fast(x, low, shift):
    """The same for x alone."""
    shifted = fma(x, LOG2_E, shift)
    r = fma(shifted - shift, -LN2.hi, x)
    series = polynomial(r, EXP)
    return r, r * r * series, shifted


@formula
def exp_parts(x, low):
    """(q, a, b): e^(x + low) = (1 + q)·a·b for x <= 0 and low a rounding error of x."""
    above = LOWEST if x < LOWEST else x
    q, n = exp_reduced(above, low, ROUND + STEP)
    return q, exp2_shifted(n), STEP_DOWN


@formula
def exp_parts_for_product(x, low):
    """(q, a, b) as `exp_parts`, where a factor may have any size: a and b are at most 1.

    b is 0 where e^x has ended, even beside a large factor.
    """
    above = LOWEST if x < LOWEST else x
    q, n = exp_reduced(above, low, ROUND + STEP if x < ONE_STEP else ROUND)
    return q, exp2_shifted(n), 0 if x < LOWEST else (STEP_DOWN if x < ONE_STEP else 1)


@formula
def exp_pair_parts(x, low):
    """(p, p_low, a, b): e^(x + low) = (p + p_low)·a·b for x <= 0 and low a rounding error of x."""
    above = LOWEST if x < LOWEST else x
    p, p_low, n = exp_pair_reduced(above, low, ROUND + STEP)
    return p, p_low, exp2_shifted(n), STEP_DOWN


@formula
def exp_of_sum(x, low):
    """e^(x + low) for x <= 0 and low a rounding error of x."""
    q, a, b = exp_parts(x, low)
    return fma(a, q, a) * b


@formula
def exp(x):
    """e^x for x <= 0."""
    return exp_of_sum(x, -0.0)


@formula
def expm1_series(x, low, n):
    """(r, s): e^(x + low) = (1 + (r + s))·2^n for x <= 0, n near x/log 2 and low as above.

    |s| is below |r|/3, and r + s has the relative precision that e^x - 1 needs.
    """
    # Exact, as in `exp_pair_reduced`.
    r = fma(n, -LN2.hi, x)
    series = polynomial(r, EXPM1)
    return r, fma(r * r, series, fma(n, -LN2.lo, low))


@formula
def expm1_reduced(x, low, n):
    """q: e^(x + low) = (1 + q)·2^n as `expm1_series`."""
    r, s = expm1_series(x, low, n)
    return r + s


@expm1_reduced.fast
def expm1_reduced_fast(x, low, n):
    """The same for x alone."""
    r = fma(n, -LN2.hi, x)
    series = polynomial(r, EXPM1)
    return fma(r * r, series, r)


@formula
def within_expm1(x):
    """x, but not below where e^x - 1 rounds to -1; keeps NaN."""
    return _EXPM1_LOWEST if x < _EXPM1_LOWEST else x


@formula
def expm1_parts(x, low):
    """(q, a): e^(x + low) = (1 + q)·a for x <= 0 and low a rounding error of x.

    e^x - 1 = q·a + (a - 1) keeps its digits.
    """
    z = within_expm1(x)
    shifted = fma(z, LOG2_E, ROUND)
    return expm1_reduced(z, low, shifted - ROUND), exp2_shifted(shifted)


@formula
def expm1_of_sum(x, low):
    """e^(x + low) - 1 for x <= 0 and low a rounding error of x."""
    q, a = expm1_parts(x, low)
    return fma(q, a, a - 1)


@formula
def expm1_pair(x, shifted):
    """(m, low): m + low = e^x - 1 for x as `within_expm1` gives it.

    shifted is the power of two nearest to e^x, as `exp2_shifted` takes it.
    """
    r, s = expm1_series(x, -0.0, shifted - ROUND)
    q, q_low = fast_two_sum(r, s)
    a = exp2_shifted(shifted)
    b, b_low = fast_two_sum(-1, a)
    m = fma(q, a, b)
    return m, fma(q_low, a, fma(q, a, b - m) + b_low)


@formula
def log1p_rest(e):
    """log(1 + e)/e - 1 for 0 <= e <= exp(-3/4)."""
    series = polynomial(e, LOG1P)
    return e * fma(e, series, -0.5)


@formula
def log1p_low(p, p_low, power):
    """log(1 + e)/power - p for e = (p + p_low)·power <= exp(-3/4)."""
    e = p * power
    series = polynomial(e, LOG1P)
    # The first term, -e²/2, is not rounded on the way; 1 - 3/4 e is nearly the derivative 1/(1+e).
    low = fma(-0.75 * e, p_low, p_low)
    return fma(-0.5 * p, e, fma(p * e * e, series, low))


@formula
def log1p_pair(t):
    """log(1 + t) for t > -1/2, as a pair: ln 2 times a number and what is left."""
    u, u_low = two_sum(1, t)
    below = exponent(u)
    # 1 + t = (1 + r)·2^n, with 1 + r between √½ and √2.
    n = below + (1 if u * exp2_shifted(ROUND - below) > _ROOT_2.hi else 0)
    down = exp2_shifted(ROUND - n)
    z = fma(u, down, -1)
    r, r_low = fast_two_sum(z, u_low * down)
    h = 0.5 * r * r
    s = r / (2 + r)
    square = s * s
    series = polynomial(square, LOG)
    # What r_low adds to the logarithm: its factor 1/(1 + r) makes no difference beside r.
    rest = r - (h - fma(s, fma(square, series, h), fma(n, LN2_LO, r_low / (1 + r))))
    high, low = fast_two_sum(n * LN2_HI, rest)
    return high if n != 0 else rest, low if n != 0 else 0


@formula
def normal_tail_parts(t):
    """(k, n, rise): Φ(-t)·e^(t²/2) = k/(W n + 1 + rise) for t >= 0, and n = t k.

    Φ the normal distribution function.  The quotient of the two is nearly 1/W t for large t, so the
    rounding errors of the polynomials fade as t grows.
    """
    half = 0.5 * t
    a = polynomial(t, NORMAL_A)
    b = polynomial(t, NORMAL_B)
    return fma(half, b, 0.5), fma(t * half, b, half), t * a


@formula
def normal_tail(t):
    """Φ(-t)·e^(t²/2) for t >= 0."""
    k, n, rise = normal_tail_parts(t)
    return k / fma(NORMAL_W, n, 1 + rise)


@formula
def normal_tail_pair(t):
    """(y, low): Φ(-t)·e^(t²/2) for t >= 0."""
    k, n, rise = normal_tail_parts(t)
    inverse = 1 / fma(NORMAL_W, n, 1 + rise)
    y = k * inverse
    return y, fma(-y, rise, fma(k, fma(-NORMAL_W * t, y, 1), -y)) * inverse


@normal_tail_pair.fast
def normal_tail_pair_fast(t):
    """The same without the low part."""
    return normal_tail(t), -0.0


@formula
def times_normal_tail(t):
    """(y, low): t·Φ(-t)·e^(t²/2) for t >= 0."""
    _, n, rise = normal_tail_parts(t)
    inverse = 1 / fma(NORMAL_W, n, 1 + rise)
    y = n * inverse
    # The remainder n - y·(W n + 1 + rise), in the order that rounds least: its terms are small
    # where t is small, and where it is large.
    return y, fma(-y, rise, fma(n, fma(-NORMAL_W, y, 1), -y)) * inverse


@times_normal_tail.fast
def times_normal_tail_fast(t):
    """The same without the low part."""
    _, n, rise = normal_tail_parts(t)
    return n / fma(NORMAL_W, n, 1 + rise), -0.0


@formula
def product_low(a, b, product):
    """The rounding error of product = a·b; 0 where the product is beyond any exponential."""
    return fma(a, b, -product) if fabs(product) < 10000 else 0
