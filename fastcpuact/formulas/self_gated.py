"""x times the logistic function of x, of a multiple of x or of a cubic: silu and its relatives.

Every such f has f(x) - f(-x) = x, so both sides come from the tail on the left, and so do both
sides of the gradient, f'(x) + f'(-x) = 1.  The tail is a quotient of numbers near 1 times powers of
two, which are applied last: it keeps its digits until the result itself is subnormal.
"""

from __future__ import annotations

from .coefficients import (
    GELU_TANH_BEND_ROOT,
    GELU_TANH_BEND_SERIES,
    GELU_TANH_BEND_TANGENT,
    GELU_TANH_SLOPE_ROOT,
    GELU_TANH_SLOPE_SERIES,
    GELU_TANH_SLOPE_TANGENT,
    ROUND,
    SILU_BEND_ROOT,
    SILU_BEND_SERIES,
    SILU_BEND_TANGENT,
    SILU_SLOPE_ROOT,
    SILU_SLOPE_SERIES,
)
from .elementary import STEP, STEP_DOWN, exp_reduced, product_low
from .language import Exact, copysign, exp2_shifted, fabs, fma, formula, per_precision, polynomial
from .pairs import fast_two_sum, pair_product, quotient, reciprocal, two_product, two_sum
from .registry import activation
from .roots import near_root

# Where t² e^-t and all that it is multiplied with have rounded to zero.  2^n·2^STEP, 2^n the power
# of two in e^-t, is still a normal number there.
_END = per_precision(float32=130.0, float64=1060.0)


@formula
def magnitude(x):
    """|x|, at most _END; keeps NaN."""
    t = fabs(x)
    return _END if t > _END else t


@formula
def growth_parts(t, low):
    """(q, a, b): e^(t + low) = (1 + q)/(a·b) for 0 <= t <= _END and low a rounding error of t."""
    q, n = exp_reduced(t, low, ROUND)
    return q, exp2_shifted((2 * ROUND + STEP) - n), STEP_DOWN


@formula
def logistic_denominator(q, a, b):
    """(d, low): d + low = 1 + q + a·b, so that σ(-t) = a·b/(d + low) for the q, a, b of e^t."""
    one = fma(a, b, 1)
    # a·b may be too small for 1 + a·b, and only the sum of the three is then near q.
    d, low = fast_two_sum(one, q + fma(a, b, 1 - one))
    return d, low


@logistic_denominator.fast
def logistic_denominator_fast(q, a, b):
    """The same without the low part."""
    return fma(a, b, 1) + q, -0.0


@formula
def logistic_tail(t, low):
    """(d, a, b): σ(-t - low) = a·b/d for 0 <= t <= _END and low a rounding error of t."""
    q, a, b = growth_parts(t, low)
    d, _ = logistic_denominator(q, a, b)
    return d, a, b


@formula
def logistic_tail_pair(t, low):
    """(g, g_low, a, b): σ(-t - low) = (g + g_low)·a·b, as `logistic_tail`."""
    q, a, b = growth_parts(t, low)
    d, d_low = logistic_denominator(q, a, b)
    g, g_low = reciprocal(d, d_low)
    return g, g_low, a, b


@activation(aliases=("swish1",), domain=(-20, 20), ulp={"float32": 1.8, "float64": 1.8})
def silu(x):
    """x·σ(x)."""
    # Three roundings, one of them of the sum in d, and a fourth on the right; one ULP in float32 is
    # not worth a fifth of the time.
    t = magnitude(x)
    d, a, b = logistic_tail(t, -0.0)
    return (-0.0 if x < 0 else x) - t / d * a * b


