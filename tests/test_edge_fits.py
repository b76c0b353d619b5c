"""Approximants in floating point are as good as their formats allow, and as the best known."""

from __future__ import annotations

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import edge
from fastcpuact.edge.remez import chebyshev_points, minimax, rounded

# Constants c of the smallest error c / N**(d + 1) with N segments on half of a symmetric range,
# from the maxima and integrals of derivatives: de Boor, A Practical Guide to Splines, 1978.
CONSTANTS = [
    # function, range, degree, equal segments, best knots
    ("tanh", (-8, 8), 0, 4.0, 0.5),
    ("tanh", (-8, 8), 1, 3.079, 0.1792),
    ("tanh", (-8, 8), 2, 5.333, 0.0967),
    ("tanh", (-8, 8), 3, 5.448, 0.0596),
    ("sigmoid", (-8, 8), 1, 0.3849, 0.0843),
    ("sigmoid", (-8, 8), 3, 0.1702, 0.0155),
    ("exponential", (-10, 0), 1, 6.25, 0.2466),
    ("exponential", (-10, 0), 2, 5.208, 0.1261),
]
NAMES = {0: "nearest", 1: "linear", 2: "quadratic", 3: "cubic"}


@pytest.mark.parametrize(("name", "domain", "degree", "uniform", "free"), CONSTANTS)
def test_piecewise_polynomials_reach_the_theoretical_error(name, domain, degree, uniform, free):
    # So many that the constants, which hold for many segments, are good.
    count = {0: 64, 1: 128, 2: 32, 3: 16}[degree]
    for spacing, constant in (("uniform", uniform), ("optimal", free)):
        # In float64, so that rounding adds nothing.
        pieces = edge.piecewise_polynomial(
            name, count, degree, domain, spacing=spacing, dtype="float64"
        )
        tail = {"tanh": 1 - np.tanh(8.0), "sigmoid": float(act.sigmoid(-8.0))}.get(
            name, np.exp(-10.0)
        )
        found = pieces.certificate
        assert found.max_abs <= 1.13 * max(constant / count ** (degree + 1), tail)
        assert 0.99 <= found.ratio <= 1.05


@pytest.mark.parametrize("spacing", ["uniform", "optimal"])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "mish", "softplus"])
@pytest.mark.parametrize(
    ("interpolation", "entries"), [("nearest", 100), ("linear", 101), ("quadratic", 33)]
)
def test_tables_reach_their_limit(name, interpolation, entries, spacing):
    table = edge.lookup_table(
        name, entries, interpolation=interpolation, spacing=spacing, identity=False
    )
    assert len(table.values) == entries
    assert 0.999 <= table.certificate.ratio <= 1.05


def test_cubic_tables():
    """Equal segments reach their limit; with the best knots they may be off by a factor of 2.5."""
    for name in ("tanh", "sigmoid", "gelu", "softplus"):
        assert edge.lookup_table(name, 49, interpolation="cubic", identity=False)
    table = edge.lookup_table("gelu", 49, interpolation="cubic")
    assert table.certificate.ratio <= 1.05
    assert (
        edge.lookup_table("gelu", 25, interpolation="cubic", spacing="optimal").certificate.ratio
        < 2.5
    )


def test_derivative_identities():
    """tanh in about 800 bytes: 2.7e-6, the figure of RNNoise's table with the same trick."""
    same = edge.lookup_table("tanh", 201, (-8, 8), interpolation="quadratic")
    assert same.identity == "tanh"
    assert same.nbytes == 804
    assert same.certificate.max_abs <= 2.67e-6
    assert same.certificate.max_abs == pytest.approx(0.04**3 / 48 * 2, rel=0.03)
    assert edge.lookup_table("tanh", 200, interpolation="quadratic").certificate.max_abs < 1.8e-6
    best = edge.lookup_table("tanh", 100, interpolation="quadratic", spacing="optimal")
    assert best.certificate.max_abs < 5e-7
    for name, domain in (("sigmoid", None), ("exponential", (-10, 0))):
        table = edge.lookup_table(name, 65, domain, interpolation="quadratic")
        assert table.certificate.ratio <= 1.05
        assert edge.lookup_table(name, 65, domain, interpolation="cubic").identity == name


def test_rationals_and_polynomials_reach_their_limit():
    six = edge.rational("tanh", 3, 3)
    assert six.nbytes == 20
    assert six.certificate.max_abs < 5.7e-5  # the best known with six coefficients has 6.0e-5
    for name in ("tanh", "sigmoid", "gelu"):
        assert edge.rational(name, 3, 3).certificate.ratio <= 1.05
        for count in (4, 7, 10):
            assert edge.polynomial(name, count).certificate.ratio <= 1.05
    # Degree 4 on an octave, of relative error in the literature; here absolute, at the upper end.
    assert edge.polynomial("exponential", 5, (-0.35, 0.35)).certificate.max_abs < 3.2e-6


def test_a_rational_is_a_minimax_fit():
    """The error alternates with equal height as often as there are coefficients, and once more."""
    made = edge.rational("tanh", 3, 3, (-5, 5), dtype="float64")
    x = np.linspace(1e-3, 5, 20001)
    error = made(x) - act.tanh(x)
    turns = np.flatnonzero(np.diff(error[:-1]) * np.diff(error[1:]) < 0) + 1
    turns = turns[np.abs(error[turns]) > 0.5 * np.max(np.abs(error))]
    heights = error[turns]
    assert len(turns) >= 5
    assert np.all(heights[:-1] * heights[1:] < 0)
    # As far as the fit's points are dense.
    assert np.ptp(np.abs(heights)) < 2e-3 * np.max(np.abs(heights))


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_rounding_together_beats_rounding_one_by_one(n):
    x = np.linspace(-1, 1, 401)
    basis, target = x[:, None] ** np.arange(n), np.exp2(x)[None]
    dtype = np.dtype(np.float16)
    exact = minimax(basis, target)
    naive = exact.coefficients[0].astype(dtype)
    joint = rounded(basis, target, dtype)[0]

    def error(coefficients):
        return float(np.max(np.abs(basis @ coefficients.astype(np.longdouble) - target[0])))

    assert exact.error[0] < error(joint) < error(naive)


def test_exchange_finds_the_alternating_error():
    """Fits of |x| by quadratics have the error 1/8 (Bernstein); the lower bound meets it."""
    x = 2 * chebyshev_points(3) - 1
    fit = minimax(x[:, None] ** np.arange(3), np.abs(x)[None])
    assert float(fit.error[0]) == pytest.approx(0.125, rel=2e-3)
    assert float(fit.level[0]) == pytest.approx(float(fit.error[0]), rel=1e-6)


def test_symmetry_is_found():
    found = {
        "tanh": "odd",
        "gaussian": "even",
        "sigmoid": "complement",
        "gelu": "rectified",
        "softplus": "rectified",
        "mish": "none",
    }
    for name, symmetry in found.items():
        assert edge.polynomial(name, 5, (-4, 4)).symmetry.name == symmetry
        assert edge.polynomial(name, 5, (-4, 3)).symmetry.name == "none"


def test_users_functions():
    def bump(x):
        return 1 / (1 + x**2)

    table = edge.lookup_table(bump, 65, (-6, 6))
    assert (table.name, table.symmetry.name) == ("bump", "even")
    assert table.certificate.max_abs < 2e-3
    assert table(100.0) == pytest.approx(1 / 37)  # cut off
    assert edge.polynomial(lambda x: x**3, 4, (-1, 2)).certificate.max_abs < 1e-6
