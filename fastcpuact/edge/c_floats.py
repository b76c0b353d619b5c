"""Approximants in floating point in C: what `reference` computes, operation by operation."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ..emit.c99 import C99Printer, definition, number
from ..emit.reader import Reader
from ..formulas.language import PRECISIONS, Formula, Precision, formula
from ..formulas.pieces import clip
from .c_header import Function, Source, private
from .c_integers import array
from .floating import FloatApproximant
from .piecewise import PiecewisePolynomial
from .rationals import Rational
from .segments import Segments
from .symmetry import Tail
from .tables import LookupTable

_THIRD, _SIXTH = 1 / 3, 1 / 6


# The interpolations of `LookupTable`, from its nodes at p = 0, 1, ….


@formula
def line(p, v0, v1):
    """The straight line through two values."""
    return v0 + p * (v1 - v0)


@formula
def parabola(p, v0, v1, v2):
    """The parabola through three values, in Newton's form."""
    d1 = v1 - v0
    half = ((v2 - v1) - d1) * 0.5
    return v0 + p * (d1 + (p - 1) * half)


@formula
def cubic(p, v0, v1, v2, v3):
    """The cubic through four values, in Newton's form."""
    d1 = v1 - v0
    second = v2 - v1
    d2 = second - d1
    half = d2 * 0.5
    sixth = (((v3 - v2) - second) - d2) * _SIXTH
    return v0 + p * (d1 + (p - 1) * (half + (p - 2) * sixth))


# Its Taylor polynomials about a node with value y, at a distance r.


@formula
def tanh_quadratic(r, y):
    """tanh, by y' = 1 - y²."""
    d1 = 1 - y * y
    return y + r * (d1 + r * -(y * d1))


@formula
def tanh_cubic(r, y):
    """tanh, by y' = 1 - y²."""
    d1 = 1 - y * y
    return y + r * (d1 + r * (-(y * d1) + r * (d1 * (y * y - _THIRD))))


@formula
def sigmoid_quadratic(r, y):
    """The logistic function, by y' = y(1 - y)."""
    d1 = y * (1 - y)
    return y + r * (d1 + r * (d1 * (0.5 - y)))


@formula
def sigmoid_cubic(r, y):
    """The logistic function, by y' = y(1 - y)."""
    d1 = y * (1 - y)
    return y + r * (d1 + r * (d1 * (0.5 - y) + r * (d1 * (_SIXTH - d1))))


@formula
def exponential_quadratic(r, y):
    """The exponential function, by y' = y."""
    return y + r * (y + r * (y * 0.5))


@formula
def exponential_cubic(r, y):
    """The exponential function, by y' = y."""
    return y + r * (y + r * (y * 0.5 + r * (y * _SIXTH)))


_INTERPOLATIONS = {1: line, 2: parabola, 3: cubic}
_IDENTITIES: dict[tuple[str, int], Formula] = {
    ("tanh", 2): tanh_quadratic,
    ("tanh", 3): tanh_cubic,
    ("sigmoid", 2): sigmoid_quadratic,
    ("sigmoid", 3): sigmoid_cubic,
    ("exponential", 2): exponential_quadratic,
    ("exponential", 3): exponential_cubic,
}


def float_source(approximant: FloatApproximant, public: str) -> Source:
    """Return an approximant in C."""
    made = _Writer(approximant, private(public))
    return Source(
        title=f"{approximant.name}, as {approximant.method}",
        about=f"Certificate:\n{approximant.certificate}",
        input=approximant.dtype,
        output=approximant.dtype,
        text=made.text(),
        functions=[Function("", f"{made.prefix}value(x)", "f(x)", approximant)],
    )