@formula
def silu_slope_parts(t, low):
    """(y, y_low, a, b): silu'(-t - low) = σ(-t)·(1 - t·σ(t)) = (y + y_low)·a·b.

    0 <= t <= _END, and low is a rounding error of t.
    """
    q, a, b = growth_parts(t, low)
    d, d_low = logistic_denominator(q, a, b)
    inverse = 1 / d
    # 1/(d + d_low) = inverse·(1 + error).
    error = fma(-inverse, d_low, fma(-inverse, d, 1))
    # 1 - t + t·σ(-t), and near its zero a series.
    # t + low may be nearer to the zero than its first two parts are: hence the third.
    x, x_low = fast_two_sum(t - SILU_SLOPE_ROOT.hi, low - SILU_SLOPE_ROOT.lo)
    series = polynomial(x, SILU_SLOPE_SERIES)
    line = -x if fabs(x) < 0.375 else 1 - t
    g = a * b * inverse
    curve = x * x * series if fabs(x) < 0.375 else t * g
    factor, rest = fast_two_sum(line, curve)
    far_low = fma(fma(t, error, low), g, -low)
    line_low = SILU_SLOPE_ROOT.rest - x_low if fabs(x) < 0.375 else far_low
    factor_low = rest + line_low
    y = factor * inverse
    return y, fma(factor_low, inverse, fma(y, error, fma(factor, inverse, -y))), a, b


@formula
def silu_slope_tail(t, low):
    """silu'(-t - low), with the rounding errors of all terms."""
    y, y_low, a, b = silu_slope_parts(t, low)
    return (y + y_low) * a * b


@silu_slope_tail.fast
def silu_slope_tail_short(t, low):
    """The same without them."""
    d, a, b = logistic_tail(t, low)
    inverse = 1 / d
    # 1 - t + t·σ(-t), and near its zero a series.
    start = t - SILU_SLOPE_ROOT.hi
    x = start + ((low - SILU_SLOPE_ROOT.lo) - SILU_SLOPE_ROOT.rest)
    near = fma(x * x, polynomial(x, SILU_SLOPE_SERIES), -x)
    far = fma(t, a * b * inverse, (1 - t) - low)
    factor = near if fabs(x) < 0.375 else far
    return factor * inverse * a * b


# Two ULP in float32 are not worth a fifth of the time.
quick_slope_tail = per_precision(float32=silu_slope_tail_short, float64=silu_slope_tail)


@silu.gradient(ulp={"float32": 3.6, "float64": 1.4})
def silu_grad(x):
    """σ(x)·(1 + x·σ(-x))."""
    left = quick_slope_tail(magnitude(x), -0.0)
    return left if x < 0 else 1 - left


@formula
def times_logistic_slope(factor, low, g, g_low, power):
    """(factor + low)·σ(t)·σ(-t)/power for σ(-t) = (g + g_low)·power."""
    y, y_low = pair_product(g, g_low, factor, low)
    scaled = g * power
    rest = fma(-y, g_low * power, fma(-y_low, scaled, y_low))
    return fma(-y, scaled, y) + rest


@times_logistic_slope.fast
def times_logistic_slope_fast(factor, low, g, g_low, power):
    """The same without low parts."""
    return fma(-factor, g * power, factor) * g


@formula
def silu_bend(t, low):
    """(y, a, b): silu''(t + low) = σ(t)·σ(-t)·(2 - t·tanh(t/2)) = y·a·b, t and low as above."""
    g, g_low, a, b = logistic_tail_pair(t, low)
    power = a * b
    # 2 - t + 2t·σ(-t), and near its zero a series.
    start = t - SILU_BEND_ROOT.hi
    x, x_low = fast_two_sum(start, low - SILU_BEND_ROOT.lo)
    series = polynomial(x, SILU_BEND_SERIES)
    near, near_low = near_root(x, x_low, SILU_BEND_TANGENT.hi, SILU_BEND_TANGENT.lo, series)
    line = 2 - t
    curve = 2 * t * (g * power)
    far, rest = fast_two_sum(line, curve)
    far_low = rest + fma(2 * t, g_low * power, -low)
    factor = near if fabs(x) < 0.5 else far
    factor_low = near_low if fabs(x) < 0.5 else far_low
    return times_logistic_slope(factor, factor_low, g, g_low, power), a, b


@silu.second_gradient(ulp={"float32": 2.0, "float64": 2.0})
def silu_grad2(x):
    """σ(x)·σ(-x)·(2 + x·(σ(-x) - σ(x)))."""
    y, a, b = silu_bend(magnitude(x), -0.0)
    return y * a * b


