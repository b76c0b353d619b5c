"""x times a function of softplus that rises from 0 to 1: mish and serf.

Away from 0 all is written in e = e^-|x|, so that nothing overflows; powers of two are applied last,
and the tails keep their digits until the result itself is subnormal.
"""

from __future__ import annotations

from .coefficients import (
    MISH_BEND_LEFT_ROOT,
    MISH_BEND_LEFT_SERIES,
    MISH_BEND_LEFT_TANGENT,
    MISH_BEND_RIGHT_ROOT,
    MISH_BEND_RIGHT_SERIES,
    MISH_BEND_RIGHT_TANGENT,
    MISH_SLOPE_ROOT,
    MISH_SLOPE_SERIES,
    MISH_SLOPE_TANGENT,
    ROUND,
    SERF_BEND_LEFT_ROOT,
    SERF_BEND_LEFT_SERIES,
    SERF_BEND_LEFT_TANGENT,
    SERF_BEND_RIGHT_ROOT,
    SERF_BEND_RIGHT_SERIES,
    SERF_BEND_RIGHT_TANGENT,
    SERF_DROP,
    SERF_ERF,
    SERF_LOG,
    SERF_NEAR,
    SERF_SLOPE_ROOT,
    SERF_SLOPE_SERIES,
    SERF_SLOPE_TANGENT,
)
from .elementary import (
    STEP,
    STEP_DOWN,
    exp_pair_parts,
    exp_parts,
    exp_terms_reduced,
    normal_tail_pair,
)
from .language import Exact, copysign, exp2_shifted, fabs, fma, formula, per_precision, polynomial
from .pairs import fast_two_sum, pair_product, quotient, reciprocal, two_product, two_sum
from .registry import activation
from .roots import near_root
from .self_gated import magnitude


@formula
def mish_denominator(h, h_low):
    """(y, low): 1/(1 + h + h²/2)."""
    half, half_low = fast_two_sum(1, 0.5 * h)
    d = fma(h, half, 1)
    d_low = fma(h, half, 1 - d) + fma(h, half_low, h_low * (1 + h))
    y, low = reciprocal(d, d_low)
    return y, low


