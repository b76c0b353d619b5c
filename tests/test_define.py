"""Activations that users define: derived gradients, every form, refusals, other processes."""

from __future__ import annotations

import linecache
import math
import pickle
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

import fastcpuact as act
from conftest import require
from fastcpuact import edge, language
from fastcpuact.emit.evaluate import Evaluator
from fastcpuact.emit.reader import FormulaError, Reader
from fastcpuact.formulas.language import FLOAT64
from fastcpuact.language import copysign, exp, fabs, finite_where, fma, formula, maximum, sqrt

require("numba")

HALF = 0.5


@act.define
def leaky_silu(x, slope=0.1, beta=1.0):
    """x·σ(βx) + slope·min(x, 0)."""
    y = x * act.sigmoid(beta * x)
    return y + slope * x if x < 0 else y


@formula
def halves(x):
    return x * HALF, x - x * HALF


# Values.


def test_the_value_is_that_of_the_formula():
    x = np.linspace(-30, 30, 1001)
    silu = x * act.sigmoid(x)
    assert np.array_equal(leaky_silu(x), np.where(x < 0, silu + 0.1 * x, silu))
    assert leaky_silu.name == "leaky_silu" and leaky_silu.kind == "elementwise"
    assert leaky_silu.params == {"slope": 0.1, "beta": 1.0}
    assert np.array_equal(leaky_silu(x, 0.0), silu)


def test_every_form_and_dtype():
    x = np.linspace(-4, 4, 12).reshape(4, 3)
    dy = np.cos(x)
    slope = 0.2
    h = 1e-5
    grad = leaky_silu.grad(x, slope)
    rise = (leaky_silu(x + h, slope) - leaky_silu(x - h, slope)) / (2 * h)
    assert np.allclose(grad, rise, atol=1e-9)
    assert np.allclose(leaky_silu.backward(dy, x, slope), dy * grad, rtol=1e-15)
    y, d = leaky_silu.value_and_grad(x, slope=slope)
    assert np.array_equal(y, leaky_silu(x, slope)) and np.array_equal(d, grad)
    bend = (leaky_silu.grad(x + h) - leaky_silu.grad(x - h)) / (2 * h)
    assert np.allclose(leaky_silu.grad2(x), bend, atol=1e-9)
    dslope, dbeta = leaky_silu.param_grads(dy, x, slope)
    assert np.isclose(dslope, (dy * np.minimum(x, 0)).sum(), rtol=1e-14)
    sides = [leaky_silu(x, slope, 1.0 + s * h) for s in (1, -1)]
    assert np.isclose(dbeta, (dy * (sides[0] - sides[1])).sum() / (2 * h))
    assert np.allclose(leaky_silu.fast(x), leaky_silu(x), rtol=2**-11, atol=0)
    for dtype in (np.float16, np.float32):
        got = leaky_silu(x.astype(dtype))
        assert got.dtype == dtype
        assert np.allclose(got, leaky_silu(x), atol=4 * np.finfo(dtype).eps)
    out = np.empty_like(x)
    assert leaky_silu(x, out=out) is out
    with pytest.raises(AttributeError, match="backward_from_output"):
        _ = leaky_silu.backward_from_output


def test_parameters_may_have_the_names_of_what_drivers_pass():
    def line(x, arrays=2.0, lengths=3.0):
        return x * arrays + lengths

    f = act.define(line)
    x = np.linspace(-1, 1, 9)
    np.testing.assert_array_equal(f(x), x * 2 + 3)
    np.testing.assert_array_equal(f(x, lengths=0.5), x * 2 + 0.5)
    np.testing.assert_array_equal(f(x, x, lengths=0.5), x * x + 0.5)


def test_limits_and_nan():
    edge = np.array([-np.inf, np.inf, np.nan])
    assert np.array_equal(leaky_silu.grad(edge), [0.1, 1.0, np.nan], equal_nan=True)


def test_inside_numba_code():
    from numba import njit

    @njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = leaky_silu(x[i], slope=0.3) + leaky_silu.grad(x[i])

    x = np.linspace(-3, 3, 50, dtype=np.float32)
    out = np.empty_like(x)
    loop(x, out)
    assert np.array_equal(out, leaky_silu(x, 0.3) + leaky_silu.grad(x))


