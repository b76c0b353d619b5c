"""Exponentials: e^x and e^-x², and the units that end in e^x - 1 on the left."""

from __future__ import annotations

from .coefficients import CELU_SLOPE, EXPM1, LN2, LOG2_E, ROUND
from .elementary import (
    LOWEST,
    ONE_STEP,
    STEP,
    STEP_DOWN,
    exp_parts,
    exp_parts_for_product,
    exp_reduced,
    exp_terms_reduced,
    expm1_of_sum,
    expm1_pair,
    expm1_reduced,
    within_expm1,
)
from .language import Exact, exp2_shifted, fabs, fma, formula, per_precision, polynomial
from .pairs import fast_two_sum
from .registry import activation

STEP_UP = per_precision(float32=2.0**64, float64=2.0**512)
# e^x is infinite beyond.
_HIGHEST = per_precision(float32=100.0, float64=720.0)
# Below this a power of two above 1 takes one step.
_ONE_STEP = per_precision(float32=40.0, float64=300.0)
# e^-x² rounds to 0 beyond.
_END_OF_SQUARE = per_precision(float32=10.5, float64=27.5)
# (1 - x)·e^x - 1 rounds to -1 below.
_EXPM1_LOWEST = per_precision(float32=-24.0, float64=-46.0)
# e^x - 1 rounds to x, or to one of its neighbours.
_LINEAR = per_precision(float32=2.0**-25, float64=2.0**-54)
_SELU_LAMBDA = Exact("1.0507009873554804934193349852946")
# λ·α.
_SELU_SLOPE = Exact("1.75809934084737685994021752081231934206024580891220830977098")


@formula
def within_exp(x):
    """x between where e^x has ended and where it is infinite; keeps NaN."""
    above = LOWEST if x < LOWEST else x
    return _HIGHEST if above > _HIGHEST else above


@activation(domain=(-20, 20), ulp={"float32": 1.1, "float64": 1.1})
def exponential(x):
    """e^x."""
    # In two steps, of which only the last may overflow or be subnormal.
    q, n = exp_reduced(within_exp(x), -0.0, ROUND + STEP if x < 0 else ROUND - STEP)
    a = exp2_shifted(n)
    return fma(a, q, a) * (STEP_DOWN if x < 0 else STEP_UP)


@exponential.gradient(ulp={"float32": 1.1, "float64": 1.1})
def exponential_grad(x):
    """e^x."""
    return exponential(x)


@exponential.second_gradient(ulp={"float32": 1.1, "float64": 1.1})
def exponential_grad2(x):
    """e^x."""
    return exponential(x)


@exponential.gradient_from_output(ulp={"float32": 0, "float64": 0})
def exponential_grad_from_output(y):
    """y."""
    return y


@formula
def gaussian_argument(x):
    """(z, y, low): y + low = -z², z = x up to where e^-x² has ended; keeps NaN."""
    above = -_END_OF_SQUARE if x < -_END_OF_SQUARE else x
    z = _END_OF_SQUARE if above > _END_OF_SQUARE else above
    # Half an ULP of x² = 100 would be many of the exponential: its rounding error goes along.
    square = z * z
    return z, -square, -fma(z, z, -square)


@formula
def gaussian_parts(x):
    """(z, q, a, b): e^-x² = (1 + q)·a·b, z as in `gaussian_argument`."""
    z, y, low = gaussian_argument(x)
    q, n = exp_reduced(y, low, ROUND + STEP)
    return z, q, exp2_shifted(n), STEP_DOWN


@formula
def exp_of_minus_square(x):
    """e^-x², with a rounding less than the sum in `exp_reduced` has."""
    _, y, low = gaussian_argument(x)
    r, m, n = exp_terms_reduced(y, low, ROUND + STEP)
    a = exp2_shifted(n)
    return fma(a, r + m, a) * STEP_DOWN


@exp_of_minus_square.fast
def exp_of_minus_square_fast(x):
    """The same with it."""
    _, q, a, b = gaussian_parts(x)
    return fma(a, q, a) * b


@activation(domain=(-5, 5), ulp={"float32": 0.9, "float64": 0.9})
def gaussian(x):
    """e^(-x²)."""
    return exp_of_minus_square(x)