# 1.702 x is here where _END is in silu.
_SIGMOID_SCALE = Exact("1.702")
_SIGMOID_END = per_precision(float32=76.0, float64=622.0)


@formula
def gelu_sigmoid_argument(x):
    """(t, b, low): b + low = 1.702 t, t = |x|, at most _SIGMOID_END; keeps NaN."""
    above = fabs(x)
    t = _SIGMOID_END if above > _SIGMOID_END else above
    b = _SIGMOID_SCALE.hi * t
    return t, b, fma(_SIGMOID_SCALE.hi, t, -b) + _SIGMOID_SCALE.lo * t


@activation(aliases=("quick_gelu",), domain=(-12, 12), ulp={"float32": 2.0, "float64": 2.0})
def gelu_sigmoid(x):
    """x·σ(1.702 x)."""
    # One ULP in float32 is not worth a fifth of the time.
    t, v, low = gelu_sigmoid_argument(x)
    d, a, b = logistic_tail(v, low)
    return (-0.0 if x < 0 else x) - t / d * a * b


@gelu_sigmoid.gradient(ulp={"float32": 1.8, "float64": 1.8})
def gelu_sigmoid_grad(x):
    """silu'(1.702 x)."""
    _, v, low = gelu_sigmoid_argument(x)
    left = silu_slope_tail(v, low)
    return left if x < 0 else 1 - left


@gelu_sigmoid.second_gradient(ulp={"float32": 3.5, "float64": 3.3})
def gelu_sigmoid_grad2(x):
    """1.702 silu''(1.702 x)."""
    _, v, low = gelu_sigmoid_argument(x)
    y, a, b = silu_bend(v, low)
    return _SIGMOID_SCALE.hi * y * a * b


# x is limited to the finite numbers, where beta may be 0.
_LARGEST = per_precision(float32=3.4028234663852886e38, float64=1.7976931348623157e308)
# x e^-t has rounded to zero here for |x| < 2^100 (2^1000 in float64): the power of two in e^-t is
# the product of two normal numbers up to here.
_SWISH_END = per_precision(float32=174.0, float64=1416.0)


@formula
def finite(x):
    """x between the largest finite numbers; keeps NaN."""
    above = -_LARGEST if x < -_LARGEST else x
    return _LARGEST if above > _LARGEST else above


@formula
def scaled_argument(x, beta):
    """(b, t, low): b = βx and t + low = |βx|."""
    b = beta * x
    low = product_low(beta, x, b)
    return b, fabs(b), -low if b < 0 else low


@formula
def halved_power(t, low):
    """(q, a, b): e^(t + low) = (1 + q)/(a·b) for 0 <= t <= _SWISH_END; a and b are at most 1."""
    below = _SWISH_END if t > _SWISH_END else t
    q, shifted = exp_reduced(below, low, ROUND)
    n = shifted - ROUND
    half = fma(n, -0.5, ROUND)
    return q, exp2_shifted(half), exp2_shifted((2 * ROUND - half) - n)


@activation(domain=(-20, 20), ulp={"float32": 2.0, "float64": 2.0})
def swish(x, beta=1.0):
    """x·σ(βx)."""
    z = finite(x)
    v, t, low = scaled_argument(z, beta)
    # x may be as large as e^t, so no power of two above 1 can be taken out.
    q, a, b = halved_power(t, low)
    d, _ = logistic_denominator(q, a, b)
    tail = 0 if t > _SWISH_END else fabs(z) / d * a * b
    return copysign(tail if v < 0 else fabs(x) - tail, x)


@swish.gradient(ulp={"float32": 1.8, "float64": 1.8})
def swish_grad(x, beta=1.0):
    """silu'(βx)."""
    v, t, low = scaled_argument(finite(x), beta)
    # Two ULP here, and four in silu' for the sake of its speed.
    left = silu_slope_tail(magnitude(t), low)
    return left if v < 0 else 1 - left


@swish.second_gradient(ulp={"float32": 3.2, "float64": 3.2})
def swish_grad2(x, beta=1.0):
    """β·silu''(βx)."""
    _, t, low = scaled_argument(finite(x), beta)
    y, a, b = silu_bend(magnitude(t), low)
    return beta * y * a * b