def test_in_edge_diagnostics_and_info():
    from fastcpuact import diagnostics
    from fastcpuact.edge.function import Function

    x = np.linspace(-3, 3, 7)
    assert np.array_equal(Function(leaky_silu)(x), leaky_silu(x))
    assert diagnostics.gain(leaky_silu).table() is not None
    info = leaky_silu.info
    assert info.formula == "x·σ(βx) + slope·min(x, 0)." and info.parameters == leaky_silu.params
    assert info.bounds == {}


# Derivatives, on trees alone: nothing is compiled.


def derived(function, *args):
    """The value and the derivatives with respect to every argument."""
    reader = Reader(FLOAT64)
    evaluate = Evaluator(reader.functions)
    values = tuple(np.asarray(a, float) for a in args)
    got = [reader.read(f) for f in (function, *map(function.derivative, function.arguments))]
    return [evaluate(tree, *values)[0] for tree in got]


def density_slope(x):
    return -x * mpmath.npdf(x)


def reciprocal_of_next(x):
    return 1 / (1 + x)


def erf_slope(x):
    return 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)


def logistic(x):
    return 1 / (1 + mpmath.exp(-x))


def logistic_slope(x):
    return 1 / (2 + mpmath.exp(x) + mpmath.exp(-x))


def minus_sin(x):
    return -mpmath.sin(x)


WORDS = {
    "exp": (mpmath.exp, mpmath.exp),
    "expm1": (mpmath.expm1, mpmath.exp),
    "sigmoid": (logistic, logistic_slope),
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "log": (mpmath.log, lambda x: 1 / x),
    "log1p": (mpmath.log1p, reciprocal_of_next),
    "sin": (mpmath.sin, mpmath.cos),
    "cos": (mpmath.cos, minus_sin),
    "erf": (mpmath.erf, erf_slope),
    "normal_cdf": (mpmath.ncdf, mpmath.npdf),
    "normal_density": (mpmath.npdf, density_slope),
}
POSITIVE = {"log": 0.0, "log1p": -1.0}


@pytest.mark.parametrize("name", WORDS)
def test_words(name):
    word = getattr(language, name)
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=50) * s for s in (1e-300, 1e-9, 0.1, 3)])
    x = np.append(x[x > POSITIVE.get(name, -np.inf)], 1.0)
    results = derived(getattr(word, "value", word), x)
    for got, exact in zip(results, WORDS[name], strict=True):
        expected = [float(exact(mpmath.mpf(v))) for v in x]
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", WORDS)
def test_words_at_the_ends(name):
    """As NumPy and SciPy have them, signs of zeros included."""
    word = getattr(language, name)
    peers = {"erf": special.erf, "normal_cdf": special.ndtr, "sigmoid": special.expit}
    peers["normal_density"] = lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -2.0, 1.0])
    with np.errstate(all="ignore"):
        expected = peers.get(name, getattr(np, name, None))(x)
    got, slope = derived(getattr(word, "value", word), x)
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    assert np.array_equal(np.signbit(got[:2]), np.signbit(expected[:2]))
    assert np.isnan(slope[4])


@pytest.mark.parametrize("name", ["log", "sin", "erf"])
def test_words_in_float32(name):
    """In the kernels, at every magnitude: phases are reduced with all the digits they need."""

    word = getattr(language, name)

    def same(x):
        return word(x)

    made = act.define(same, name=f"the_{name}", domain=(0.5, 2))
    bits = np.random.default_rng(2).integers(0, 2**32, 2**15, dtype=np.uint32)
    x = bits.view(np.float32)
    with np.errstate(all="ignore"):
        exact = getattr(np, name, special.erf)(x.astype(float))
        spacing = np.spacing(np.abs(exact).astype(np.float32)).astype(float)
        error = np.abs(made(x) - exact) / spacing
    assert np.array_equal(np.isnan(exact), np.isnan(made(x)))
    assert np.nanmax(error[np.isfinite(exact)]) < 2.5


