"""Sigmoids: from one constant to another."""

from __future__ import annotations

from .coefficients import LOG2_E, ROUND, TANHSHRINK, THIRD
from .elementary import (
    STEP,
    STEP_DOWN,
    exp,
    exp_parts,
    exp_reduced,
    expm1_of_sum,
    expm1_pair,
    expm1_reduced,
    within_expm1,
)
from .language import copysign, exp2_shifted, fabs, fma, formula, per_precision, polynomial
from .pairs import fast_two_sum, quotient, quotient_of_heads, two_product
from .registry import activation

# Where 1 + e^|x| rounds to e^|x|, and 1 + e^-|x| to 1.
_END = per_precision(float32=18.0, float64=38.0)
# Up to here 1 + 2^n is exact, 2^n the power of two in e^|x|.
_TAIL = per_precision(float32=16.25, float64=36.25)
# Where the logistic function rounds to 0.
_LOWEST = per_precision(float32=-105.0, float64=-750.0)

# float32 gradients are within 2.5 ULP without the low part of the denominator.
_ratio = per_precision(float32=quotient_of_heads, float64=quotient)


@formula
def sigmoid_of_sum(x, low):
    """1/(1 + e^-(x + low)) for low a rounding error of x.

    One chain of steps that each keep the order of their arguments: so σ never falls.
    """
    below = _END if x > _END else x
    z = _LOWEST if below < _LOWEST else below
    q, n = exp_reduced(-z, -low, ROUND)
    # 1 + e^-z rounds once: 1 + 2^n is exact up to the tail, where the power of two is taken out.
    power = exp2_shifted(n)
    # In two steps: 2^-n itself may be less than the least number, where its product is not.
    inverse_power = exp2_shifted((2 * ROUND + STEP) - n)
    tail = 1 + fma(inverse_power, STEP_DOWN, q)
    y = 1 / (tail if z < -_TAIL else fma(power, q, 1 + power))
    return y * inverse_power * STEP_DOWN if z < -_TAIL else y


@formula
def one_and_product(a, b):
    """(s, low): s + low = 1 + a·b for 0 <= a·b <= 3, exact but for the last bit of low."""
    s = fma(a, b, 1)
    return s, fma(a, b, 1 - s)


@activation(aliases=("logistic", "expit"), domain=(-20, 20), ulp={"float32": 1.8, "float64": 1.8})
def sigmoid(x):
    """1/(1 + e^-x)."""
    return sigmoid_of_sum(x, 0)


@sigmoid.gradient(ulp={"float32": 2.5, "float64": 1.7})
def sigmoid_grad(x):
    """σ(x)·σ(-x) = e/(1+e)², e = e^-|x|."""
    # The rounding error of e nearly cancels around 0, so one e stands in both places.
    e = exp(-fabs(x))
    square, square_low = one_and_product(e, e + 2)
    y = _ratio(e, -0.0, square, square_low)
    return 0.25 if y > 0.25 else y


@sigmoid.second_gradient(ulp={"float32": 3.7, "float64": 3.7})
def sigmoid_grad2(x):
    """σ(x)·σ(-x)·(1 - 2σ(x)) = ±e(e-1)/(1+e)³, e = e^-|x|."""
    q, a, b = exp_parts(-fabs(x), -0.0)
    e = fma(a, q, a) * b
    y = e * fma(a * b, q, a * b - 1) / fma(e, fma(e, e + 3, 3), 1)
    return copysign(y, -x)


@sigmoid.gradient_from_output(ulp={"float32": 1.6, "float64": 1.6})
def sigmoid_grad_from_output(y):
    """y·(1-y)."""
    return y * (1 - y)


@formula
def nearest_power(x):
    """x/log 2 rounded to an integer, as `exp2_shifted` takes it."""
    return fma(x, LOG2_E, ROUND)


@formula
def lower_power(x):
    """The same of x/log 2 less a little."""
    return fma(x, LOG2_E, -0.07) + ROUND


