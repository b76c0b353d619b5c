"""Softplus and its relatives: the smooth maximum of 0 and x."""

from __future__ import annotations

from .coefficients import LN2, ROUND, SOFTPLUS
from .elementary import (
    LOWEST,
    ONE_STEP,
    STEP,
    STEP_DOWN,
    exp_pair_reduced,
    exp_parts_for_product,
    expm1_parts,
    log1p_low,
    log1p_rest,
    product_low,
)
from .language import exp2_shifted, fabs, fma, formula, per_precision, polynomial
from .pairs import fast_two_sum
from .registry import activation
from .sigmoids import sigmoid_grad, sigmoid_of_sum

# Where log(1 + e^-b) is less than half an ULP of b.
_END = per_precision(float32=18.0, float64=38.0)


@formula
def even_part(b):
    """log(1 + e^b) - log 2 - b/2 for |b| <= 3/4: an even function."""
    z = b * b
    even = polynomial(z, SOFTPLUS)
    return z * even


@formula
def log1p_exp_parts(b, low):
    """(v, f, g): log(1 + e^(b + low)) = v·f·g for b <= _END and low a rounding error of b.

    Neither b + low nor the result lose more than the last rounding, and what is added up before it
    is so much more precise than a step of b that the result never falls.
    """
    # Around 0 what the sum of log 2 and b/2 leaves out goes to the even part.
    line = fma(b, 0.5, LN2.hi)
    rest = fma(b, 0.5, LN2.hi - line) + fma(low, 0.5, LN2.lo)
    centre = line + (rest + even_part(b))
    # Elsewhere log(1 + e) = e + e·(log(1 + e)/e - 1), e = e^-|b|.
    t = fabs(b)
    above = LOWEST if -t < LOWEST else -t
    p, p_low, n = exp_pair_reduced(
        above, -low if b > 0 else low, ROUND + STEP if -t < ONE_STEP else ROUND
    )
    f = exp2_shifted(n)
    g = 0 if -t < LOWEST else (STEP_DOWN if -t < ONE_STEP else 1)
    power = f * g
    tail_low = log1p_low(p, p_low, power)
    total, total_low = fast_two_sum(b, p * power)
    right = total + fma(tail_low, power, total_low + low)
    inside = centre if fabs(b) < 0.75 else right
    # On the left the power of two waits, so that a quotient may be subnormal.
    return (
        p + tail_low if b <= -0.75 else inside,
        f if b <= -0.75 else 1,
        g if b <= -0.75 else 1,
    )


@activation(domain=(-20, 20), ulp={"float32": 1.8, "float64": 1.8})
def softplus(x, beta=1.0):
    """log(1 + e^(βx))/β = max(x, 0) + log(1 + e^-|βx|)/β."""
    b = beta * x
    v, f, g = log1p_exp_parts(b, product_low(beta, x, b))
    return x if b > _END else v / beta * f * g


@softplus.gradient(ulp={"float32": 2.0, "float64": 2.0})
def softplus_grad(x, beta=1.0):
    """σ(βx)."""
    b = beta * x
    return sigmoid_of_sum(b, product_low(beta, x, b))


@softplus.second_gradient(ulp={"float32": 3.7, "float64": 3.7})
def softplus_grad2(x, beta=1.0):
    """β·σ(βx)·σ(-βx) = β·e/(1+e)², e = e^-|βx|."""
    b = beta * x
    low = product_low(beta, x, b)
    # Times β before the last power of two makes it subnormal.
    q, f, g = exp_parts_for_product(-fabs(b), -low if b > 0 else low)
    part = fma(f, q, f)
    e = part * g
    y = part / fma(e, e + 2, 1)
    return beta * (0.25 if y > 0.25 else y) * g


@softplus.gradient_from_output(ulp={"float32": 1.2, "float64": 1.2})
def softplus_grad_from_output(y, beta=1.0):
    """1 - e^(-βy)."""
    b = beta * y
    q, a = expm1_parts(-b, -product_low(beta, y, b))
    return fma(-q, a, 1 - a)


@softplus.parameter_gradient("beta", ulp={"float32": 3.8, "float64": 3.8})
def softplus_grad_beta(x, beta=1.0):
    """(βx·σ(βx) - log(1 + e^(βx)))/β² = -(log(1 + e) + |βx|·e/(1+e))/β², e = e^-|βx|."""
    b = beta * x
    t = fabs(b)
    low = product_low(beta, x, b)
    q, f, g = exp_parts_for_product(-t, -low if b > 0 else low)
    e = fma(f, q, f) * g
    sigma = 1 / (1 + e)
    centre = fma(-0.5, t, LN2.hi) + even_part(b) + t * e * sigma
    # The sum over e, with t/(1+e) as t less a small part of it, which rounds little.
    total, total_low = fast_two_sum(t, 1)
    tail = total + fma(-t * e, sigma, log1p_rest(e) + total_low)
    inside = centre if t < 0.75 else (0 if t > -LOWEST else tail)
    y = inside / beta / beta
    return -y if t < 0.75 else -(fma(y, q, y) * f * g)


@activation(aliases=("log_sigmoid",), domain=(-20, 20), ulp={"float32": 1.0, "float64": 1.0})
def logsigmoid(x):
    """log σ(x) = -log(1 + e^-x)."""
    v, f, g = log1p_exp_parts(-x, 0)
    return x if x < -_END else -(v * f * g)


@logsigmoid.gradient(ulp={"float32": 1.8, "float64": 1.8})
def logsigmoid_grad(x):
    """σ(-x)."""
    return sigmoid_of_sum(-x, 0)


@logsigmoid.second_gradient(ulp={"float32": 2.5, "float64": 1.7})
def logsigmoid_grad2(x):
    """-σ(x)·σ(-x)."""
    return -sigmoid_grad(x)


@logsigmoid.gradient_from_output(ulp={"float32": 1.0, "float64": 1.0})
def logsigmoid_grad_from_output(y):
    """1 - e^y."""
    q, a = expm1_parts(y, -0.0)
    return fma(-q, a, 1 - a)
