"""Choosing among approximants, and pictures of them."""

from __future__ import annotations

import numpy as np
import pytest

from fastcpuact import edge
from fastcpuact.edge.choosing import Frontier, Point


@pytest.mark.parametrize(("name", "bound"), [("tanh", 1e-3), ("gelu", 1e-4)])
def test_the_smallest_that_is_good_enough(name, bound):
    best = edge.search(name, max_error=bound)
    assert best.certificate.max_abs <= bound
    # Nothing that is made directly is smaller.
    for other in (
        edge.rational(name, 2, 2),
        edge.rational(name, 3, 3),
        edge.polynomial(name, 6),
        edge.piecewise_polynomial(name, 4, 2),
    ):
        assert other.nbytes >= best.nbytes or other.certificate.max_abs > bound


def test_preferences():
    bound = 1e-2
    by = {p: edge.search("sigmoid", max_error=bound, prefer=p) for p in ("size", "ops", "speed")}
    assert all(made.certificate.max_abs <= bound for made in by.values())
    assert by["size"].nbytes == min(made.nbytes for made in by.values())
    assert sum(by["ops"].operations.values()) <= sum(by["size"].operations.values()) + 14


def test_relative_errors():
    best = edge.search("tanh", max_error=1e-2, metric="rel")
    x = np.geomspace(1e-30, 1e3, 10001).astype(np.float32)
    exact = np.tanh(x.astype(np.float64))
    assert np.max(np.abs(best(x) - exact) / exact) <= 1e-2


def test_errors_in_units_of_the_output():
    scales = {"input": edge.Affine(8 / 128, 0), "output": edge.Affine(1 / 128, 0)}
    best = edge.search("tanh", max_error=0.51, metric="lsb", dtype="int8", **scales)
    assert best.nbytes == 256 and best.certificate.max_lsb <= 0.5
    with pytest.raises(ValueError, match="met by no table"):
        edge.search("tanh", max_error=0.1, metric="lsb", dtype="int8", **scales)


def test_frontier():
    front = edge.pareto("tanh", errors=[3e-2, 1e-2])
    assert len(front) > 3
    costs = [point.costs() for point in front.points]
    assert costs == sorted(costs)
    for a in costs:
        assert not any(b != a and all(x <= y for x, y in zip(b, a, strict=True)) for b in costs)
    for point in front.points:
        assert point.error == point.approximant.certificate.max_abs <= 3e-2
        assert point.nbytes == point.approximant.nbytes
        assert point.operations >= 3 and point.ns > 0
    assert str(front).count("\n") == len(front)
    figure = edge.plot(front)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "bytes",
        "operations",
        "ns for an element",
    ]


def test_error_curves():
    made = edge.polynomial("gelu", 5)
    figure = edge.plot(made)
    curve = figure.axes[0].lines[0].get_ydata()
    assert np.max(np.abs(curve)) == pytest.approx(made.certificate.max_abs, rel=0.01)
    with pytest.raises(TypeError, match="got str"):
        edge.plot("gelu")
    with pytest.raises(ValueError, match="points"):
        edge.plot(Frontier("gelu", ()))
    assert Point(made, 1.0, 2, 3, 4.0).costs() == (1.0, 2, 3, 4.0)


@pytest.mark.parametrize(
    ("keywords", "error", "match"),
    [
        ({"max_error": 0}, ValueError, "max_error must be positive"),
        ({"max_error": -1e-3}, ValueError, "max_error must be positive"),
        ({"max_error": np.nan}, ValueError, "max_error must be positive"),
        ({"max_error": "small"}, TypeError, "max_error must be a number"),
        ({"max_error": 1e-3, "metric": "ulp"}, ValueError, "metric must be one of"),
        ({"max_error": 1e-3, "prefer": "beauty"}, ValueError, "prefer must be one of"),
        ({"max_error": 1e-3, "metric": "lsb"}, TypeError, "must be given as Affine"),
        ({"max_error": 1e-3, "input": edge.Affine(1.0, 0)}, TypeError, "for the metric lsb"),
        ({"max_error": 1e-3, "domain": (1, 0)}, ValueError, "domain must be finite"),
    ],
)
def test_bad_wishes(keywords, error, match):
    with pytest.raises(error, match=match):
        edge.search("tanh", **keywords)
