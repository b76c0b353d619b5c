"""The formula language: what is printed, and what is refused."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from fastcpuact.emit.c99 import C99Printer
from fastcpuact.emit.columns import column_functions
from fastcpuact.emit.cython import CythonPrinter
from fastcpuact.emit.kernels import kernel
from fastcpuact.emit.numba import NumbaPrinter
from fastcpuact.emit.reader import FormulaError, Reader
from fastcpuact.emit.rows import row_function, row_functions
from fastcpuact.formulas.language import FLOAT32, FLOAT64, copysign, fma, formula, polynomial
from fastcpuact.formulas.registry import FORMS, Record
from fastcpuact.formulas.rows.language import RowKernel
from golden_formulas import SERIES, halves, sample, sample_grad

HERE = Path(__file__).parent
TABLE = {"not": "a number"}
HUGE = 1e300


def record() -> Record:
    made = Record(sample, (), (-1, 1), {})
    made.formulas["grad"] = sample_grad
    return made


def printed(printer, precision) -> str:
    """All that a printer prints of the sample: C has no loops over forms."""
    parts = []
    for fast in (False, True):
        reader = Reader(precision, fast)
        loops = [kernel(reader, record(), FORMS[name]) for name in ("backward", "value_and_grad")]
        parts += [printer.function(function) for function in reader.functions.values()]
        if not isinstance(printer, C99Printer):
            parts += [printer.kernel(loop) for loop in loops]
    return "\n\n\n".join(parts) + "\n"


@pytest.mark.parametrize("precision", (FLOAT32, FLOAT64), ids=lambda p: p.dtype)
@pytest.mark.parametrize(
    "printer", (CythonPrinter(), NumbaPrinter(), C99Printer("my_")), ids=lambda p: type(p).__name__
)
def test_golden(printer, precision, request):
    """To accept a change that was meant: pytest tests/test_emit.py --accept-golden."""
    path = HERE / "golden" / f"{type(printer).__name__}_{precision.dtype}.txt"
    text = printed(printer, precision)
    if request.config.getoption("--accept-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("precision", (FLOAT32, FLOAT64), ids=lambda p: p.dtype)
def test_every_literal_has_the_working_precision(precision):
    """In the Numba text every number stands in a call of the type."""
    tree = ast.parse(printed(NumbaPrinter(), precision).partition("@serial")[0])

    def numbers(node: ast.AST) -> set[ast.Constant]:
        return {n for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value is not None}

    typed = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    typed = [n for n in typed if ast.unparse(n.func) == precision.dtype]
    assert numbers(tree) == set().union(*map(numbers, typed))
    assert len(typed) >= 10


def refused():
    """Formulas outside the language, with the words that the error has to hold."""

    def loop(x):
        for _ in (1, 2):
            x = x + 1
        return x

    def early(x):
        if x > 0:
            return x
        return 0

    def power(x):
        return x**2

    def twice(x):
        y = x
        y = y + 1
        return y

    def rebinds(x):
        x = x + 1
        return x

    def undefined(x):
        return nothing_of_that_name(x)

    def foreign(x):
        return abs(x)

    def attribute(x):
        return TABLE.x + x

    def not_a_number(x):
        return x + TABLE

    def chained(x):
        return 1 if 0 < x < 1 else 0

    def boolean(x):
        return x if True else 0

    def condition(x):
        return 1 if x else 0

    def both(x):
        return 1 if x > 0 and x < 1 else 0

    def text(x):
        return "x"

    def keyword(x):
        return copysign(x, s=x)

    def arity(x):
        return copysign(x)

    def starred(x):
        return copysign(*x)

    def results(x):
        return halves(x) + 1

    def augmented(x):
        y = x
        y += 1
        return y

    def star_args(*x):
        return x

    def nothing(x):
        y = x

    def integer_division(x):
        return x // 2

    def coefficients(x):
        return polynomial(x + 1, SERIES)

    def two_of_polynomial(x):
        y, z = polynomial(x, (1.0, 2.0))
        return y + z

    def two_of_leaf(x):
        y, z = copysign(x, 1)
        return y + z

    def walrus(x):
        return (y := x) + y

    def call_of_call(x):
        return halves(x)(x)

    def shadowed(x, halves):
        return halves(x)

    return {
        loop: "the statement for",
        early: "the statement if",
        power: "the operator ** (multiply, or use exp and log)",
        twice: "a second value for 'y'",
        rebinds: "a second value for 'x'",
        undefined: "the name 'nothing_of_that_name'",
        foreign: "the name 'abs'",
        attribute: "'TABLE.x'",
        not_a_number: "'TABLE'",
        chained: "a condition that is not one comparison",
        boolean: "a condition that is not one comparison",
        condition: "a condition that is not one comparison",
        both: "a condition that is not one comparison",
        text: "the value 'x'",
        keyword: "plain positional arguments",
        arity: "a call of copysign with 1 arguments",
        starred: "plain positional arguments",
        results: "halves, which returns 2 results",
        augmented: "an assignment with an operator",
        star_args: "not a plain parameter",
        nothing: "does not return a value",
        integer_division: "the operator // is not",
        coefficients: "polynomial of anything but",
        two_of_polynomial: "polynomial, which returns 1 results",
        two_of_leaf: "copysign, which returns 1 results",
        walrus: "the operator := is not",
        call_of_call: "the expression Call",
        shadowed: "the variable 'halves' as anything but a number",
    }


@pytest.mark.parametrize(
    ("function", "words"), refused().items(), ids=lambda v: getattr(v, "__name__", "")
)
def test_refused(function, words):
    with pytest.raises(FormulaError) as caught:
        Reader(FLOAT64).read(formula(function))
    message = str(caught.value)
    lines, first = inspect.getsourcelines(function)
    assert words in message
    assert "test_emit.py:" in message
    line = int(message.partition("test_emit.py:")[2].partition(":")[0])
    assert first <= line < first + len(lines)


def test_constant_out_of_range_is_refused_in_the_precision_that_lacks_it():
    @formula
    def big(x):
        return x * HUGE

    Reader(FLOAT64).read(big)
    with pytest.raises(FormulaError, match="a number that float32 does not hold"):
        Reader(FLOAT32).read(big)


def test_recursion_is_refused():
    with pytest.raises(FormulaError, match=r"test_emit\.py:.*the recursion of recursive"):
        Reader(FLOAT64).read(recursive)


@formula
def recursive(x):
    return recursive(x)


def test_a_fast_text_must_take_the_same_arguments():
    @formula
    def exact(x, low):
        return x + low

    with pytest.raises(TypeError, match="must take the arguments of exact"):

        @exact.fast
        def shorter(x):
            return x


def test_words_are_not_callable():
    for word in (sample, fma, record()):
        with pytest.raises(TypeError, match="formula language"):
            word(1.0)
    with pytest.raises(TypeError):
        polynomial(1.0, (1.0,))


def test_a_second_formula_of_one_name_is_refused():
    def halves(x):
        return x + 42

    reader = Reader(FLOAT64)
    reader.read(sample)
    with pytest.raises(FormulaError, match="a second formula of the name 'halves'"):
        reader.read(formula(halves))


def test_a_parameter_with_a_name_of_the_loop_is_refused():
    def shifted(x, n=1.0):
        return x + n

    made = Record(formula(shifted), (), (-1, 1), {})
    with pytest.raises(TypeError, match="'n'"):
        kernel(Reader(FLOAT64), made, FORMS["value"])


def test_a_gradient_must_take_the_arguments_of_the_value():
    for declare in (
        record().gradient(ulp={}),
        record().second_gradient(ulp={}),
        record().gradient_from_output(ulp={}),
        record().parameter_gradient("slope", ulp={}),
    ):
        with pytest.raises(TypeError, match="and the parameters of sample"):
            declare(lambda x, other=0.1: x)


def test_forms_are_those_whose_formulas_there_are():
    made = record()
    first = ["value", "grad", "backward", "value_and_grad"]
    assert list(made.forms) == first
    made.second_gradient(ulp={})(sample.function)
    made.parameter_gradient("slope", ulp={})(sample.function)
    assert list(made.forms) == [*first, "grad2", "param_grads"]
    assert made.forms["param_grads"].results == ("grad_slope",)
    assert list(made.forms_in(fast=True)) == first


def rows_outside_the_language():
    def power(x: In, n: Index) -> Wide:
        """A power."""
        return x[0] ** 2

    def attribute(x: In, n: Index) -> Wide:
        """A function of another module."""
        return math.exp(x[0])

    def asserts(x: In, n: Index) -> Wide:
        """An assertion."""
        assert n > 0
        return x[0]

    def comprehension(x: In, n: Index) -> Wide:
        """A list."""
        return sum([x[i] for i in range(n)])

    def unknown(x: In, n: Index) -> Wide:
        """A function that no engine has."""
        return sin(x[0])

    return power, attribute, asserts, comprehension, unknown


@pytest.mark.parametrize("function", rows_outside_the_language(), ids=lambda f: f.__name__)
def test_refused_in_row_kernels(function):
    kernel = RowKernel(function, False, function.__name__, function.__globals__)
    with pytest.raises(FormulaError, match=r"test_emit\.py:\d+: .* is not for row kernels"):
        row_function(kernel, Reader(FLOAT64), Reader(FLOAT64))


def test_only_row_kernels_that_do_not_look_for_anything_have_a_form_for_columns():
    reader = Reader(FLOAT64)
    rows = row_functions(reader, reader)
    exported = {row.base for row in rows if row.exported}
    found = {columns.row.base for columns in column_functions(rows) if columns.row.exported}
    assert exported - found == {
        "sparsemax_row",
        "entmax15_row",
        "maxout_row",
        "maxout_backward_row",
    }


def test_the_text_of_a_row_kernel_is_not_that_of_its_columns():
    rows = row_functions(Reader(FLOAT32), Reader(FLOAT64))
    before = [row.body for row in rows]
    assert column_functions(rows)
    assert [row.body for row in rows] == before