def test_rules_of_calculus():
    @formula
    def everything(x, p):
        a, b = halves(p * x)
        c = fma(a, b, -x) / (1 + fabs(p)) + sqrt(3 + x * x)
        d = copysign(c, x) * maximum(x, p) - language.clip(x, -1, p)
        e = language.polynomial(x, (1.0, 2.0, 3.0))
        return (d if x > p else exp(-x * x)) + act.elu(x, alpha=p) * act.tanh.grad(x) - -e

    x, p = np.random.default_rng(3).uniform(-2, 2, (2, 300))
    p = np.abs(p) + 0.1
    _, dx, dp = derived(everything, x, p)
    h = 1e-6
    ends = [[derived(everything, x + s * h, p)[0] for s in (1, -1)]]
    ends += [[derived(everything, x, p + s * h)[0] for s in (1, -1)]]
    far = (np.abs(x - p) > 1e-4) & (np.abs(x) > 1e-4) & (np.abs(np.abs(x) - 1) > 1e-4)
    for slope, (above, below) in zip((dx, dp), ends, strict=True):
        np.testing.assert_allclose(slope[far], (above - below)[far] / (2 * h), atol=1e-6, rtol=1e-6)


def test_a_slope_of_zero_beats_infinity():
    @formula
    def gated(x):
        return finite_where(act.sigmoid(x), x) * act.sigmoid(x)

    y, dx = derived(gated, [-np.inf, np.inf])
    assert list(y) == [0, np.inf] and list(dx) == [0, 1]


# Given gradients, parameters, names.


def test_a_given_gradient_is_used_and_checked():
    def cube(x, scale=1.0):
        return scale * x * x * x

    def slope(x, scale=1.0):
        return scale * 3 * (x * x)

    def wrong(x, scale=1.0):
        return scale * 2 * x * x

    made = act.define(cube, slope, params={"scale": 2.0})
    assert made.params == {"scale": 2.0}
    assert made.grad.record.formulas["grad"].function is slope
    with pytest.raises(ValueError, match=r"cube: at x = .* its grad is .* rises by"):
        act.define(cube, wrong)
    with pytest.raises(TypeError, match="grad must take the arguments of cube"):
        act.define(cube, identity_of_ones)


def test_what_cannot_be_derived_needs_a_gradient():
    def octave(x):
        return language_words.exponent(fabs(x) + 1)

    from fastcpuact.formulas import language as language_words

    with pytest.raises(ValueError, match="octave cannot be derived: the word exponent"):
        act.define(octave)


def test_what_calls_something_without_a_derivative_is_told_its_name():
    def pair(x):
        return act.swiglu(x, x)

    with pytest.raises(ValueError, match="pair cannot be derived: the derivative of swiglu is not"):
        act.define(pair)

    def bent(x):
        return act.gelu.grad2(x) * x

    with pytest.raises(
        ValueError, match=r"bent cannot be derived: the derivative of gelu_grad2 is"
    ):
        act.define(bent)


def test_numbers_of_modules():
    def circle(x):
        return math.pi * x + np.pi

    assert act.define(circle)(1.0) == 2 * math.pi


def test_a_formula_that_overflows_in_the_domain():
    def steep(x):
        return exp(x * 100.0)

    made = act.define(steep)
    assert made.grad(0.0) == 100
    assert made.grad(8.0) == np.inf


def test_arguments():
    def fine(x, beta=1.0):
        return beta * x

    def no_x(t):
        return t

    def loops(x, n=1.0):
        return x * n

    with pytest.raises(TypeError, match="fn must be a function, got int"):
        act.define(3)
    with pytest.raises(TypeError, match="got a lambda"):
        act.define(lambda x: x)
    with pytest.raises(TypeError, match="fn must be a function of x and of parameters"):
        act.define(no_x)
    with pytest.raises(ValueError, match="no parameter may be called 'n'"):
        act.define(loops)
    with pytest.raises(ValueError, match="name 'gelu' is that of an activation"):
        act.define(fine, name="gelu")
    with pytest.raises(ValueError, match="name must be an identifier, got 'a b'"):
        act.define(fine, name="a b")
    with pytest.raises(ValueError, match="fine has no parameter 'gamma'"):
        act.define(fine, params={"gamma": 1})
    with pytest.raises(ValueError, match="domain must be two finite numbers"):
        act.define(fine, domain=(1, 0))
    with pytest.raises(TypeError, match="domain must be two numbers"):
        act.define(fine, domain=3)
    assert act.define(name="finer")(fine).name == "finer"


