"""Curves as polynomials: what is judged by them is judged as by the curves themselves."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from flint import arb

from fastcpuact.accuracy import inputs, judgement, pieces, quick
from fastcpuact.accuracy.reference import REFERENCES, Curve
from fastcpuact.accuracy.sweep import Sweep
from fastcpuact.accuracy.ulp import spacing

CURVES = [("gelu", "value"), ("silu", "grad"), ("hardswish", "grad"), ("snake", "value")]


def curve_of(name: str, formula: str) -> Curve:
    return REFERENCES[name]().curves[formula]


def span_at(x: float, size: int) -> np.ndarray:
    start = inputs.rank(np.float32(x)) // size * size
    return np.concatenate(list(inputs.every(np.float32, range(start, start + size))))


@pytest.mark.skipif(not pieces.HAS_WIDE, reason="no numbers wider than float64")
@pytest.mark.parametrize(("name", "formula"), CURVES)
def test_polynomials_are_the_curve(name: str, formula: str) -> None:
    curve = curve_of(name, formula)
    random = np.random.default_rng(5)
    for x in (random.uniform(-9, 9, 4000), 10.0 ** random.uniform(-30, -29, 1000)):
        x = np.sort(x)
        found = pieces.evaluate(curve, x)
        known = ~np.isnan(found)
        assert known.mean() > 0.5
        exact = curve.exactly(x[known])
        error = [abs(float(y - float(f)) - float(f - pieces.Wide(float(f)))) for f, y in
                 zip(found[known], exact, strict=True)]  # fmt: skip
        assert np.all(error <= 2**-5 * spacing(exact.astype(np.float64), np.float64))


def test_what_is_beyond_float64_is_an_infinity() -> None:
    assert pieces.wide(arb(2) ** 2000) == np.inf
    assert pieces.wide(-(arb(2) ** 2000)) == -np.inf


@pytest.mark.parametrize(("name", "formula"), CURVES)
@pytest.mark.parametrize("at", [-12.5, -1.6, -1e-6, 1e-39, 0.3, 2.9, 7.0, 1e9])
def test_quick_judgement_is_that_of_the_curve(name: str, formula: str, at: float) -> None:
    curve, kernel = curve_of(name, formula), Sweep(name, formula, "float32").kernel()
    size = 2**17
    x = span_at(at, size)
    piece = pieces.KINDS[np.float32].fit(curve, inputs.rank(x[0]) // size, size)
    if piece is None:
        assert name == "snake" and at == 1e9  # the wave is too short
        return
    result = kernel(x)
    before = kernel(np.nextafter(x[:1], np.float32(-np.inf)))[0]
    quickly = quick.judge(curve, piece, x, result, before)
    slowly = judgement.judge(curve, x, result, before=before)
    assert quickly is not None
    assert quickly.inputs == slowly.inputs
    assert abs(quickly.largest.error - slowly.largest.error) < 2**-6
    assert abs(quickly.misrounded.number - slowly.misrounded.number) <= 2**-10 * size
    for fault in ("order", "outside", "signs", "limits"):
        assert getattr(quickly, fault) == getattr(slowly, fault)


def change(i: int, value: Callable) -> Callable[[np.ndarray], None]:
    def plant(result: np.ndarray) -> None:
        result[i] = value(result[i])

    return plant


@pytest.mark.parametrize(
    "plant",
    [
        change(5, lambda y: np.nan),
        change(70_000, lambda y: np.inf),
        change(-1, lambda y: -y),
        change(1024, lambda y: y * 0),
        change(1023, lambda y: np.float32(1.0000001)),
        change(1024, lambda y: y * np.float32(0.999)),
        change(0, lambda y: y * np.float32(0.999)),
    ],
)
def test_anything_special_is_left_to_the_curve(plant: Callable[[np.ndarray], None]) -> None:
    curve, size = curve_of("sigmoid", "value"), 2**17
    x = span_at(0.3, size)
    piece = pieces.KINDS[np.float32].fit(curve, inputs.rank(x[0]) // size, size)
    result = Sweep("sigmoid", "value", "float32").kernel()(x)
    before = float(result[0])
    assert quick.judge(curve, piece, x, result, before) is not None
    plant(result)
    assert quick.judge(curve, piece, x, result, before) is None


def test_one_wrong_result_is_found_by_quick_judgement() -> None:
    curve, size = curve_of("gelu", "grad"), 2**17
    x = span_at(0.3, size)
    piece = pieces.KINDS[np.float32].fit(curve, inputs.rank(x[0]) // size, size)
    result = Sweep("gelu", "grad", "float32").kernel()(x)
    result[31_337] += 5 * np.spacing(result[31_337])
    found = quick.judge(curve, piece, x, result, float(result[0]))
    assert found.largest.error > 4
    assert found.largest.at == (inputs.rank(x[31_337]),)


def test_a_kink_has_no_polynomial() -> None:
    curve, kind = curve_of("softshrink", "grad"), pieces.KINDS[np.float32]
    for kink in (-0.5, 0.5):
        span = inputs.rank(np.float32(kink)) // 2**17
        assert kind.fit(curve, span, 2**17) is None
        assert kind.fit(curve, span - int(np.sign(kink)), 2**17) is not None


def test_spans_are_all_ranks_once() -> None:
    ranks = range(2**31 - 3 * 2**20 - 5, 2**31 + 2**21 + 7)
    found = [span for _, span in pieces.divide(curve_of("tanh", "value"), np.float32, ranks)]
    assert found[0].start == ranks.start
    assert found[-1].stop == ranks.stop
    assert all(a.stop == b.start for a, b in pairwise(found))
