"""Derives a formula with respect to one of its arguments, by the rules of calculus, on its tree.

Beside every variable stands its slope, in the order of the text (forward mode).  What a formula
calls is derived in its turn, unless it declares its derivative, as all elementary functions do:
their texts work on the digits of numbers, where the rules of real numbers do not hold.

At a kink the slope is that of the arm which the comparison chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..formulas.language import Derivative, Formula, Precision
from ..formulas.pieces import finite_where
from .tree import (
    Assign,
    Binary,
    Call,
    Compare,
    Const,
    Expr,
    Function,
    Horner,
    Name,
    Negate,
    Select,
    rounded,
)

_ZERO, _ONE = Const(0.0), Const(1.0)


class Functions(Protocol):
    """What is asked of a reader."""

    precision: Precision

    def read(self, formula: Formula) -> Function:
        """Return a formula as a tree."""

    def formula(self, name: str) -> Formula:
        """Return the formula of a printed name."""


def derive(reader: Functions, formula: Derivative, name: str) -> Function:
    """Return the tree of a derivative, under a name.

    NaN in the first argument gives NaN.
    """
    of = reader.read(formula.of)
    slopes = _Slopes(reader, of, formula.argument)
    x = Name(of.params[0])
    results = [slopes.bound(slopes.of(result)) for result in of.results]
    return Function(
        name=name,
        params=of.params,
        body=tuple(slopes.body),
        results=tuple(Select(Compare(x, "==", x), result, x) for result in results),
        precision=of.precision,
        summary=formula.__doc__ or "",
        source=of.source,
    )


class _Slopes:
    """Derives one function: ``body`` is its own with the slopes of its variables between."""

    def __init__(self, reader: Functions, function: Function, argument: str) -> None:
        self.reader = reader
        self.suffix = function.precision.suffix
        self.body: list[Assign] = []
        self.known: dict[str, Expr] = {name: _ZERO for name in function.params}
        self.known[argument] = _ONE
        self.taken = {*function.params, *(t for a in function.body for t in a.targets)}
        for assign in function.body:
            self.assign(assign)

    def assign(self, assign: Assign) -> None:
        self.body.append(assign)
        if len(assign.targets) == 1:
            self.known[assign.targets[0]] = self.bound(self.of(assign.value))
            return
        assert isinstance(assign.value, Call)  # nothing else has several results
        slopes = self.of_results(assign.value, len(assign.targets))
        self.known.update(zip(assign.targets, slopes, strict=True))

    def fresh(self) -> str:
        """A name for one more variable."""
        name = next(n for k in range(len(self.taken) + 1) if (n := f"d{k}") not in self.taken)
        self.taken.add(name)
        return name

    def bound(self, expr: Expr) -> Expr:
        """Give an expression a name, to be written once and used several times."""
        if isinstance(expr, Const | Name):
            return expr
        name = self.fresh()
        self.body.append(Assign((name,), expr))
        return Name(name)

    def of(self, expr: Expr) -> Expr:
        """The slope of an expression."""
        match expr:
            case Const():
                return _ZERO
            case Name(id):
                return self.known[id]
            case Negate(a):
                return self.negated(self.of(a))
            case Binary(a, "+", b):
                return self.sum(self.of(a), self.of(b))
            case Binary(a, "-", b):
                return self.sum(self.of(a), self.negated(self.of(b)))
            case Binary(a, "*", b):
                return self.sum(self.product(b, self.of(a)), self.product(a, self.of(b)))
            case Binary(a, "/", b):
                over = self.sum(self.of(a), self.negated(self.product(expr, self.of(b))))
                return over if over == _ZERO else Binary(over, "/", b)
            case Select(condition, a, b):
                left, right = self.bound(self.of(a)), self.bound(self.of(b))
                return left if left == right else Select(condition, left, right)
            case Horner(x, coefficients):
                slopes = tuple(
                    Const(rounded(k * c.value, self.reader.precision))
                    for k, c in enumerate(coefficients)
                )[1:]
                return self.product(Horner(x, slopes), self.of(x)) if slopes else _ZERO
            case Call():
                return self.of_results(expr, 1)[0]
        raise AssertionError(expr)

    def of_results(self, call: Call, count: int) -> list[Expr]:
        """The slope of each result of a call."""
        slopes = [self.bound(self.of(arg)) for arg in call.args]
        leaf = self.leaf(call)
        totals: list[Expr] = [_ZERO] * count
        for k, slope in enumerate(slopes):
            if slope == _ZERO:
                continue
            if leaf:
                totals[0] = self.sum(totals[0], leaf(k, slope))
                continue
            parts = self.partials(call, k, count)
            totals = [
                self.sum(t, self.product(slope, p)) for t, p in zip(totals, parts, strict=True)
            ]
        return [self.bound(total) for total in totals]

    def partials(self, call: Call, k: int, count: int) -> list[Expr]:
        """The derivatives of the results of a formula with respect to its argument number k."""
        formula = self.reader.formula(call.function)
        try:
            function = self.reader.read(formula.derivative(list(formula.arguments)[k]))
        except NotDerivableError:
            # Named is what the user's own text calls, not what that is made of.
            raise NotDerivableError(f"the derivative of {formula.name} is not known") from None
        names = tuple(self.fresh() for _ in range(count))
        self.body.append(Assign(names, Call(function.name, call.args)))
        return [Name(name) for name in names]

    def leaf(self, call: Call) -> Callable[[int, Expr], Expr] | None:
        """How a leaf passes on the slope of its argument number k, if the call is one of a leaf."""
        name, args = call.function.removesuffix(f"_{self.suffix}"), call.args
        match name:
            case "fma":
                return lambda k, d: d if k == 2 else self.product(args[1 - k], d)
            case "fabs":
                return lambda k, d: Select(Compare(args[0], ">", _ZERO), d, self.negated(d))
            case "copysign":
                return lambda k, d: _ZERO if k else self.product(self.sign_change(*args), d)
            case "sqrt":
                return lambda k, d: Binary(self.product(Const(0.5), d), "/", call)
            case "exp2_shifted" | "exponent":
                raise NotDerivableError(f"the word {name} has no derivative")
        return None

    def sign_change(self, a: Expr, b: Expr) -> Expr:
        """1 or -1: whether copysign(a, b) is a or -a."""
        copysign = f"copysign_{self.suffix}"
        return self.bound(Binary(Call(copysign, (_ONE, a)), "*", Call(copysign, (_ONE, b))))

    def negated(self, a: Expr) -> Expr:
        match a:
            case Const(value):
                return Const(-value) if value else a
            case Negate(b):
                return b
        return Negate(a)

    def sum(self, a: Expr, b: Expr) -> Expr:
        if a == _ZERO or b == _ZERO:
            return b if a == _ZERO else a
        return Binary(a, "-", b.a) if isinstance(b, Negate) else Binary(a, "+", b)

    def product(self, factor: Expr, slope: Expr) -> Expr:
        """The product of a factor and a slope, which is 0 where the slope is: 0·∞ would be NaN."""
        if factor == _ZERO or slope == _ZERO:
            return _ZERO
        if factor == _ONE or slope == _ONE:
            return slope if factor == _ONE else factor
        if isinstance(factor, Const) or isinstance(slope, Const):
            return Binary(factor, "*", slope)
        slope = self.bound(slope)
        finite = self.reader.read(finite_where).name
        return Binary(Call(finite, (slope, factor)), "*", slope)


class NotDerivableError(ValueError):
    """A formula holds something that has no derivative, or whose derivative is not known."""