def lacking():
    def power(x):
        return x**2

    def numpys(x):
        return np.cbrt(x)

    def builtin(x):
        return abs(x)

    def loop(x):
        for _ in range(3):
            x = x * x
        return x

    def attempt(x):
        try:
            return x
        finally:
            pass

    def within(x):
        with np.errstate(all="ignore"):
            return x

    def yields(x):
        yield x

    def imaginary(x):
        return x * 1j

    def text(x):
        return x + "a"

    def real(x):
        return x.real

    def twice(x):
        y = x
        y *= 2
        return y

    def largest(x):
        return max(x, 0)

    def not_positive(x):
        return not x

    def unused(x):
        x + 1
        return x

    def chained(x):
        return 1.0 if 0 < x < 1 else 0.0

    def two(x):
        return x, x

    def of_two(x):
        return act.silu.value_and_grad(x)

    def unknown(x):
        return act.elu(x, beta=2.0)

    return {
        power: r"the operator \*\* \(multiply",
        numpys: "a call of 'np.cbrt'",
        builtin: "a call of 'abs'|the name 'abs'",
        loop: "the statement for",
        attempt: "the statement try",
        within: "the statement with",
        yields: "yield is not in",
        imaginary: "the value 1j",
        text: "the value 'a'",
        real: "the attribute 'real' of a number",
        twice: "an assignment with an operator",
        largest: r"the name 'max', which nothing defines \(use maximum\)",
        not_positive: "the operator not",
        unused: "an expression that is not used",
        chained: "a condition that is not one comparison",
        two: "two returns 2 results, not one",
        of_two: "a call of 'act.silu.value_and_grad'",
        unknown: "the argument 'beta' of elu",
    }


@pytest.mark.parametrize(
    ("function", "words"), [pytest.param(f, w, id=f.__name__) for f, w in lacking().items()]
)
def test_what_the_language_lacks_is_named(function, words):
    with pytest.raises(FormulaError, match=words):
        act.define(function)


# Other processes.


def test_pickle_by_the_place_in_a_module():
    for form in (leaky_silu, leaky_silu.grad, leaky_silu.fast.backward):
        assert pickle.loads(pickle.dumps(form)) is form


def identity_of_ones(x):
    return x * 1.0


def test_pickle_by_the_formula():
    made = act.define(identity_of_ones, name="ones")
    again = pickle.loads(pickle.dumps(made.grad))
    assert again.__name__ == "ones.grad" and again.record.params == made.params
    assert pickle.loads(pickle.dumps(made)).grad is again


def test_define_leaves_the_import_light():
    code = "import sys, fastcpuact; assert not {'numba', 'fastcpuact.emit'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_learns():
    path = Path(__file__).parents[1] / "docs" / "examples" / "learnable_activation.py"
    train = runpy.run_path(str(path))["train"]
    fixed, learned = train(False), train(True)
    assert fixed[0] == learned[0]
    assert learned[-1] < 0.01 * fixed[-1]


@pytest.mark.parametrize("name", ["out", "where", "self", "item", "np", "choose", "tanh_f32", "n"])
def test_a_parameter_with_the_name_of_something_else(name: str) -> None:
    text = f"def clash(x, {name}=1.0):\n    return x * {name}\n"
    linecache.cache["<clash>"] = (len(text), None, text.splitlines(True), "<clash>")
    space: dict[str, Any] = {}
    exec(compile(text, "<clash>", "exec"), space)
    with pytest.raises(ValueError, match=f"no parameter may be called '{name}'"):
        act.define(space["clash"])


def test_defaults_that_are_no_numbers() -> None:
    def wrong(x: float, p: Any = "s") -> float:
        return x * p

    def right(x: float, p: float = 1.0) -> float:
        return x * p

    with pytest.raises(TypeError, match="fn: p must be a number, got 's'"):
        act.define(wrong)
    with pytest.raises(TypeError, match="params: p must be a number, got None"):
        act.define(right, params={"p": None})
    with pytest.raises(TypeError, match="params must map names to numbers, got list"):
        act.define(right, params=[1])


def test_a_formula_without_docstring_is_exported() -> None:
    def plain_square(x: float) -> float:
        return x * x

    assert "act_plain_square_grad" in edge.export_c(act.define(plain_square))
