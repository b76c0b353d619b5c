"""Every activation by its definition, and what is known of it beside its values.

A definition is an expression that is evaluated on balls for values and on power series of balls for
derivatives with respect to x and to every parameter: none of these is written down. At a kink the
piece that the definition chooses decides.

`DEFINITIONS` has them by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from inspect import signature
from math import inf
from types import MappingProxyType
from typing import Any

import numpy as np

from .balls import (
    Ball,
    absolute,
    ball,
    constant,
    erf,
    exceeds,
    exp,
    expm1,
    log1p_exp,
    looks_negative,
    normal_cdf,
    pi,
    sin,
    sqrt,
)

Params = dict[str, Any]
Interval = tuple[Any, Any]

# Parities by curve.
ODD = {"value": -1, "grad": 1, "grad2": -1}
EVEN = {"value": 1, "grad": -1, "grad2": 1}
EVEN_SLOPE = {"grad": 1, "grad2": -1}  # f is odd but for a constant
EVEN_CURVATURE = {"grad2": 1}  # f is even but for a straight line


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of an activation with given parameters, each of its curves by name.

    Attributes
    ----------
    kinks
        Where f' jumps or f has corners, with f' there by convention.
    image
        The closed interval that no result may leave.
    rising, falling
        The curves that never decrease, and those that never increase.
    parity
        1 for even and -1 for odd curves. At a kink it need not hold.
    limits
        At -inf and inf where they are a matter of convention; None for none.
    landmarks
        Inputs to look at, beside kinks, sign changes, and the ends of the normal numbers.
    scales
        Functions of x and the parameters: where a curve is smaller than its scale, errors count in
        ULP of the scale.
    """

    kinks: tuple[tuple[Any, Any], ...] = ()
    image: Mapping[str, Interval] = field(default_factory=dict)
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()
    parity: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    landmarks: tuple[float, ...] = ()
    scales: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


@dataclass(eq=False)
class Definition:
    """An activation.

    Attributes
    ----------
    value
        f, a function of x and the parameters.
    surrogate
        What stands for f', where that is not the derivative.
    from_output
        f'(x) as a function of y = f(x) and the parameters.
    determined
        Whether y determines f'(x), by parameters.
    facts
        By parameters.
    cases
        Parameters to test, beside the defaults.
    ranges
        Parameters to draw: uniformly, or with uniform logarithm if the range is positive.
    """

    value: Callable[..., Ball]
    cases: tuple[Params, ...]
    ranges: Mapping[str, tuple[float, float]]
    facts: Callable[..., Facts]
    surrogate: Callable[..., Ball] | None = None
    from_output: Callable[..., Ball] | None = None
    determined: Callable[..., Any] = lambda **params: True

    def __call__(self, *operands: Ball) -> Ball:
        """Stand for the value in other definitions."""
        return self.value(*operands)

    @property
    def name(self) -> str:
        """The name of the activation."""
        return self.value.__name__

    @property
    def params(self) -> Mapping[str, float | None]:
        """Parameters and their defaults; None is for required ones."""
        _, *params = signature(self.value).parameters.values()
        return MappingProxyType(
            {p.name: None if p.default is p.empty else p.default for p in params}
        )

    def gradient(self, surrogate: Callable[..., Ball]) -> Callable[..., Ball]:
        """Declare what stands for f'."""
        self.surrogate = surrogate
        return surrogate

    def gradient_from_output(self, from_output: Callable[..., Ball]) -> Callable[..., Ball]:
        """Declare f'(x) as a function of y."""
        self.from_output = from_output
        return from_output


DEFINITIONS: dict[str, Definition] = {}


def definition(
    *cases: Params,
    facts: Facts | Callable[..., Facts],
    ranges: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    determined: Callable[..., Any] = lambda **params: True,
) -> Callable[[Callable[..., Ball]], Definition]:
    """Enter the decorated expression of x and the parameters, and what is known of it."""

    def enter(value: Callable[..., Ball]) -> Definition:
        of_params = (lambda **params: facts) if isinstance(facts, Facts) else facts
        made = Definition(value, cases, ranges, of_params, determined=determined)
        DEFINITIONS[made.name] = made
        return made

    return enter