@gaussian.gradient(ulp={"float32": 1.4, "float64": 1.4})
def gaussian_grad(x):
    """-2x·e^(-x²)."""
    z, q, a, b = gaussian_parts(x)
    y = -2 * z
    return fma(y, q, y) * a * b


@gaussian.second_gradient(ulp={"float32": 2.2, "float64": 2.2})
def gaussian_grad2(x):
    """(4x² - 2)·e^(-x²)."""
    z, q, a, b = gaussian_parts(x)
    # One rounding, also where it cancels.
    y = fma(4 * z, z, -2)
    return fma(y, q, y) * a * b


@activation(domain=(-10, 5), ulp={"float32": 1.7, "float64": 1.8})
def elu(x, alpha=1.0):
    """x if x > 0 else α·(e^x - 1)."""
    return x if x >= 0 else alpha * expm1_of_sum(x, -0.0)


@elu.gradient(ulp={"float32": 1.2, "float64": 1.2})
def elu_grad(x, alpha=1.0):
    """1 if x > 0 else α·e^x."""
    q, a, b = exp_parts_for_product(x, -0.0)
    return 1 if x > 0 else fma(alpha, q, alpha) * a * b


@elu.second_gradient(ulp={"float32": 1.2, "float64": 1.2})
def elu_grad2(x, alpha=1.0):
    """0 if x > 0 else α·e^x."""
    q, a, b = exp_parts_for_product(x, -0.0)
    return 0 if x > 0 else fma(alpha, q, alpha) * a * b


@elu.gradient_from_output(ulp={"float32": 0.5, "float64": 0.5}, not_negative=("alpha",))
def elu_grad_from_output(y, alpha=1.0):
    """1 if y > 0 else y + α."""
    return 1 if y > 0 else y + alpha


@elu.parameter_gradient("alpha", ulp={"float32": 1.0, "float64": 1.0})
def elu_grad_alpha(x, alpha=1.0):
    """0 if x > 0 else e^x - 1."""
    return 0 if x >= 0 else expm1_of_sum(x, -0.0)


@formula
def quotient_low(n, d, q):
    """The rounding error of q = n/d; 0 where the quotient is beyond any exponential."""
    return fma(-q, d, n) / d if fabs(q) < 10000 else 0


@formula
def exp_parts_of_any(x, low):
    """(q, a, b): as `exp_parts_for_product`, of any x; b > 1 only where e^x is large."""
    shift = ROUND + STEP if x < ONE_STEP else (ROUND if x < _ONE_STEP else ROUND - STEP)
    step = STEP_DOWN if x < ONE_STEP else (1 if x < _ONE_STEP else STEP_UP)
    q, n = exp_reduced(within_exp(x), low, shift)
    return q, exp2_shifted(n), 0 if x < LOWEST else step


@formula
def expm1_of_any_reduced(x, low, n):
    """q as `expm1_reduced`, and it keeps its digits where n is large, too."""
    r, r_low = fast_two_sum(fma(n, -LN2.hi, x), fma(n, -LN2.lo, low))
    series = polynomial(r, EXPM1)
    return r + fma(r * r, series, r_low)


@expm1_of_any_reduced.fast
def expm1_of_any_reduced_fast(x, low, n):
    """The same for x alone."""
    return expm1_reduced(x, low, n)


@formula
def expm1_parts_of_any(x, low):
    """(z, q, a, one, step): e^(x + low) - 1 = (q·a + (a - one))·step for any x.

    one·step = 1, and step > 1 only where e^x is large.  z is x up to where nothing changes any
    more.
    """
    above = _EXPM1_LOWEST if x < _EXPM1_LOWEST else x
    z = _HIGHEST if above > _HIGHEST else above
    shift = ROUND if x < _ONE_STEP else ROUND - STEP
    shifted = fma(z, LOG2_E, shift)
    q = expm1_of_any_reduced(z, low, shifted - shift)
    one = 1 if x < _ONE_STEP else STEP_DOWN
    return z, q, exp2_shifted(shifted), one, 1 if x < _ONE_STEP else STEP_UP


