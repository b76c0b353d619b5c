"""Ball arithmetic: functions of a ball or of a power series of balls, and precision as needed.

Every operation of Arb encloses its exact result, so an expression evaluated in it comes with a
proven bound of its error; evaluated on a power series, with derivatives proven likewise. What
cancels only widens the ball, and is computed again with more bits.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

from flint import arb, arb_series, ctx, fmpq

T = TypeVar("T")
# A number or its power series in the variable of differentiation.
Ball = Any

# Bits of the first attempt, which suffices where nothing cancels, and of the last.
FIRST_PRECISION = 128
LAST_PRECISION = 2**20
# A radius below 2**-20 ULP of float64 is of no account; ULP are those of subnormals at the least.
RELATIVE_BITS = 53 + 20
LEAST_RADIUS = arb((1, -1074 - 20))


class UndecidedError(ArithmeticError):
    """A comparison needs more bits than there are."""


@contextmanager
def precision(bits: int, terms: int = 1) -> Iterator[None]:
    """Compute with `bits`, and with `terms` coefficients of a power series."""
    before = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits, terms
    try:
        yield
    finally:
        ctx.prec, ctx.cap = before


def is_sharp(y: arb) -> bool:
    """Whether the radius of a ball is far below an ULP."""
    return y.rel_accuracy_bits() > RELATIVE_BITS or y.rad() < LEAST_RADIUS


def sharply(
    function: Callable[..., T],
    operands: Sequence[tuple[Any, ...]],
    *,
    terms: int = 1,
    enough: Callable[[T], bool],
) -> list[T]:
    """Evaluate `function` for each tuple of exact operands, with the bits that are enough."""
    values: list[Any] = [None] * len(operands)
    pending: Sequence[int] = range(len(operands))
    bits = FIRST_PRECISION
    while pending:
        if bits > LAST_PRECISION:
            raise ArithmeticError(f"{function} is not determined at {operands[pending[0]]}")
        again = []
        with precision(bits, terms):
            for i in pending:
                try:
                    y = function(*operands[i])
                except UndecidedError:
                    again.append(i)
                    continue
                if enough(y):
                    values[i] = y
                else:
                    again.append(i)
        pending, bits = again, 2 * bits
    return values


def coefficient(y: Ball, k: int) -> arb:
    """The coefficient of a power series; a number is a constant series."""
    if isinstance(y, arb_series):
        return y[k]
    return arb(y) if k == 0 else arb(0)


def exceeds(x: Ball, bound: Ball) -> bool:
    """Whether x > bound, by which a function chooses its piece."""
    x, bound = coefficient(x, 0), coefficient(bound, 0)
    if x > bound:
        return True
    if x <= bound:
        return False
    raise UndecidedError


def looks_negative(x: Ball) -> bool:
    """Choose between two forms of one expression, either of which would do."""
    return float(coefficient(x, 0)) < 0


def constant(make: Callable[[], arb]) -> Callable[[], arb]:
    """Compute a constant once for each precision."""
    at_precision = lru_cache(maxsize=None)(lambda bits: make())
    return lambda: at_precision(ctx.prec)


def ball(x: Fraction) -> arb:
    """A rational number."""
    return arb(fmpq(x.numerator, x.denominator))


pi = constant(arb.pi)
half_sqrt2 = constant(lambda: arb(2).sqrt() / 2)


def _with_constant(value: arb, series: arb_series) -> arb_series:
    return arb_series([value, *series.coeffs()[1:]])


def exp(x: Ball) -> Ball:
    """e^x."""
    return x.exp()


def expm1(x: Ball) -> Ball:
    """e^x - 1."""
    if isinstance(x, arb_series):
        return _with_constant(x[0].expm1(), x.exp())
    return x.expm1()


def log1p(x: Ball) -> Ball:
    """log(1 + x)."""
    if isinstance(x, arb_series):
        return _with_constant(x[0].log1p(), (1 + x).log())
    return x.log1p()


def absolute(x: Ball) -> Ball:
    """|x|; the left piece at 0."""
    return x if exceeds(x, 0) else -x


def log1p_exp(x: Ball) -> Ball:
    """log(1 + e^x)."""
    # Growing exponentials of huge arguments are representable, but need a thousand bits.
    if looks_negative(x):
        return log1p(exp(x))
    return x + log1p(exp(-x))


def normal_cdf(x: Ball) -> Ball:
    """Φ(x), the distribution function of the standard normal."""
    return (-half_sqrt2() * x).erfc() / 2


def erf(x: Ball) -> Ball:
    """The error function."""
    return x.erf()


def sin(x: Ball) -> Ball:
    """The sine."""
    return x.sin()


def sqrt(x: Ball) -> Ball:
    """The square root."""
    return x.sqrt()