def always(condition: Any) -> bool:
    """Whether a condition holds for all of the parameters."""
    return bool(np.all(condition))


def those(**curves: Any) -> tuple[str, ...]:
    """Names of the curves for which the condition holds for all of the parameters."""
    return tuple(name for name, condition in curves.items() if always(condition))


# Straight lines.


@definition(facts=Facts(parity=ODD, rising=("value",), image={"grad": (1, 1)}))
def identity(x: Ball) -> Ball:
    """x."""
    return x


@definition(
    {"at_zero": 0.5},
    {"at_zero": 1.0},
    ranges={"at_zero": (0, 1)},
    facts=lambda at_zero: Facts(
        kinks=((0, 0),),
        image={"value": (np.minimum(at_zero, 0), np.maximum(at_zero, 1)), "grad": (0, 0)},
        rising=those(value=(at_zero >= 0) & (at_zero <= 1)),
        parity=EVEN_SLOPE,
    ),
)
def step(x: Ball, at_zero: Ball = 0.0) -> Ball:
    """0 below 0, at_zero there, 1 above."""
    if exceeds(x, 0):
        return 1
    return 0 if exceeds(0, x) else at_zero


@definition(
    facts=Facts(
        kinks=((0, 0),),
        image={"value": (0, inf), "grad": (0, 1)},
        rising=("value", "grad"),
    )
)
def relu(x: Ball) -> Ball:
    """max(x, 0)."""
    return x if exceeds(x, 0) else 0


@relu.gradient_from_output
def _(y: Ball) -> Ball:
    return 1 if exceeds(y, 0) else 0


@definition(
    facts=Facts(kinks=((0, 0), (6, 0)), image={"value": (0, 6), "grad": (0, 1)}, rising=("value",))
)
def relu6(x: Ball) -> Ball:
    """min(max(x, 0), 6)."""
    if exceeds(x, 0):
        return x if exceeds(6, x) else 6
    return 0


@relu6.gradient_from_output
def _(y: Ball) -> Ball:
    return 1 if exceeds(y, 0) and exceeds(6, y) else 0


@definition(
    facts=Facts(
        kinks=((0, 0),),
        image={"value": (0, inf), "grad": (0, inf), "grad2": (0, 2)},
        rising=("value", "grad", "grad2"),
    )
)
def relu_squared(x: Ball) -> Ball:
    """max(x, 0)²."""
    return x * x if exceeds(x, 0) else 0


def _two_lines(slope: Any) -> Facts:
    return Facts(
        kinks=((0, slope),),
        image={"grad": (np.minimum(slope, 1), np.maximum(slope, 1))},
        rising=those(value=slope >= 0, grad=slope <= 1),
    )


@definition(
    {"negative_slope": 0.2},
    {"negative_slope": 0.0},
    {"negative_slope": -1.5},
    ranges={"negative_slope": (-2, 2)},
    determined=lambda negative_slope: negative_slope >= 0,
    facts=lambda negative_slope: _two_lines(negative_slope),
)
def leaky_relu(x: Ball, negative_slope: Ball = 0.01) -> Ball:
    """x above 0, negative_slope·x elsewhere."""
    return x if exceeds(x, 0) else negative_slope * x


@leaky_relu.gradient_from_output
def _(y: Ball, negative_slope: Ball) -> Ball:
    return 1 if exceeds(y, 0) else negative_slope


@definition(
    {"weight": 0.0},
    {"weight": -0.7},
    {"weight": 3.0},
    ranges={"weight": (-2, 2)},
    facts=lambda weight: _two_lines(weight),
)
def prelu(x: Ball, weight: Ball = 0.25) -> Ball:
    """x above 0, weight·x elsewhere."""
    return x if exceeds(x, 0) else weight * x


@definition(
    facts=Facts(
        kinks=((-3, 0), (3, 1)),
        parity=EVEN_CURVATURE,
        limits={"value": (-0.0, inf)},  # the sign is that of x times no negative number
    )
)
def hardswish(x: Ball) -> Ball:
    """x·relu6(x + 3)/6."""
    if exceeds(x, -3):
        return x * (x + 3) / 6 if exceeds(3, x) else x
    return 0


