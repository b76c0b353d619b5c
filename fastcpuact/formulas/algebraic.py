"""Algebraic functions: of square roots and quotients, without an exponential."""

from __future__ import annotations

from .language import copysign, fabs, fma, formula, per_precision, sqrt
from .pairs import quotient, two_sum
from .pieces import zero
from .registry import activation

# Beyond it 1/t² is 0, and the arithmetic of pairs does not overflow below it.
FAR = per_precision(float32=2.0**120, float64=2.0**1000)
LARGEST = per_precision(float32=(2 - 2.0**-23) * 2.0**127, float64=(2 - 2.0**-52) * 2.0**1023)

# Where b is not between _SMALL and _HUGE, √(x² + b) is scaled up or down.  What is scaled neither
# over- nor underflows up to the limit, and beyond it the root is |x|.
_SMALL = per_precision(float32=2.0**-100, float64=2.0**-900)
_HUGE = per_precision(float32=2.0**90, float64=2.0**900)
_UP = per_precision(float32=2.0**70, float64=2.0**500)
_OVER_UP = per_precision(float32=2.0**-70, float64=2.0**-500)
_DOWN = per_precision(float32=2.0**-50, float64=2.0**-400)
_OVER_DOWN = per_precision(float32=2.0**50, float64=2.0**400)
_LIMIT = per_precision(float32=2.0**60, float64=2.0**500)

# 1 + t² is t² beyond it.
_LARGE = per_precision(float32=2.0**16, float64=2.0**30)


@formula
def not_far(t):
    """t between -FAR and FAR; keeps NaN."""
    return copysign(FAR, t) if fabs(t) > FAR else t


@formula
def inverse_of_one_and(t, t_low):
    """(r, r_low): 1/(1 + t + t_low)."""
    d, d_low = two_sum(1, t)
    r = 1 / d
    return r, r * fma(-r, d_low + t_low, fma(-r, d, 1))


@inverse_of_one_and.fast
def inverse_of_one_and_fast(t, t_low):
    """The same without low parts."""
    return 1 / (1 + t), -0.0


@activation(domain=(-20, 20), ulp={"float32": 0.51, "float64": 0.51})
def softsign(x):
    """x/(1 + |x|)."""
    t = not_far(fabs(x))
    d, d_low = two_sum(1, t)
    return copysign(quotient(t, -0.0, d, d_low), x)


@softsign.gradient(ulp={"float32": 1.0, "float64": 1.0})
def softsign_grad(x):
    """1/(1 + |x|)²."""
    r, r_low = inverse_of_one_and(not_far(fabs(x)), -0.0)
    return fma(r, r, 2 * r * r_low)


@softsign.second_gradient(ulp={"float32": 2.0, "float64": 2.0})
def softsign_grad2(x):
    """-2·sign(x)/(1 + |x|)³, at 0 that of the left side."""
    r, r_low = inverse_of_one_and(not_far(fabs(x)), -0.0)
    y = 2 * r * r * fma(3, r_low, r)
    return -y if x > 0 else y


@softsign.gradient_from_output(ulp={"float32": 0.51, "float64": 0.51})
def softsign_grad_from_output(y):
    """(1 - |y|)²."""
    d, d_low = two_sum(1, -fabs(y))
    return fma(d, d, 2 * d * d_low)


@formula
def root_of_sum(t, c):
    """(s, root, e): s = t² + c, whose root is root + e/(2·root)."""
    s = fma(t, t, c)
    root = sqrt(s)
    return s, root, fma(-root, root, s)


@root_of_sum.fast
def root_of_sum_fast(t, c):
    """The same without e."""
    s = fma(t, t, c)
    return s, sqrt(s), -0.0


@formula
def root_of_pair(t, c):
    """(s, s_low, root, e): the same for s + s_low = t² + c."""
    square = t * t
    s, rest = two_sum(square, c)
    s_low = rest + fma(t, t, -square)
    root = sqrt(s)
    return s, s_low, root, fma(-root, root, s) + s_low


@formula
def finite_size(x):
    """|x|, or the largest number for infinity; keeps NaN."""
    t = fabs(x)
    return LARGEST if t > LARGEST else t


@formula
def left_half(n, t, c, limit):
    """n/(s + t·√s), s = t² + c, for finite t; above the limit n/(2t²)."""
    s, root, e = root_of_sum(t, c)
    sum_ = fma(t, root, s)
    d = (1 if t == 0 else t) if t > limit else sum_
    inverse = 1 / d
    # 1/root is (root + t)/d.
    sum_low = fma(0.5 * e, (root + t) * inverse * t, fma(t, root, s - sum_))
    y = n * inverse
    remainder = fma(-y, -0.0 if t > limit else sum_low, fma(-y, d, n))
    ratio = fma(remainder, inverse, y)
    return 0.5 * ratio * inverse if t > limit else ratio


@left_half.fast
def left_half_fast(n, t, c, limit):
    """The same without low parts."""
    s = fma(t, t, c)
    y = n / ((1 if t == 0 else t) if t > limit else fma(t, sqrt(s), s))
    return 0.5 * y / t if t > limit else y


@formula
def scaled(x, b):
    """(t, c, scale, limit): t = scale·|x|, c = scale²·b; see _LIMIT, it is -1 for b = 0."""
    size = fabs(b)
    scale = _UP if size < _SMALL else (_DOWN if size > _HUGE else 1)
    return scale * fabs(x), scale * b * scale, scale, _LIMIT if b != 0 else -1