class _Writer:
    """Writes the tables and functions of one approximant."""

    def __init__(self, approximant: FloatApproximant, prefix: str) -> None:
        self.approximant = approximant
        self.prefix = prefix
        self.precision: Precision = next(p for p in PRECISIONS if p.dtype == approximant.dtype.name)
        self.real = self.precision.c_type
        self.reader = Reader(self.precision)
        self.printer = C99Printer(prefix)
        self.tables: list[str] = []

    def text(self) -> str:
        """All of it; formulas are read while the functions that call them are written."""
        a = self.approximant
        if isinstance(a, LookupTable):
            core = self.table(a)
        elif isinstance(a, PiecewisePolynomial):
            core = self.piecewise(a)
        elif isinstance(a, Rational):
            core = self.rational(a)
        else:
            raise TypeError(f"{type(a).__name__} cannot be exported as C")
        if a.clipped:
            low, high = (self.number(end) for end in a.image)
            core.append(f"return {self.call(clip)}(y, {low}, {high});")
        else:
            core.append("return y;")
        functions = [
            self.function("core", "t", core, "The function between the ends of the domain."),
            self.function("value", "x", self.value(), "The function: core, symmetry and tails."),
        ]
        formulas = [self.printer.function(f) for f in self.reader.functions.values()]
        return "\n\n".join([*self.tables, *formulas, *functions])

    def function(self, name: str, argument: str, body: list[str], summary: str) -> str:
        """Write a function of one number."""
        text = "\n".join([self.printer.as_written, *body])
        params = [f"{self.real} {argument}"]
        return definition(self.real, self.prefix + name, params, text, summary)

    def number(self, value: Any) -> str:
        """Write a number, rounded to the working precision."""
        return number(float(self.approximant.dtype.type(value)), self.real)

    def call(self, formula: Formula) -> str:
        """Return the name of a formula, which is then printed."""
        return self.printer.callee(self.reader.read(formula).name)

    def numbers(self, name: str, values: NDArray[Any], summary: str) -> str:
        """Enter a table of numbers, and return its name."""
        text = [self.number(value) for value in values.ravel()]
        self.tables.append(array(self.prefix + name, values, text, summary, self.real))
        return self.prefix + name

    def rounded(self, expression: str) -> str:
        """Write an operation that is rounded before it is used."""
        return self.printer.operand(expression, True, self.precision)

    def value(self) -> list[str]:
        """Statements of the whole function."""
        a, suffix = self.approximant, self.precision.suffix
        folded = a.symmetry.is_folded
        t = f"{self.prefix}fabs_{suffix}(x)" if folded else "x"
        lines = [f"{self.real} t = {t}, y;", "if (x != x)", "    return x;"]
        below, above = a.tails
        if not folded:
            lines += [f"if (t < {self.number(a.start)})", f"    y = {self.tail(below)};", "else"]
        lines += [f"if (t > {self.number(a.end)})", f"    y = {self.tail(above)};", "else"]
        lines.append(f"    y = {self.prefix}core(t);")
        lines = "\n".join(lines).replace("else\nif", "else if").splitlines()
        bits = self.approximant.dtype.itemsize * 8
        negative = f"{self.prefix}bits_{suffix}(x) >> {bits - 1}"
        total = self.number(a.symmetry.total)
        result = {
            "none": "y",
            "even": "y",
            "odd": f"{negative} ? -y : y",
            "complement": f"{negative} ? y : {total} - y",
            "rectified": f"y + (x > {self.number(0)} ? x : {self.number(0)})",
        }[a.symmetry.name]
        return [*lines, f"return {result};"]

    def tail(self, tail: Tail) -> str:
        """Write a straight line in t."""
        if tail.slope == 0:
            return self.number(tail.intercept)
        return f"{self.rounded(f't * {self.number(tail.slope)}')} + {self.number(tail.intercept)}"

    def find(self, segments: Segments) -> list[str]:
        """Statements that find the segment i of t."""
        last = segments.count - 1
        if segments.is_uniform:
            return [
                f"{self.real} u = {self.place(segments)};",
                f"int i = u < {self.number(last)} ? (int)u : {last};",
            ]
        knots = self.numbers("knots", segments.knots, "The ends of the segments.")
        return [
            f"int i = 0, end = {segments.count};",
            "while (end - i > 1) {",
            "    int middle = (i + end) / 2;",
            f"    if (t < {knots}[middle])",
            "        end = middle;",
            "    else",
            "        i = middle;",
            "}",
        ]

    def place(self, segments: Segments) -> str:
        """Write the place of t in widths of equal segments."""
        distance = self.distance(segments)
        return f"{distance} * {self.number(segments.scale)}"

    def distance(self, segments: Segments) -> str:
        """Write the distance of t from the first knot."""
        start = segments.start
        return "t" if start == 0 else self.rounded(f"t - {self.number(start)}")

    def local(self, segments: Segments) -> list[str]:
        """Statements that find the segment i of t and the distance r from its start."""
        r = f"u - ({self.real})i" if segments.is_uniform else f"t - {self.prefix}knots[i]"
        return [*self.find(segments), f"{self.real} r = {r};"]

    def table(self, a: LookupTable) -> list[str]:
        """Statements of the core of a table."""
        values = self.numbers("values", a.values, "The values at the nodes.")
        if a.identity:
            return self.identity(a, values)
        if a.degree == 0:
            return [*self.find(a.segments), f"{self.real} y = {values}[i];"]
        lines = self.local(a.segments)
        knots = f"{self.prefix}knots"
        if not a.segments.is_uniform:
            width = self.rounded(f"{knots}[i + 1] - {knots}[i]")
            lines.append(f"{self.real} s = r / {width};")
        place = "r" if a.segments.is_uniform else "s"
        d = a.degree
        at = "i" if d == 1 else f"{d} * i"
        nodes = [f"{values}[{at}]", *(f"{values}[{at} + {k}]" for k in range(1, d + 1))]
        p = place if d == 1 else f"{place} * {self.number(d)}"
        call = f"{self.call(_INTERPOLATIONS[d])}({p}, {', '.join(nodes)})"
        return [*lines, f"{self.real} y = {call};"]

    def identity(self, a: LookupTable, values: str) -> list[str]:
        """Statements of the core of a table with derivatives."""
        segments = a.segments
        if segments.is_uniform:
            place = self.rounded(self.place(segments))
            node = self.rounded(f"({self.real})i * {self.number(segments.width)}")
            lines = [
                f"int i = (int)({place} + {self.number(0.5)});",
                f"{self.real} r = {self.distance(segments)} - {node};",
            ]
        else:
            knots = f"{self.prefix}knots"
            middle = self.rounded(f"{knots}[i] + {knots}[i + 1]")
            node = self.rounded(f"{middle} * {self.number(0.5)}")
            lines = [*self.find(segments), f"{self.real} r = t - {node};"]
        r = "-r" if a.side < 0 else "r"
        call = self.call(_IDENTITIES[a.identity or "", a.degree])
        return [*lines, f"{self.real} y = {call}({r}, {values}[i]);"]

    def piecewise(self, a: PiecewisePolynomial) -> list[str]:
        """Statements of the core of piecewise polynomials."""
        values = self.numbers(
            "coefficients", a.coefficients, "The polynomials, lowest coefficient first."
        )
        lines = self.local(a.segments)
        count = a.degree + 1
        lines.append(f"const {self.real} *c = {values} + {count} * i;")
        return [*lines, *self.horner("y", [f"c[{k}]" for k in range(count)], "r")]

    def rational(self, a: Rational) -> list[str]:
        """Statements of the core of a rational function."""
        z, lines = "t", []
        if a.variable == "square" or a.center:
            z, power = "z", "t * t" if a.variable == "square" else "t"
            minus = f" - {self.number(a.center)}" if a.center else ""
            lines = [f"{self.real} z = {self.rounded(power) if minus else power}{minus};"]
        lines += self.horner("y", [self.number(c) for c in a.numerator], z)
        if a.times_t:
            lines.append("y = y * t;")
        if not a.is_polynomial:
            lines += self.horner("q", [self.number(c) for c in a.denominator], z)
            lines.append("y = y / q;")
        offset, rise = a.line
        if rise:
            lines.append(f"y = y + {self.rounded(f't * {self.number(rise)}')};")
        elif offset:
            lines.append(f"y = y + {self.number(offset)};")
        return lines

    def horner(self, name: str, coefficients: list[str], x: str) -> list[str]:
        """Statements of Horner's scheme, a product and a sum a step."""
        *rest, last = coefficients
        steps = [f"{name} = {self.rounded(f'{name} * {x}')} + {c};" for c in reversed(rest)]
        return [f"{self.real} {name} = {last};", *steps]