def _hardsigmoid_facts(slope: Any, offset: Any) -> Facts:
    edges = [-offset / slope, (1 - offset) / slope]
    scalar = np.ndim(slope) == np.ndim(offset) == 0
    return Facts(
        kinks=tuple(
            (edge, 0)
            for edge, height in zip(edges, (0, 1), strict=True)
            if scalar and Fraction(edge) * Fraction(slope) + Fraction(offset) == height
        ),
        image={"value": (0, 1), "grad": (np.minimum(slope, 0), np.maximum(slope, 0))},
        rising=those(value=slope >= 0),
        falling=those(value=slope <= 0),
        landmarks=tuple(edges) if scalar else (),
    )


@definition(
    {"slope": 0.2},
    {"slope": 0.25, "offset": 0.5},
    {"slope": 1.0, "offset": 0.0},
    ranges={"slope": (0.01, 2), "offset": (-1, 2)},
    facts=_hardsigmoid_facts,
)
def hardsigmoid(x: Ball, slope: Ball = 1 / 6, offset: Ball = 0.5) -> Ball:
    """slope·x + offset, clipped to [0, 1]."""
    line = slope * x + offset
    if exceeds(line, 0):
        return line if exceeds(1, line) else 1
    return 0


@hardsigmoid.gradient_from_output
def _(y: Ball, slope: Ball, offset: Ball) -> Ball:
    return slope if exceeds(y, 0) and exceeds(1, y) else 0


@definition(
    {"min_val": -2.0, "max_val": 0.5},
    {"min_val": 0.0, "max_val": 6.0},
    {"min_val": -0.1, "max_val": 0.1},
    ranges={"min_val": (-8, 0), "max_val": (0, 8)},
    facts=lambda min_val, max_val: Facts(
        kinks=((min_val, 0), (max_val, 0)),
        image={"value": (min_val, max_val), "grad": (0, 1)},
        rising=("value",),
        parity=ODD if always(min_val == -max_val) else {},
    ),
)
def hardtanh(x: Ball, min_val: Ball = -1.0, max_val: Ball = 1.0) -> Ball:
    """x, clipped to [min_val, max_val]."""
    if exceeds(x, min_val):
        return x if exceeds(max_val, x) else max_val
    return min_val


@hardtanh.gradient_from_output
def _(y: Ball, min_val: Ball, max_val: Ball) -> Ball:
    return 1 if exceeds(y, min_val) and exceeds(max_val, y) else 0


def _shrink_facts(lambd: Any) -> Facts:
    return Facts(
        kinks=((-lambd, 0), (lambd, 0)), image={"grad": (0, 1)}, rising=("value",), parity=ODD
    )


@definition(
    {"lambd": 0.0},
    {"lambd": 1.5},
    ranges={"lambd": (0, 4)},
    facts=lambda lambd: _shrink_facts(lambd),
)
def softshrink(x: Ball, lambd: Ball = 0.5) -> Ball:
    """x moved towards 0 by lambd, which it does not pass."""
    if exceeds(x, lambd):
        return x - lambd
    return x + lambd if exceeds(-lambd, x) else 0


@definition(
    {"lambd": 0.0},
    {"lambd": 1.5},
    ranges={"lambd": (0, 4)},
    facts=lambda lambd: _shrink_facts(lambd),
)
def hardshrink(x: Ball, lambd: Ball = 0.5) -> Ball:
    """x where |x| > lambd, 0 elsewhere."""
    return x if exceeds(x, lambd) or exceeds(-lambd, x) else 0


@definition(
    {"threshold": 0.5, "value": -1.0},
    {"threshold": -2.0, "value": 3.0},
    {"threshold": 0.0, "value": 0.0},
    ranges={"threshold": (-4, 4), "value": (-4, 4)},
    facts=lambda threshold, value: Facts(
        kinks=((threshold, 0),),
        image={"grad": (0, 1), "grad_value": (0, 1)},
        rising=those(value=value <= threshold, grad=True),
        falling=("grad_value",),
    ),
)
def threshold(x: Ball, threshold: Ball, value: Ball) -> Ball:
    """x above threshold, value elsewhere."""
    return x if exceeds(x, threshold) else value


