"""Hard functions: straight lines and parabolas in place of smooth curves."""

from __future__ import annotations

from .language import Exact, fma
from .pairs import fast_two_sum
from .pieces import clip, finite_where, inside, one, zero
from .registry import activation

# One rounding, of a result whose lower digits are known.
_EXACT = {"float32": 0.5, "float64": 0.5}
_NEARLY = {"float32": 0.51, "float64": 0.51}

_THIRD = Exact("0.33333333333333333333333333333333333333333333333333333")
_SIXTH = Exact("0.16666666666666666666666666666666666666666666666666667")


@activation(aliases=("hard_tanh",), domain=(-2, 2), ulp=_EXACT)
def hardtanh(x, min_val=-1.0, max_val=1.0):
    """min(max(x, min_val), max_val), which is max_val where min_val > max_val."""
    return clip(x, min_val, max_val)


@hardtanh.gradient(ulp=_EXACT)
def hardtanh_grad(x, min_val=-1.0, max_val=1.0):
    """1 for min_val < x < max_val, else 0."""
    return inside(x, min_val, max_val)


@hardtanh.second_gradient(ulp=_EXACT)
def hardtanh_grad2(x, min_val=-1.0, max_val=1.0):
    """0."""
    return zero(x)


@hardtanh.gradient_from_output(ulp=_EXACT)
def hardtanh_grad_from_output(y, min_val=-1.0, max_val=1.0):
    """1 for min_val < y < max_val, else 0."""
    return inside(y, min_val, max_val)


@hardtanh.parameter_gradient("min_val", ulp=_EXACT)
def hardtanh_grad_min_val(x, min_val=-1.0, max_val=1.0):
    """1 for x <= min_val < max_val, else 0."""
    below = 1 if x <= min_val else zero(x)
    return below if min_val < max_val else zero(x)


@hardtanh.parameter_gradient("max_val", ulp=_EXACT)
def hardtanh_grad_max_val(x, min_val=-1.0, max_val=1.0):
    """1 for max(x, min_val) >= max_val, else 0."""
    above = 1 if x >= max_val else zero(x)
    return above if min_val < max_val else one(x)


@activation(aliases=("hard_sigmoid",), domain=(-4, 4), ulp=_EXACT)
def hardsigmoid(x, slope=1 / 6, offset=0.5):
    """slope·x + offset between 0 and 1."""
    return clip(fma(slope, finite_where(slope, x), offset), 0, 1)


@hardsigmoid.gradient(ulp=_EXACT)
def hardsigmoid_grad(x, slope=1 / 6, offset=0.5):
    """slope for 0 < slope·x + offset < 1, else 0."""
    return slope * hardsigmoid_grad_offset(x, slope, offset)


@hardsigmoid.second_gradient(ulp=_EXACT)
def hardsigmoid_grad2(x, slope=1 / 6, offset=0.5):
    """0."""
    return zero(x)


@hardsigmoid.gradient_from_output(ulp=_EXACT)
def hardsigmoid_grad_from_output(y, slope=1 / 6, offset=0.5):
    """slope for 0 < y < 1, else 0."""
    return slope * inside(y, 0, 1)


@hardsigmoid.parameter_gradient("slope", ulp=_EXACT)
def hardsigmoid_grad_slope(x, slope=1 / 6, offset=0.5):
    """x for 0 < slope·x + offset < 1, else 0."""
    return zero(x) if hardsigmoid_grad_offset(x, slope, offset) == 0 else x


@hardsigmoid.parameter_gradient("offset", ulp=_EXACT)
def hardsigmoid_grad_offset(x, slope=1 / 6, offset=0.5):
    """1 for 0 < slope·x + offset < 1, else 0."""
    near = finite_where(slope, x)
    below = fma(slope, near, offset)
    # A sum just below 1 may round to 1; what is missing from it does not round to 0.
    from_one, low = fast_two_sum(-1, offset)
    to_one = fma(-slope, near, -from_one) - low
    least = below if below < to_one else to_one
    return 1 if least > 0 else zero(least)


@activation(
    aliases=("hard_swish", "hard_silu"), domain=(-4, 4), ulp={"float32": 2.0, "float64": 2.0}
)
def hardswish(x):
    """x·min(max(x + 3, 0), 6)/6."""
    s = x + 3
    # Three roundings.
    y = x * fma(s, _SIXTH.hi, s * _SIXTH.lo)
    return x if x >= 3 else (-0.0 if x <= -3 else y)


@hardswish.gradient(ulp=_NEARLY)
def hardswish_grad(x):
    """(2x + 3)/6 for -3 < x < 3, 0 below and 1 above."""
    d, d_low = fast_two_sum(1.5, x)
    y = fma(d, _THIRD.hi, fma(d, _THIRD.lo, d_low * _THIRD.hi))
    return 1 if x >= 3 else (0 if x <= -3 else y)


@hardswish.second_gradient(ulp=_NEARLY)
def hardswish_grad2(x):
    """1/3 for -3 < x < 3, else 0."""
    return _THIRD.hi * inside(x, -3, 3)


@activation(domain=(-2, 2), ulp=_EXACT)
def sparse_sigmoid(x):
    """(x + 1)/2 between 0 and 1."""
    return clip(fma(x, 0.5, 0.5), 0, 1)


@sparse_sigmoid.gradient(ulp=_EXACT)
def sparse_sigmoid_grad(x):
    """1/2 for -1 < x < 1, else 0."""
    return 0.5 * inside(x, -1, 1)


@sparse_sigmoid.second_gradient(ulp=_EXACT)
def sparse_sigmoid_grad2(x):
    """0."""
    return zero(x)


@activation(domain=(-2, 2), ulp=_NEARLY)
def sparse_plus(x):
    """(x + 1)²/4 for -1 < x < 1, 0 below and x above."""
    # 1/2 is a multiple of an ULP of any |x/2| <= 1/2.
    h, h_low = fast_two_sum(0.5, 0.5 * x)
    y = fma(h, h, 2 * h * h_low)
    return x if x >= 1 else (0 if x <= -1 else y)


@sparse_plus.gradient(ulp=_EXACT)
def sparse_plus_grad(x):
    """(x + 1)/2 between 0 and 1."""
    return sparse_sigmoid(x)


@sparse_plus.second_gradient(ulp=_EXACT)
def sparse_plus_grad2(x):
    """1/2 for -1 < x < 1, else 0."""
    return sparse_sigmoid_grad(x)