@formula
def silu_grad_long(x):
    """silu'(x) with the rounding errors that `silu_grad` leaves out in float32."""
    left = silu_slope_tail(magnitude(x), -0.0)
    return left if x < 0 else 1 - left


swish.same_at_defaults = {"value": silu.value, "grad": silu_grad_long, "grad2": silu_grad2}


@swish.parameter_gradient("beta", ulp={"float32": 3.3, "float64": 3.3})
def swish_grad_beta(x, beta=1.0):
    """x²·σ(βx)·σ(-βx)."""
    z = finite(x)
    _, t, low = scaled_argument(z, beta)
    # (x/d)² (1 + q)·2^-n, of which each factor x/d takes half of the power.
    q, a, b = halved_power(t, low)
    d, d_low = logistic_denominator(q, a, b)
    y = quotient(z, -0.0, d, d_low)
    return 0 if t > _SWISH_END else fma(y, q, y) * a * (y * b)


# The cubic is here where _END is in silu.
_TANH_END = per_precision(float32=11.5, float64=24.2)
# 2√(2/π).
_TANH_SCALE = Exact("1.5957691216057307117597842397375274738")
_TANH_CUBE = Exact("0.044715")
_TANH_CUBE_3 = Exact("0.134145")


@formula
def magnitude_of_cube(x):
    """|x|, at most _TANH_END; keeps NaN."""
    t = fabs(x)
    return _TANH_END if t > _TANH_END else t


@formula
def linear_term(t):
    """(p, low): p + low = 2√(2/π)·t."""
    p = _TANH_SCALE.hi * t
    return p, fma(_TANH_SCALE.hi, t, -p) + _TANH_SCALE.lo * t


@formula
def one_plus(square, square_low, c, c_low):
    """(w, low): w + low = 1 + c·square, of which each has a low part."""
    w = fma(c, square, 1)
    return w, fma(c, square, 1 - w) + fma(c, square_low, c_low * square)


@formula
def with_cubic_term(t, p, p_low):
    """(v, low): v + low = 2√(2/π)·(t + 0.044715 t³), p + p_low its linear term."""
    square, square_low = two_product(t, t)
    w, w_low = one_plus(square, square_low, _TANH_CUBE.hi, _TANH_CUBE.lo)
    v, low = pair_product(p, p_low, w, w_low)
    return v, low


@activation(domain=(-8, 8), ulp={"float32": 2.0, "float64": 2.0})
def gelu_tanh(x):
    """x·σ(2u), u = √(2/π)·(x + 0.044715 x³)."""
    t = magnitude_of_cube(x)
    p, p_low = linear_term(t)
    v, low = with_cubic_term(t, p, p_low)
    d, a, b = logistic_tail(v, low)
    return (-0.0 if x < 0 else x) - t / d * a * b


@formula
def cubic_slope(t):
    """(w, low): v' = 2√(2/π)·(w + low) of the cubic v."""
    square, square_low = two_product(t, t)
    w, low = one_plus(square, square_low, _TANH_CUBE_3.hi, _TANH_CUBE_3.lo)
    return w, low


@formula
def gelu_tanh_slope_short(t):
    """gelu_tanh'(-t) = σ(-v)·(1 - t·v'·σ(v)) for 0 <= t <= _TANH_END."""
    p, p_low = linear_term(t)
    v, low = with_cubic_term(t, p, p_low)
    d, a, b = logistic_tail(v, low)
    inverse = 1 / d
    # 1 - t·v' + t·v'·σ(-v), and near its zero a series.
    w, w_low = cubic_slope(t)
    rise, rise_low = pair_product(p, p_low, w, w_low)
    line, line_low = two_sum(1, -rise)
    far = line + fma(rise, a * b * inverse, line_low - rise_low)
    start = t - GELU_TANH_SLOPE_ROOT.hi
    z = start - GELU_TANH_SLOPE_ROOT.lo
    shift = -GELU_TANH_SLOPE_ROOT.lo * GELU_TANH_SLOPE_TANGENT.hi
    tangent = fma(start, GELU_TANH_SLOPE_TANGENT.hi, shift)
    near = fma(z * z, polynomial(z, GELU_TANH_SLOPE_SERIES), tangent)
    return (near if fabs(z) < 0.25 else far) / d * a * b