@definition(
    facts=Facts(
        kinks=((-1, 0), (1, 1)),
        image={"value": (0, inf), "grad": (0, 1), "grad2": (0, 0.5)},
        rising=("value", "grad"),
        parity=EVEN_CURVATURE,
    )
)
def sparse_plus(x: Ball) -> Ball:
    """0 up to -1, (x + 1)²/4, x from 1."""
    if exceeds(x, -1):
        return (x + 1) * (x + 1) / 4 if exceeds(1, x) else x
    return 0


@definition(
    facts=Facts(
        kinks=((-1, 0), (1, 0)),
        image={"value": (0, 1), "grad": (0, 0.5)},
        rising=("value",),
        parity=EVEN_SLOPE,
    )
)
def sparse_sigmoid(x: Ball) -> Ball:
    """(x + 1)/2, clipped to [0, 1]."""
    if exceeds(x, -1):
        return (x + 1) / 2 if exceeds(1, x) else 1
    return 0


# Sigmoids.


@definition(
    facts=Facts(image={"value": (0, 1), "grad": (0, 0.25)}, rising=("value",), parity=EVEN_SLOPE)
)
def sigmoid(x: Ball) -> Ball:
    """1/(1 + e^-x)."""
    # Both forms of it have decaying exponentials: see log1p_exp.
    if looks_negative(x):
        e = exp(x)
        return e / (1 + e)
    return 1 / (1 + exp(-x))


@sigmoid.gradient_from_output
def _(y: Ball) -> Ball:
    return y * (1 - y)


@definition(facts=Facts(image={"value": (-1, 1), "grad": (0, 1)}, rising=("value",), parity=ODD))
def tanh(x: Ball) -> Ball:
    """(e^x - e^-x)/(e^x + e^-x)."""
    if looks_negative(x):
        e = expm1(2 * x)
        return e / (2 + e)
    e = expm1(-2 * x)
    return -e / (2 + e)


@tanh.gradient_from_output
def _(y: Ball) -> Ball:
    return 1 - y * y


@definition(facts=Facts(image={"grad": (0, 1)}, rising=("value",), parity=ODD))
def tanhshrink(x: Ball) -> Ball:
    """x - tanh(x)."""
    return x - tanh(x)


@definition(facts=Facts(image={"value": (-1, 1), "grad": (0, 1)}, rising=("value",), parity=ODD))
def softsign(x: Ball) -> Ball:
    """x/(1 + |x|)."""
    return x / (1 + absolute(x))


@softsign.gradient_from_output
def _(y: Ball) -> Ball:
    rest = 1 - absolute(y)
    return rest * rest


@definition(
    facts=Facts(image={"value": (-inf, 0), "grad": (0, 1)}, rising=("value",), falling=("grad",))
)
def logsigmoid(x: Ball) -> Ball:
    """-log(1 + e^-x)."""
    return -log1p_exp(-x)


@logsigmoid.gradient_from_output
def _(y: Ball) -> Ball:
    return -expm1(y)


# Smooth and exponential rectifiers.


@definition(
    {"alpha": 0.3},
    {"alpha": 2.5},
    {"alpha": -0.5},
    ranges={"alpha": (0.1, 10)},
    determined=lambda alpha: alpha >= 0,
    facts=lambda alpha: Facts(
        kinks=((0, alpha),),
        image={
            "value": (np.minimum(-alpha, 0), inf),
            "grad": (np.minimum(alpha, 0), np.maximum(alpha, 1)),
            "grad_alpha": (-1, 0),
        },
        rising=those(value=alpha >= 0, grad=(alpha >= 0) & (alpha <= 1), grad_alpha=True),
    ),
)
def elu(x: Ball, alpha: Ball = 1.0) -> Ball:
    """x above 0, alpha·(e^x - 1) elsewhere."""
    return x if exceeds(x, 0) else alpha * expm1(x)