@activation(domain=(-10, 5), ulp={"float32": 2.0, "float64": 2.0})
def celu(x, alpha=1.0):
    """x if x > 0 else α·(e^(x/α) - 1)."""
    u = x / alpha
    _, q, a, one, step = expm1_parts_of_any(u, quotient_low(x, alpha, u))
    # Where e^u is large, a - one rounds; q·a never does.
    most = a - one
    m = most + fma(q, a, (a - most) - one)
    # Where the quotient is small it may be subnormal, and x is at hand.
    left = x if fabs(u) < _LINEAR else alpha * m * step
    return x if x >= 0 else left


@celu.gradient(ulp={"float32": 1.3, "float64": 1.3})
def celu_grad(x, alpha=1.0):
    """1 if x > 0 else e^(x/α)."""
    u = x / alpha
    q, a, b = exp_parts_of_any(u, quotient_low(x, alpha, u))
    return 1 if x >= 0 else fma(a, q, a) * b


@celu.second_gradient(ulp={"float32": 2.0, "float64": 2.0})
def celu_grad2(x, alpha=1.0):
    """0 if x > 0 else e^(x/α)/α."""
    u = x / alpha
    q, a, b = exp_parts_of_any(u, quotient_low(x, alpha, u))
    left = fma(a, q, a) / alpha * b
    # For α = 0 it is that of max(x, 0); keeps NaN.
    return 0 if x > 0 else (left if alpha != 0 else (0 if x <= 0 else x))


@celu.gradient_from_output(ulp={"float32": 1.6, "float64": 1.6}, not_negative=("alpha",))
def celu_grad_from_output(y, alpha=1.0):
    """1 if y > 0 else (y + α)/α."""
    # For α = 0 it is the gradient of max(x, 0).
    return 1 if y > 0 else ((y + alpha) / alpha if alpha != 0 else y)


@celu.parameter_gradient("alpha", ulp={"float32": 3.9, "float64": 3.9})
def celu_grad_alpha(x, alpha=1.0):
    """0 if x > 0 else e^u - 1 - u·e^u, u = x/α."""
    u = x / alpha
    low = quotient_low(x, alpha, u)
    z, q, a, one, step = expm1_parts_of_any(u, low)
    series = polynomial(u, CELU_SLOPE)
    direct = fma(a * (1 - z), q, (a - one) - a * z) * step
    left = -fma(u, u, 2 * u * low) * series if fabs(u) < 0.6 else direct
    return 0 if x >= 0 else left


@formula
def selu_left(x):
    """λ·α·(e^x - 1) for x <= 0."""
    z = within_expm1(x)
    m, low = expm1_pair(z, fma(z, LOG2_E, ROUND))
    return fma(_SELU_SLOPE.hi, m, fma(_SELU_SLOPE.hi, low, _SELU_SLOPE.lo * m))


@selu_left.fast
def selu_left_fast(x):
    """The same with the rounding errors of e^x - 1."""
    return _SELU_SLOPE.hi * expm1_of_sum(x, -0.0)


@activation(domain=(-10, 5), ulp={"float32": 1.0, "float64": 1.0})
def selu(x):
    """λ·(x if x > 0 else α·(e^x - 1))."""
    left = selu_left(x)
    # Next to the largest number the last digits of λ decide; at infinity they would cancel.
    line = fma(_SELU_LAMBDA.hi, x, _SELU_LAMBDA.lo * x if x > 0 else x)
    right = line if line == line else x
    return right if x >= 0 else left


@selu.gradient(ulp={"float32": 1.2, "float64": 1.2})
def selu_grad(x):
    """λ·(1 if x > 0 else α·e^x)."""
    q, a, b = exp_parts(x, -0.0)
    left = fma(_SELU_SLOPE.hi, q, _SELU_SLOPE.hi) * a * b
    return _SELU_LAMBDA.hi if x > 0 else left


@selu.second_gradient(ulp={"float32": 1.2, "float64": 1.2})
def selu_grad2(x):
    """λ·(0 if x > 0 else α·e^x)."""
    q, a, b = exp_parts(x, -0.0)
    left = fma(_SELU_SLOPE.hi, q, _SELU_SLOPE.hi) * a * b
    return 0 if x > 0 else left


@selu.gradient_from_output(ulp={"float32": 0.8, "float64": 0.8})
def selu_grad_from_output(y):
    """λ if y > 0 else y + λα."""
    return _SELU_LAMBDA.hi if y > 0 else (y + _SELU_SLOPE.hi) + _SELU_SLOPE.lo