@activation(domain=(-20, 20), ulp={"float32": 1.5, "float64": 1.5})
def squareplus(x, b=4.0):
    """(x + √(x² + b))/2."""
    t, c, scale, limit = scaled(x, b)
    _s, root, e = root_of_sum(t, c)
    h, rest = two_sum(root, t)
    # A quarter of t, whose inverse is no subnormal number.
    inverse = 1 / ((1 if t == 0 else 0.25 * t) if t > limit else h)
    # 1/root is about (1 + w)(1 + w²)/h, w = t/h.
    w = t * inverse
    h_low = fma(0.5 * e, inverse * (1 + w) * fma(w, w, 1), rest)
    # For x < 0 b/2 over the sum, which does not cancel.
    n = (0.0625 if t > limit else 0.5) * c
    y = n * inverse
    near = fma(fma(-y, h_low, fma(-y, h, n)), inverse, y)
    unscale = _OVER_UP if scale > 1 else (_OVER_DOWN if scale < 1 else 1)
    left = (y if t > limit else near) * unscale
    right = x if t > limit else 0.5 * (h + h_low) * unscale
    return left if x < 0 else right


@squareplus.gradient(ulp={"float32": 2.0, "float64": 1.9})
def squareplus_grad(x, b=4.0):
    """(1 + x/√(x² + b))/2."""
    t, c, _scale, limit = scaled(x, b)
    left = left_half(0.5 * c, finite_size(t), c, limit)
    return 1 - left if x > 0 else left


@squareplus.second_gradient(ulp={"float32": 2.8, "float64": 2.8})
def squareplus_grad2(x, b=4.0):
    """b/2/√(x² + b)³."""
    t, c, scale, limit = scaled(x, b)
    _s, _s_low, root, e = root_of_pair(t, c)
    r = 1 / (fabs(x) if t > limit else root)
    # The larger factors first: no product is smaller than the last.
    n = b if t > limit else c
    factor = 0.5 * r * (1 if t > limit else scale)
    y = (n if n > 1 else 1) * r * r * factor * (1 if n > 1 else n)
    near = fma(y, 3 * fma(-0.5 * e * r, r, fma(-r, root, 1)), y)
    return (y if t > limit else near) if b != 0 else zero(x)


@squareplus.parameter_gradient("b", ulp={"float32": 1.1, "float64": 1.1})
def squareplus_grad_b(x, b=4.0):
    """1/4/√(x² + b)."""
    t, c, scale, limit = scaled(x, b)
    _s, root, e = root_of_sum(t, c)
    r = 1 / (fabs(x) if t > limit else root)
    near = fma(r, fma(-0.5 * e * r, r, fma(-r, root, 1)), r) * scale
    return 0.25 * (r if t > limit else near)


@activation(domain=(-20, 20), ulp={"float32": 1.6, "float64": 1.6})
def dish(x):
    """x/2·(x/√(1 + x²) + 1)."""
    t = finite_size(x)
    tail = left_half(0.5 * t, t, 1, _LIMIT)
    left = -tail if x >= -LARGEST else (-0.0 if x < 0 else x)
    return x - tail if x >= 0 else left


@formula
def dish_slope(t):
    """dish'(-t) = (1 - t² - t⁴)/(2s·(s + t·√s)·(1 + t·√s)), s = 1 + t², for 0 <= t <= _LARGE."""
    s, s_low, root, e = root_of_pair(t, 1)
    product = t * root
    d = s + product
    h = 1 + product
    dh = d * h
    denominator = 2 * s * dh
    inverse = 1 / denominator
    # √s is root + e/(2·root), and 1/root is root/s.
    product_low = fma(t, root, -product) + t * (e * root * (dh * inverse))
    d_low = ((s - d) + product) + (s_low + product_low)
    _h, h_rest = two_sum(1, product)
    h_low = h_rest + product_low
    dh_low = fma(d, h, -dh) + fma(d, h_low, d_low * h)
    half = s * dh
    half_low = fma(s, dh, -half) + fma(s, dh_low, s_low * dh)
    square = t * t
    square_low = fma(t, t, -square)
    p = square * s
    p_low = fma(square, s, -p) + fma(square, s_low, square_low * s)
    n, n_rest = two_sum(1, -p)
    n_low = n_rest - p_low
    y = n * inverse
    remainder = fma(-2 * y, half_low, fma(-2 * y, half, n)) + n_low
    return fma(remainder, inverse, y)


@dish.gradient(ulp={"float32": 2.0, "float64": 2.0})
def dish_grad(x):
    """1/2 + x·(x² + 2)/(2·(1 + x²)^(3/2))."""
    t = fabs(x)
    far = 0.5 / t
    near = dish_slope(_LARGE if t > _LARGE else t)
    y = -(far * far) if t > _LARGE else near
    return 1 - y if x > 0 else y


@dish.second_gradient(ulp={"float32": 3.4, "float64": 3.4})
def dish_grad2(x):
    """(2 - x²)/(2·(1 + x²)^(5/2))."""
    t = fabs(x)
    near = _LARGE if t > _LARGE else t
    s, s_low, root, e = root_of_pair(near, 1)
    d = 2 * s * s * root
    inverse = 1 / d
    n = fma(-near, near, 2)
    y = n * inverse
    # The denominator lacks 2·s_low/s and e/(2s) of itself.
    low = fma(4, s_low, e) * (s * root * inverse)
    rest = fma(-y, d, n) * inverse
    r = 1 / t
    return r * r * r * -0.5 if t > _LARGE else y + fma(-y, low, rest)