@elu.gradient_from_output
def _(y: Ball, alpha: Ball) -> Ball:
    return 1 if exceeds(y, 0) else y + alpha


@definition(
    {"alpha": 0.3},
    {"alpha": 2.5},
    ranges={"alpha": (0.1, 10)},
    determined=lambda alpha: alpha >= 0,
    facts=lambda alpha: Facts(
        kinks=((0, 1),),
        image={"value": (-alpha, inf), "grad": (0, 1)},
        rising=("value", "grad"),
    ),
)
def celu(x: Ball, alpha: Ball = 1.0) -> Ball:
    """x above 0, alpha·(e^(x/alpha) - 1) elsewhere."""
    return x if exceeds(x, 0) else alpha * expm1(x / alpha)


@celu.gradient_from_output
def _(y: Ball, alpha: Ball) -> Ball:
    return 1 if exceeds(y, 0) else 1 + y / alpha


SELU_LAMBDA = Fraction("1.0507009873554804934193349852946")
SELU_LAMBDA_ALPHA = SELU_LAMBDA * Fraction("1.6732632423543772848170429916717")
selu_lambda = constant(lambda: ball(SELU_LAMBDA))
selu_lambda_alpha = constant(lambda: ball(SELU_LAMBDA_ALPHA))


@definition(
    facts=Facts(
        kinks=((0, float(SELU_LAMBDA_ALPHA)),),
        image={
            "value": (-float(SELU_LAMBDA_ALPHA), inf),
            "grad": (0, float(SELU_LAMBDA_ALPHA)),
        },
        rising=("value",),
    )
)
def selu(x: Ball) -> Ball:
    """λ·x above 0, λ·α·(e^x - 1) elsewhere."""
    return selu_lambda() * x if exceeds(x, 0) else selu_lambda_alpha() * expm1(x)


@selu.gradient_from_output
def _(y: Ball) -> Ball:
    return selu_lambda() if exceeds(y, 0) else y + selu_lambda_alpha()


@definition(
    {"beta": 2.0},
    {"beta": 0.3},
    {"beta": 10.0},
    ranges={"beta": (0.05, 20)},
    facts=lambda beta: Facts(
        image={"value": (0, inf), "grad": (0, 1), "grad2": (0, beta / 4)},
        rising=("value", "grad"),
        parity=EVEN_CURVATURE | {"grad_beta": 1},
    ),
)
def softplus(x: Ball, beta: Ball = 1.0) -> Ball:
    """log(1 + e^(beta·x))/beta."""
    return log1p_exp(beta * x) / beta


@softplus.gradient_from_output
def _(y: Ball, beta: Ball) -> Ball:
    return -expm1(-beta * y)


@definition(
    {"b": 1.0},
    {"b": 0.01},
    {"b": 100.0},
    ranges={"b": (0.01, 100)},
    facts=lambda b: Facts(
        image={"value": (0, inf), "grad": (0, 1)},
        rising=("value", "grad"),
        parity=EVEN_CURVATURE | {"grad_b": 1},
    ),
)
def squareplus(x: Ball, b: Ball = 4.0) -> Ball:
    """(x + √(x² + b))/2."""
    return (x + sqrt(x * x + b)) / 2


@definition(
    facts=Facts(
        image=dict.fromkeys(("value", "grad", "grad2"), (0, inf)),
        rising=("value", "grad", "grad2"),
    )
)
def exponential(x: Ball) -> Ball:
    """e^x."""
    return exp(x)


@exponential.gradient_from_output
def _(y: Ball) -> Ball:
    return y


# x times a sigmoid.


@definition(facts=Facts(parity=EVEN_CURVATURE))
def silu(x: Ball) -> Ball:
    """x·σ(x)."""
    return x * sigmoid(x)


@definition(
    {"beta": 0.5},
    {"beta": 2.0},
    {"beta": -1.5},
    {"beta": 10.0},
    ranges={"beta": (0.05, 20)},
    facts=lambda beta: Facts(parity=EVEN_CURVATURE | {"grad_beta": 1}),
)
def swish(x: Ball, beta: Ball = 1.0) -> Ball:
    """x·σ(beta·x)."""
    return x * sigmoid(beta * x)


