r"""The words that a formula of your own may use, beside the activations; see `fastcpuact.define`.

=============================  ====================================================================
words                          what they are
=============================  ====================================================================
exp, expm1, log, log1p         exponentials and logarithms
sigmoid, tanh                  1/(1 + e^-x), the hyperbolic tangent
sin, cos                       of x in radians
erf, normal_cdf                the error function, the normal distribution function Φ
normal_density                 its density
sqrt, fabs, copysign           √x, \|x\|, \|x\| with the sign of y
minimum, maximum, clip         clip(x, low, high); NaN stays NaN
fma                            fma(x, y, z) = x·y + z, rounded once
polynomial                     polynomial(x, (c0, c1, c2)) = c0 + c1·x + c2·x²
finite_where                   finite_where(factor, x): x, or 0 where factor is 0, for a product of
                               both whose limit is 0 where x is infinite
formula                        decorator of a function that formulas may call
per_precision                  a constant or a formula that differs between float32 and float64
Exact                          a constant by its digits; ``.hi`` is it rounded, ``.lo`` the rest
=============================  ====================================================================

Activations and their gradients are words too: ``act.tanh(x)``, ``act.silu.grad(x)``,
``act.elu(x, alpha=0.5)``.
"""

from .formulas.exponentials import exponential as exp
from .formulas.general import (
    cos,
    erf,
    expm1,
    log,
    log1p,
    maximum,
    minimum,
    normal_cdf,
    normal_density,
    sin,
)
from .formulas.language import (
    Exact,
    copysign,
    fabs,
    fma,
    formula,
    per_precision,
    polynomial,
    sqrt,
)
from .formulas.pieces import clip, finite_where
from .formulas.sigmoids import sigmoid, tanh

__all__ = [
    "Exact",
    "clip",
    "copysign",
    "cos",
    "erf",
    "exp",
    "expm1",
    "fabs",
    "finite_where",
    "fma",
    "formula",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "normal_cdf",
    "normal_density",
    "per_precision",
    "polynomial",
    "sigmoid",
    "sin",
    "sqrt",
    "tanh",
]