@activation(domain=(-20, 20), ulp={"float32": 0.9, "float64": 0.9})
def mish(x):
    """x·tanh(log(1 + e^x))."""
    # With e = e^-|x|, h = e on the left and 2e on the right, y = 1/(1 + h + h²/2):
    # f(x) = x·e·(1 + e/2)·y on the left, f(x) = x - x·e·2e·y on the right.
    t = magnitude(x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    e_low = p_low * a * b
    h = e if x < 0 else 2 * e
    y, y_low = mish_denominator(h, e_low if x < 0 else 2 * e_low)
    one, one_low = fast_two_sum(1, 0.5 * e)
    w = one if x < 0 else h
    w_low = fma(0.5, e_low, one_low) if x < 0 else 2 * e_low
    # a is large where x is small: the low parts of the products stay normal numbers.
    weight, weight_low = pair_product(t * a, -0.0, w, w_low)
    part, part_low = pair_product(weight, weight_low, p, p_low)
    tail, tail_low = pair_product(part, part_low, y, y_low)
    return (-0.0 if x < 0 else x) - (tail + tail_low) * b


@formula
def mish_slope(x):
    """mish'(x), with the rounding errors of all terms."""
    t = magnitude(x)
    z = copysign(t, x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    e_low = p_low * a * b
    h = e if x < 0 else 2 * e
    y, y_low = mish_denominator(h, e_low if x < 0 else 2 * e_low)
    square, square_low = pair_product(y, y_low, y, y_low)
    start = z - MISH_SLOPE_ROOT.hi
    d, d_low = fast_two_sum(start, -MISH_SLOPE_ROOT.lo)
    series = polynomial(d, MISH_SLOPE_SERIES)
    near, near_low = near_root(d, d_low, MISH_SLOPE_TANGENT.hi, MISH_SLOPE_TANGENT.lo, series)
    k0 = z + 1 if x < 0 else 1
    k1 = z + 1.5 if x < 0 else 4
    k2 = 1 if x < 0 else fma(4, z, 6)
    k3 = 0.25 if x < 0 else fma(4, z, 4)
    inner = fma(e, k3, k2)
    slope = fma(e, inner, k1)
    curve, curve_low = pair_product(e, e_low, slope, fma(e, inner, k1 - slope))
    far, far_low = two_sum(k0, curve)
    w = near if fabs(d) < 0.375 else far
    w_low = near_low if fabs(d) < 0.375 else far_low + curve_low
    f, f_low = pair_product(w, w_low, square, square_low)
    left, left_low = pair_product(f, f_low, p, p_low)
    return (left + left_low) * a * b if x < 0 else f + f_low


@mish_slope.fast
def mish_slope_fast(x):
    """The same without them."""
    t = magnitude(x)
    z = copysign(t, x)
    q, a, b = exp_parts(-t, -0.0)
    e = fma(a, q, a) * b
    # On the right all is divided by e^4x; with h = 2e the denominator has the same form there.
    h = e if x < 0 else 2 * e
    square = fma(h, fma(h, fma(h, fma(h, 0.25, 1), 2), 2), 1)
    d = (z - MISH_SLOPE_ROOT.hi) - MISH_SLOPE_ROOT.lo
    series = polynomial(d, MISH_SLOPE_SERIES)
    near = fma(d * d, series, d * MISH_SLOPE_TANGENT.hi)
    far = fma(e, fma(e, fma(e, 0.25, 1), z + 1.5), z + 1)
    left = near if fabs(d) < 0.375 else far
    right = fma(e, fma(e, fma(e, fma(4, z, 4), fma(4, z, 6)), 4), 1)
    y = (left if x < 0 else right) / square
    return fma(y, q, y) * a * b if x < 0 else y


@mish.gradient(ulp={"float32": 1.9, "float64": 1.9})
def mish_grad(x):
    """e^x w(x)/(1 + e^x + e^2x/2)², w(x) = (x+1) + (x + 3/2) e^x + e^2x + e^3x/4."""
    return mish_slope(x)


@mish.second_gradient(ulp={"float32": 3.9, "float64": 3.9})
def mish_grad2(x):
    """e^x·(4 + 8E + 6E² + 2E³ + x·(2 + 2E - 3E² - 2E³))/(2·(1 + E + E²/2)³), E = e^x."""
    t = magnitude(x)
    z = copysign(t, x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    e_low = p_low * a * b
    # On the right the sum is divided by E³: the coefficients of its powers change places.
    h = e if x < 0 else 2 * e
    y, y_low = mish_denominator(h, e_low if x < 0 else 2 * e_low)
    square, square_low = pair_product(y, y_low, y, y_low)
    cube, cube_low = pair_product(square, square_low, y, y_low)
    k0 = fma(2, z, 4) if x < 0 else fma(-2, z, 2)
    k1 = fma(2, z, 8) if x < 0 else fma(-3, z, 6)
    k2 = fma(-3, z, 6) if x < 0 else fma(2, z, 8)
    k3 = fma(-2, z, 2) if x < 0 else fma(2, z, 4)
    curve, curve_low = pair_product(e, e_low, fma(e, fma(e, k3, k2), k1), -0.0)
    far, far_low = two_sum(k0, curve)
    start_left = z - MISH_BEND_LEFT_ROOT.hi
    start_right = z - MISH_BEND_RIGHT_ROOT.hi
    left = start_left - MISH_BEND_LEFT_ROOT.lo
    right = start_right - MISH_BEND_RIGHT_ROOT.lo
    series_left = polynomial(left, MISH_BEND_LEFT_SERIES)
    series_right = polynomial(right, MISH_BEND_RIGHT_SERIES)
    d = left if x < 0 else right
    near = fma(
        d * d,
        series_left if x < 0 else series_right,
        d * (MISH_BEND_LEFT_TANGENT.hi if x < 0 else MISH_BEND_RIGHT_TANGENT.hi),
    )
    w = near if fabs(d) < 0.5 else far
    w_low = 0 if fabs(d) < 0.5 else far_low + curve_low
    f, f_low = pair_product(w, w_low, cube, cube_low)
    once, once_low = pair_product(f, f_low, p, p_low)
    twice, twice_low = pair_product(once, once_low, 4 * p, 4 * p_low)
    first = (once + once_low) * (0.5 * a) * b
    return first if x < 0 else (twice + twice_low) * a * b * a * b


# Where e^-s² and all that it is multiplied with have rounded to zero.
_SERF_END = per_precision(float32=10.72, float64=27.56)
_SQRT2 = Exact("1.4142135623730950488016887242096980785696718753769481")
_SQRT_PI = Exact("1.7724538509055160272981674833411451827975494561223871")
# 1/√π and 2/√π.
_INVERSE_SQRT_PI = Exact("0.56418958354775628694807945156077258584405062932899886")
_ERF_SLOPE = Exact("1.1283791670955125738961589031215451716881012586579977")
# erf(log 2).
_ERF_AT_0 = Exact("0.67304128974252493641643395854905689386827036277720074")


@formula
def softplus_pair(x, t, e, e_low):
    """(s, low): s + low = log(1 + e^x) up to _SERF_END, for t = |x| and e + e_low = e^-t."""
    offset = e - 0.5
    series = polynomial(offset, SERF_LOG)
    square = e * e
    log = fma(square, series, e)
    log_low = fma(square, series, e - log) + e_low
    s, low = two_sum(0 if x < 0 else t, log)
    return _SERF_END if s > _SERF_END else s, low + log_low


@formula
def square_weight(s, s_low):
    """(r, m, a): e^-(s + s_low)² = (1 + r + m)·a·STEP_DOWN, as `exp_terms_reduced`."""
    square, low = two_product(s, s)
    r, m, n = exp_terms_reduced(-square, -fma(2 * s, s_low, low), ROUND + STEP)
    return r, m, exp2_shifted(n)


@formula
def serf_in_parts(x):
    """x·erf(log(1 + e^x))."""
    t = magnitude(x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    # On the left erf(s) = e·(2/√π + e·M), on the right 1 - erfc(s), both times x.
    offset = e - 0.5
    series = polynomial(offset, SERF_ERF)
    erf, erf_low = fast_two_sum(_ERF_SLOPE.hi, fma(e, series, _ERF_SLOPE.lo))
    times_p, times_p_low = pair_product(t, -0.0, p, p_low)
    left, left_low = pair_product(erf, erf_low, times_p, times_p_low)
    s, s_low = softplus_pair(x, t, e, p_low * a * b)
    r, m, c = square_weight(s, s_low)
    erfc, erfc_low = normal_tail_pair(_SQRT2.hi * s)
    y, y_low = pair_product(2 * t, -0.0, erfc, erfc_low)
    right = y + fma(y, r, fma(y, m, y_low))
    tail = (left + left_low if x < 0 else right) * (a if x < 0 else c) * b
    return (-0.0 if x < 0 else x) - tail


@formula
def serf_near_0(x):
    """The same for |x| < 3/4, where the parts above are of one size and their errors add up."""
    series = polynomial(x, SERF_NEAR)
    y = fma(x, series, _ERF_AT_0.hi)
    y_low = fma(x, series, _ERF_AT_0.hi - y) + _ERF_AT_0.lo
    return fma(x, y, x * y_low)


@formula
def serf_with_series(x):
    """The same with half the error, in float32."""
    return serf_near_0(x) if fabs(x) < 0.75 else serf_in_parts(x)


serf_of_x = per_precision(float32=serf_with_series, float64=serf_in_parts, fast=serf_in_parts)


@activation(domain=(-20, 20), ulp={"float32": 0.9, "float64": 2.0})
def serf(x):
    """x·erf(log(1 + e^x))."""
    return serf_of_x(x)


@formula
def erf_slope(e, e_low, s, s_low):
    """(y, low, a): 2/√π·e^-s²/(1 + e) = (y + low)·a·STEP_DOWN.

    On the left, where e = e^x, this is the derivative of erf(s) with respect to e.
    """
    r, m, a = square_weight(s, s_low)
    d, d_low = fast_two_sum(1, e)
    inverse, inverse_low = reciprocal(d, d_low + e_low)
    y, low = pair_product(inverse, inverse_low, _ERF_SLOPE.hi, _ERF_SLOPE.lo)
    n, n_low = fast_two_sum(y, fma(y, r, fma(y, m, low)))
    return n, n_low, a


@serf.gradient(ulp={"float32": 1.7, "float64": 1.5})
def serf_grad(x):
    """erf(s) + x·2/√π·e^-s²·σ(x), s = log(1 + e^x)."""
    t = magnitude(x)
    z = copysign(t, x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    e_low = p_low * a * b
    s, s_low = softplus_pair(x, t, e, e_low)
    n, n_low, power = erf_slope(e, e_low, s, s_low)
    scale = power * STEP_DOWN
    # On the left e·(erf(s)/e + x·n), and erf(s)/e - n = e·(1/√π + e·D): near its zero a series.
    offset = e - 0.5
    series = polynomial(offset, SERF_DROP)
    drop, drop_low = fast_two_sum(_INVERSE_SQRT_PI.hi, fma(e, series, _INVERSE_SQRT_PI.lo))
    x1, x1_low = two_sum(z, 1)
    line, line_low = pair_product(x1, x1_low, n * scale, n_low * scale)
    curve, curve_low = pair_product(drop, drop_low, e, e_low)
    far, far_low = two_sum(line, curve)
    start = z - SERF_SLOPE_ROOT.hi
    v, v_low = fast_two_sum(start, -SERF_SLOPE_ROOT.lo)
    near_series = polynomial(v, SERF_SLOPE_SERIES)
    near, near_low = near_root(v, v_low, SERF_SLOPE_TANGENT.hi, SERF_SLOPE_TANGENT.lo, near_series)
    w = near if fabs(v) < 0.375 else far
    w_low = near_low if fabs(v) < 0.375 else far_low + (line_low + curve_low)
    y, y_low = pair_product(w, w_low, p, p_low)
    left = (y + y_low) * a * b
    # On the right 1 - erfc(s) + x·n, erfc(s) = √π·n·(1 + e)·R.
    tail, tail_low = normal_tail_pair(_SQRT2.hi * s)
    d, d_low = fast_two_sum(1, e)
    ratio, ratio_low = pair_product(d, d_low + e_low, _SQRT_PI.hi, _SQRT_PI.lo)
    product, product_low = pair_product(ratio, ratio_low, tail, tail_low)
    inner, inner_low = two_sum(t, -product)
    rise, rise_low = pair_product(n * scale, n_low * scale, inner, inner_low - product_low)
    right, right_low = fast_two_sum(1, rise)
    return left if x < 0 else right + (right_low + rise_low)


@serf.second_gradient(ulp={"float32": 3.7, "float64": 3.7})
def serf_grad2(x):
    """2/√π·e^-s²·σ(x)·(2 + x·(σ(-x) - 2s·σ(x))), s = log(1 + e^x)."""
    t = magnitude(x)
    z = copysign(t, x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    e_low = p_low * a * b
    s, s_low = softplus_pair(x, t, e, e_low)
    n, n_low, power = erf_slope(e, e_low, s, s_low)
    # The sum times 1 + e: (2 + x) + 2e·(1 - x·s) on the left, 2 + e·(2 + x) - 2x·s on the right.
    x2, x2_low = two_sum(z, 2)
    slope = fma(-z, s, 1)
    left_sum = fma(2 * e, slope, x2)
    left_low = fma(2 * e, slope, x2 - left_sum) + fma(2 * e_low, slope, x2_low)
    start = fma(e, x2, 2)
    start_low = fma(e, x2, 2 - start) + fma(e, x2_low, e_low * x2)
    right_sum = fma(-2 * z, s, start)
    right_low = fma(-2 * z, s, start - right_sum) + fma(-2 * z, s_low, start_low)
    far = quotient(left_sum if x < 0 else right_sum, left_low if x < 0 else right_low, 1 + e, -0.0)
    left = (z - SERF_BEND_LEFT_ROOT.hi) - SERF_BEND_LEFT_ROOT.lo
    right = (z - SERF_BEND_RIGHT_ROOT.hi) - SERF_BEND_RIGHT_ROOT.lo
    series_left = polynomial(left, SERF_BEND_LEFT_SERIES)
    series_right = polynomial(right, SERF_BEND_RIGHT_SERIES)
    d = left if x < 0 else right
    near = fma(
        d * d,
        series_left if x < 0 else series_right,
        d * (SERF_BEND_LEFT_TANGENT.hi if x < 0 else SERF_BEND_RIGHT_TANGENT.hi),
    )
    w = near if fabs(d) < (0.5 if x < 0 else 0.375) else far
    y, low = pair_product(n, n_low, w, -0.0)
    times_p, times_p_low = pair_product(y, low, p, p_low)
    once = (y + low) * power * STEP_DOWN
    twice = (times_p + times_p_low) * (power * STEP_DOWN) * a * b
    return twice if x < 0 else once