# tanh has its largest error just above |x| = 1/2, where it is less with the lower power of two.
# float32 is within 2 ULP without that.
_tanh_power = per_precision(float32=nearest_power, float64=lower_power)


@activation(domain=(-10, 10), ulp={"float32": 2.0, "float64": 2.0})
def tanh(x):
    """(e^x - e^-x)/(e^x + e^-x)."""
    # (e^-2|x| - 1)/(e^-2|x| + 1): one falls and the other rises with the exponential.
    z = within_expm1(-2 * fabs(x))
    shifted = _tanh_power(z)
    a = exp2_shifted(shifted)
    q = expm1_reduced(z, -0.0, shifted - ROUND)
    return copysign(fma(q, a, a - 1) / fma(q, a, a + 1), x)


@tanh.gradient(ulp={"float32": 2.5, "float64": 1.7})
def tanh_grad(x):
    """1/cosh²(x) = f/(1+e)², e = e^-2|x|, f = 4e."""
    q, a, b = exp_parts(-2 * fabs(x), -0.0)
    # Times 4 before the power of two makes it subnormal.
    f = fma(a, q, a) * (4 * b)
    square, square_low = one_and_product(f, fma(f, 0.0625, 0.5))
    y = _ratio(f, -0.0, square, square_low)
    return 1 if y > 1 else y


@tanh.second_gradient(ulp={"float32": 3.7, "float64": 3.7})
def tanh_grad2(x):
    """-2·tanh(x)/cosh²(x) = ±8e(e-1)/(1+e)³, e = e^-2|x|."""
    q, a, b = exp_parts(-2 * fabs(x), -0.0)
    power = a * b
    e = fma(power, q, power)
    y = fma(a, q, a) * (8 * b) * fma(power, q, power - 1) / fma(e, fma(e, e + 3, 3), 1)
    return copysign(y, -x)


@tanh.gradient_from_output(ulp={"float32": 0.6, "float64": 0.6})
def tanh_grad_from_output(y):
    """1 - y²."""
    return fma(-y, y, 1)


@formula
def tanh_pair(t):
    """(y, low): y + low = -tanh(t) for t >= 0."""
    z = -2 * (_END if t > _END else t)
    m, m_low = expm1_pair(z, nearest_power(z))
    d, d_low = fast_two_sum(2, m)
    inverse = 1 / d
    y = m * inverse
    return y, (fma(-y, d, m) + fma(-y, d_low + m_low, m_low)) * inverse


@tanh_pair.fast
def tanh_pair_fast(t):
    """The same without the low part."""
    m = expm1_of_sum(-2 * t, -0.0)
    return m / (m + 2), -0.0


@activation(aliases=("tanh_shrink",), domain=(-10, 10), ulp={"float32": 1.5, "float64": 1.5})
def tanhshrink(x):
    """x - tanh(x)."""
    # Around 0 a series; the rounding errors of x², x³ and of the sum go along.
    t = fabs(x)
    square, square_low = two_product(t, t)
    cube, cube_low = two_product(t, square)
    series = polynomial(square, TANHSHRINK)
    factor, factor_low = fast_two_sum(THIRD.hi, fma(square, series, THIRD.lo))
    rest = fma(fma(t, square_low, cube_low), factor, cube * factor_low)
    # Elsewhere (t - 1) + (1 - tanh t), the first of which is exact.
    e = exp(-2 * t)
    return copysign(fma(cube, factor, rest) if t < 1.0625 else (t - 1) + 2 * e / (1 + e), x)


@tanhshrink.gradient(ulp={"float32": 1.2, "float64": 1.4})
def tanhshrink_grad(x):
    """tanh²(x)."""
    y, low = tanh_pair(fabs(x))
    return fma(y, y, 2 * y * low)


@tanhshrink.second_gradient(ulp={"float32": 3.7, "float64": 3.7})
def tanhshrink_grad2(x):
    """2·tanh(x)/cosh²(x)."""
    return -tanh_grad2(x)