@formula
def gelu_tanh_slope_long(t):
    """The same with the rounding errors of all terms."""
    p, p_low = linear_term(t)
    v, low = with_cubic_term(t, p, p_low)
    g, g_low, a, b = logistic_tail_pair(v, low)
    # 1 - t·v' + t·v'·σ(-v), and near its zero a series.
    w, w_low = cubic_slope(t)
    rise, rise_low = pair_product(p, p_low, w, w_low)
    line = 1 - rise
    far, rest = fast_two_sum(line, rise * (g * (a * b)))
    far_low = rest + fma(rise, g_low * (a * b), -rise_low)
    start = t - GELU_TANH_SLOPE_ROOT.hi
    z, z_low = fast_two_sum(start, -GELU_TANH_SLOPE_ROOT.lo)
    series = polynomial(z, GELU_TANH_SLOPE_SERIES)
    near, near_low = near_root(
        z, z_low, GELU_TANH_SLOPE_TANGENT.hi, GELU_TANH_SLOPE_TANGENT.lo, series
    )
    factor = near if fabs(z) < 0.25 else far
    factor_low = near_low if fabs(z) < 0.25 else far_low
    y, y_low = pair_product(g, g_low, factor, factor_low)
    return (y + y_low) * a * b


gelu_tanh_slope = per_precision(
    float32=gelu_tanh_slope_short, float64=gelu_tanh_slope_long, fast=gelu_tanh_slope_short
)


@gelu_tanh.gradient(ulp={"float32": 3.7, "float64": 1.8})
def gelu_tanh_grad(x):
    """σ(v)·(1 + x·v'·σ(-v)), v = 2u."""
    left = gelu_tanh_slope(magnitude_of_cube(x))
    return left if x < 0 else 1 - left


@gelu_tanh.second_gradient(ulp={"float32": 2.6, "float64": 2.6})
def gelu_tanh_grad2(x):
    """σ(v)·σ(-v)·(2v' + x·v'' - x·v'²·tanh(v/2)), v = 2u."""
    t = magnitude_of_cube(x)
    p, p_low = linear_term(t)
    v, low = with_cubic_term(t, p, p_low)
    g, g_low, a, b = logistic_tail_pair(v, low)
    power = a * b
    # With τ = tanh(v/2) = 1 - 2σ(-v) and k = 2√(2/π): 2v' + t·v'' = 4v' - 2k, and v'·(4 - t·v'·τ)
    # - 2k cancels little beyond the zero, v'·(2 - t·v'·τ) + 6k·0.044715 t² before it.
    w, w_low = cubic_slope(t)
    rise, rise_low = pair_product(p, p_low, w, w_low)
    slope, slope_low = pair_product(w, w_low, _TANH_SCALE.hi, _TANH_SCALE.lo)
    z = t - GELU_TANH_BEND_ROOT.hi
    inner, inner_low = two_sum(2 if z < 0 else 4, -rise)
    total, total_low = two_sum(inner, 2 * rise * (g * power))
    rest = (inner_low + total_low) - fma(-2 * rise, g_low * power, rise_low)
    y, y_low = pair_product(slope, slope_low, total, rest)
    before = 2 * _TANH_SCALE.hi * _TANH_CUBE_3.hi * (t * t)
    base = before if z < 0 else -2 * _TANH_SCALE.hi
    far, far_low = two_sum(y, base)
    d, d_low = fast_two_sum(z, -GELU_TANH_BEND_ROOT.lo)
    series = polynomial(d, GELU_TANH_BEND_SERIES)
    near, near_low = near_root(
        d, d_low, GELU_TANH_BEND_TANGENT.hi, GELU_TANH_BEND_TANGENT.lo, series
    )
    factor = near if fabs(d) < 0.5 else far
    factor_low = near_low if fabs(d) < 0.5 else far_low + y_low
    return times_logistic_slope(factor, factor_low, g, g_low, power) * a * b