@definition(facts=Facts(parity=EVEN_CURVATURE))
def gelu(x: Ball) -> Ball:
    """x·Φ(x)."""
    return x * normal_cdf(x)


cubic = constant(lambda: ball(Fraction("0.044715")))
sqrt_8_over_pi = constant(lambda: (8 / pi()).sqrt())


@definition(facts=Facts(parity=EVEN_CURVATURE))
def gelu_tanh(x: Ball) -> Ball:
    """x·σ(2·√(2/π)·(x + 0.044715·x³))."""
    return x * sigmoid(sqrt_8_over_pi() * (x + cubic() * (x * x * x)))


gelu_sigmoid_slope = constant(lambda: ball(Fraction("1.702")))


@definition(facts=Facts(parity=EVEN_CURVATURE))
def gelu_sigmoid(x: Ball) -> Ball:
    """x·σ(1.702·x)."""
    return x * sigmoid(gelu_sigmoid_slope() * x)


@definition(facts=Facts())
def mish(x: Ball) -> Ball:
    """x·tanh(log(1 + e^x))."""
    return x * tanh(log1p_exp(x))


@definition(facts=Facts())
def serf(x: Ball) -> Ball:
    """x·erf(log(1 + e^x))."""
    return x * erf(log1p_exp(x))


@definition(facts=Facts(parity=EVEN_CURVATURE))
def dish(x: Ball) -> Ball:
    """x/2·(x/√(1 + x²) + 1)."""
    return x / 2 * (x / sqrt(1 + x * x) + 1)


# Others.


@definition(
    {"alpha": 0.3},
    {"alpha": 5.0},
    ranges={"alpha": (0.1, 10)},
    facts=lambda alpha: Facts(
        image={"grad": (0, 2)},
        rising=("value",),
        parity=EVEN_CURVATURE | {"grad_alpha": 1},
        # f' has no limit; that of the straight line is the convention.
        limits={"grad": (1.0, 1.0), "grad2": (None, None), "grad_alpha": (None, None)},
        # (x·sin(2αx) - sin²(αx)/α)/α has a zero in every half wave, where tan(αx) = 2αx.
        scales={"grad_alpha": lambda x, alpha: x / alpha},
        # Double zeros of f', where no sign changes.
        landmarks=tuple((k + 0.75) * np.pi / alpha for k in range(-4, 4))
        if np.ndim(alpha) == 0
        else (),
    ),
)
def snake(x: Ball, alpha: Ball = 1.0) -> Ball:
    """x + sin²(alpha·x)/alpha."""
    s = sin(alpha * x)
    return x + s * s / alpha


@definition(facts=Facts(image={"value": (0, 1)}, parity=EVEN))
def gaussian(x: Ball) -> Ball:
    """e^(-x²)."""
    return exp(-(x * x))


def _spike_facts(height: Any) -> Facts:
    return Facts(image={"value": (0, 1), "grad": (0, height)}, rising=("value",), parity=EVEN_SLOPE)


@definition(
    {"alpha": 0.7},
    {"alpha": 10.0},
    ranges={"alpha": (0.1, 50)},
    facts=lambda alpha: _spike_facts(alpha / 2),
)
def spike_atan(x: Ball, alpha: Ball = 2.0) -> Ball:
    """Step; the gradient is that of an arc tangent."""
    return step(x, 0)


@spike_atan.gradient
def _(x: Ball, alpha: Ball) -> Ball:
    t = pi() * alpha / 2 * x
    return alpha / 2 / (1 + t * t)


@definition(
    {"slope": 1.0},
    {"slope": 100.0},
    ranges={"slope": (0.5, 100)},
    facts=lambda slope: _spike_facts(1),
)
def spike_fast_sigmoid(x: Ball, slope: Ball = 25.0) -> Ball:
    """Step; the gradient is that of a softsign."""
    return step(x, 0)


@spike_fast_sigmoid.gradient
def _(x: Ball, slope: Ball) -> Ball:
    rest = 1 + slope * absolute(x)
    return 1 / (rest * rest)
