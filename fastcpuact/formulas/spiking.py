"""Steps, and spiking neurons: steps with the slope of a smooth step for their gradient."""

from __future__ import annotations

from .algebraic import FAR, inverse_of_one_and, not_far
from .coefficients import HALF_PI
from .language import fabs, fma, formula, per_precision
from .pairs import two_sum
from .pieces import finite_where, zero
from .registry import activation

_EXACT = {"float32": 0.5, "float64": 0.5}
# Where 1 + z² is z².
_LARGE = per_precision(float32=2.0**16, float64=2.0**30)


@activation(aliases=("heaviside",), domain=(-2, 2), ulp=_EXACT)
def step(x, at_zero=0.0):
    """0 for x < 0, at_zero for x = 0, 1 for x > 0."""
    return 1 if x > 0 else (at_zero if x == 0 else zero(x))


@step.gradient(ulp=_EXACT)
def step_grad(x, at_zero=0.0):
    """0."""
    return zero(x)


@step.second_gradient(ulp=_EXACT)
def step_grad2(x, at_zero=0.0):
    """0."""
    return zero(x)


@step.parameter_gradient("at_zero", ulp=_EXACT)
def step_grad_at_zero(x, at_zero=0.0):
    """1 for x = 0, else 0."""
    return 1 if x == 0 else zero(x)


@formula
def product_not_far(a, b):
    """(p, p_low): a·b, which is 0 for a = 0 also at infinite b; limited by `not_far`."""
    factor = finite_where(a, b)
    p = not_far(a * factor)
    return p, fma(a, factor, -p) if a * factor == p else -0.0


@formula
def half_pi_times(alpha):
    """(k, k_low): πα/2."""
    k = alpha * HALF_PI.hi
    return k, fma(alpha, HALF_PI.hi, -k) + alpha * HALF_PI.lo


@formula
def bell_parts(x, alpha):
    """(r, r_low, t): 1/(1 + z²), z = πα/2·x, or 1/z where t = |z| > _LARGE.

    z² would overflow long before the bell underflows.
    """
    k, k_low = half_pi_times(alpha)
    z, rest = product_not_far(k, x)
    z_low = fma(k_low, finite_where(k, x), rest) if fabs(z) < FAR else -0.0
    square = z * z
    sum_, sum_low = two_sum(1, square)
    d = z if fabs(z) > _LARGE else sum_
    d_low = z_low if fabs(z) > _LARGE else fma(2 * z, z_low, fma(z, z, -square)) + sum_low
    r = 1 / d
    return r, r * fma(-r, d_low, fma(-r, d, 1)), fabs(z)


@activation(domain=(-2, 2), ulp=_EXACT)
def spike_atan(x, alpha=2.0):
    """0 for x <= 0, 1 for x > 0."""
    return step(x, 0)


@spike_atan.gradient(ulp={"float32": 1.5, "float64": 1.5})
def spike_atan_grad(x, alpha=2.0):
    """The surrogate α/2/(1 + (πα/2·x)²)."""
    r, r_low, t = bell_parts(x, alpha)
    half = 0.5 * alpha
    y = half * r
    y_low = fma(half, r, -y) + half * r_low
    far = fma(y, r, fma(y, r_low, y_low * r))
    return far if t > _LARGE else y + y_low


@spike_atan.second_gradient(ulp={"float32": 2.1, "float64": 2.1})
def spike_atan_grad2(x, alpha=2.0):
    """The slope of the surrogate: -α·k²x/(1 + (kx)²)², k = πα/2."""
    r, r_low, t = bell_parts(x, alpha)
    k, k_low = half_pi_times(alpha)
    kr = k * r
    kr_low = fma(k, r, -kr) + fma(k, r_low, k_low * r)
    # Where 1 + z² is z², -αk/z³.  The last factor makes the product smallest, or is x.
    a = r if t > _LARGE else kr
    a_low = r_low if t > _LARGE else kr_low
    y = alpha * a
    y_low = fma(alpha, a, -y) + alpha * a_low
    return -fma(y, a, fma(y, a_low, y_low * a)) * (kr + kr_low if t > _LARGE else x)


@spike_atan.parameter_gradient("alpha", ulp=_EXACT)
def spike_atan_grad_alpha(x, alpha=2.0):
    """0."""
    return zero(x)


@activation(domain=(-2, 2), ulp=_EXACT)
def spike_fast_sigmoid(x, slope=25.0):
    """0 for x <= 0, 1 for x > 0."""
    return step(x, 0)


@spike_fast_sigmoid.gradient(ulp={"float32": 1.0, "float64": 1.0})
def spike_fast_sigmoid_grad(x, slope=25.0):
    """The surrogate 1/(1 + slope·|x|)²."""
    p, p_low = product_not_far(slope, fabs(x))
    r, r_low = inverse_of_one_and(p, p_low)
    return fma(r, r, 2 * r * r_low)


@spike_fast_sigmoid.second_gradient(ulp={"float32": 2.9, "float64": 2.9})
def spike_fast_sigmoid_grad2(x, slope=25.0):
    """The slope of the surrogate: -2·slope·sign(x)/(1 + slope·|x|)³, at 0 that of the left side."""
    p, p_low = product_not_far(slope, fabs(x))
    r, r_low = inverse_of_one_and(p, p_low)
    y = 2 * slope * r * r * fma(3, r_low, r)
    return -y if x > 0 else y


@spike_fast_sigmoid.parameter_gradient("slope", ulp=_EXACT)
def spike_fast_sigmoid_grad_slope(x, slope=25.0):
    """0."""
    return zero(x)
