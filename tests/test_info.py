"""What is said of each activation: computed properties, knowledge, measured figures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

import fastcpuact as act
from conftest import require
from fastcpuact.accuracy.reference import REFERENCES
from fastcpuact.info import LIBRARIES, info_of, measured, properties
from fastcpuact.info.facts import facts
from fastcpuact.info.knowledge import knowledge
from fastcpuact.numeric import expectation, jumps, largest, smallest

ELEMENTWISE = act.names()


# What is computed from a function


def test_jumps_finds_all_and_no_others():
    def g(x):
        return np.where(x > 1 / 3, 1e-3, 0) + np.where(x >= -2.7, 5.0, np.sin(3 * x)) + np.exp(x)

    assert jumps(g, -5, 5) == pytest.approx([-2.7, 1 / 3])
    assert len(jumps(np.exp, -40, 40)) == len(jumps(np.abs, -1, 1)) == 0


@pytest.mark.parametrize(
    ("g", "breaks", "exact"),
    [
        (lambda z: z**4, (), 3.0),
        (np.exp, (), math.exp(0.5)),
        (lambda z: np.maximum(z - 0.3, 0), (0.3,), norm.pdf(0.3) - 0.3 * norm.sf(0.3)),
        (lambda z: (z > 1 / 3) * 1.0, (1 / 3,), norm.sf(1 / 3)),
    ],
)
def test_expectation_is_good_to_the_last_digits(g, breaks, exact):
    assert expectation(g, breaks) == pytest.approx(exact, rel=1e-13)


def test_extrema():
    x = np.linspace(-5, 5, 200)
    place, value = smallest(lambda x: (x - 1 / 3) ** 2 - 2, x)
    assert place == pytest.approx(1 / 3, abs=1e-7)
    assert value == pytest.approx(-2, abs=1e-15)
    assert largest(np.cos, x)[1] == 1


def cases() -> list[tuple[str, dict[str, float]]]:
    """The defaults, and the other parameters that the oracle has facts for."""
    defaults = [(name, {}) for name in ELEMENTWISE if None not in act.get(name).params.values()]
    return [
        *defaults,
        ("threshold", {"threshold": -1.0, "value": 3.0}),
        ("leaky_relu", {"negative_slope": -0.5}),
        ("elu", {"alpha": 2.0}),
        ("celu", {"alpha": 0.5}),
        ("hardtanh", {"min_val": 0.25, "max_val": 3.0}),
        ("softshrink", {"lambd": 1.25}),
        ("swish", {"beta": 3.0}),
    ]


@pytest.mark.parametrize(("name", "params"), cases(), ids=str)
def test_properties_agree_with_the_definitions(name, params):
    """Range, kinks, order and symmetry, which the oracle states from the literature."""
    found = properties(act.get(name), **params)
    facts = REFERENCES[name](**params).facts
    if "value" in facts.image:
        low, high = map(float, facts.image["value"])
        assert found.range.low == pytest.approx(low, rel=1e-12, abs=1e-300)
        assert found.range.high == pytest.approx(high, rel=1e-12)
    assert found.rising == ("value" in facts.rising)
    assert found.falling == ("value" in facts.falling)
    parity = {"odd": -1, "even": 1, None: 0}[found.symmetry]
    assert parity == facts.parity.get("value", 0)
    kinks = [float(place) for place, _ in facts.kinks]
    assert set(np.round(kinks, 9)) <= set(np.round(found.kinks, 9))


def test_range_says_which_ends_are_values():
    ranges = {
        "relu": "[0, ∞)",
        "sigmoid": "(0, 1)",
        "tanh": "(-1, 1)",
        "hardtanh": "[-1, 1]",
        "hardsigmoid": "[0, 1]",
        "softsign": "(-1, 1)",
        "gaussian": "(0, 1]",
        "elu": "(-1, ∞)",
        "hardswish": "[-0.375, ∞)",
        "logsigmoid": "(-∞, 0)",
        "identity": "(-∞, ∞)",
        "step": "[0, 1]",
        "exponential": "(0, ∞)",
    }
    assert {name: str(act.get(name).info.properties.range) for name in ranges} == ranges


def test_smoothness():
    orders = {
        **dict.fromkeys(["step", "hardshrink", "spike_atan"], -1),
        **dict.fromkeys(["relu", "selu", "hardswish", "softshrink"], 0),
        **dict.fromkeys(["elu", "celu", "softsign", "relu_squared", "sparse_plus"], 1),
        **dict.fromkeys(["gelu", "tanh", "softplus", "squareplus", "snake"], 2),
    }
    assert {name: act.get(name).info.properties.derivatives for name in orders} == orders
    assert properties(act.elu, alpha=2.0).derivatives == 0


def test_saturation_and_centre():
    found = {name: act.get(name).info.properties for name in ELEMENTWISE}
    centred = {name for name, p in found.items() if p.zero_centred}
    assert centred == {name for name, p in found.items() if p.symmetry == "odd"} | {"selu"}
    assert found["tanh"].saturating == "both" and not any(found["tanh"].flat)
    assert found["relu6"].saturating == "both" and all(found["relu6"].flat)
    assert found["gelu"].saturating == "left" and found["logsigmoid"].saturating == "right"
    assert found["snake"].saturating == "none"
    assert {n for n, p in found.items() if p.surrogate} == {"spike_atan", "spike_fast_sigmoid"}
    assert found["selu"].deviation == pytest.approx(1, rel=1e-12)
    assert found["sigmoid"].steepest == pytest.approx(0.25, rel=1e-12)


def test_properties_refuse_unknown_and_missing_parameters():
    with pytest.raises(TypeError, match="gelu has no parameter 'alpha'"):
        properties(act.gelu, alpha=1.0)
    with pytest.raises(TypeError, match="threshold needs a number as 'threshold'"):
        properties(act.threshold, value=1.0)


# What people know


def test_knowledge_is_there_for_every_function_and_nothing_else():
    assert set(knowledge()) == set(act.names(None))
    for name, known in knowledge().items():
        assert known.title and known.used and known.pitfalls, name
        required = {p for p, default in act.get(name).params.items() if default is None}
        assert act.get(name).kind != "elementwise" or set(known.typical) == required


def test_figures_in_the_pitfalls():
    """Numbers that the text mentions are those of the functions."""

    def falls_until(name: str) -> float:
        return brentq(lambda x: float(act.get(name).grad(x)), -3, 0)

    def said(name: str) -> str:
        return " ".join(knowledge()[name].pitfalls)

    for name in ("gelu", "silu", "mish"):
        assert f"left of {falls_until(name):.2f}." in said(name)
    x = np.linspace(-9, 9, 100_001)
    assert 4e-4 < np.max(np.abs(act.gelu(x) - act.gelu_tanh(x))) < 5e-4
    assert "5e-4" in said("gelu_tanh")
    assert round(np.max(np.abs(act.gelu(x) - act.gelu_sigmoid(x))), 2) == 0.02
    assert "0.02:" in said("gelu_sigmoid")
    for dtype, shown in (("float16", 11.08), ("float32", 88.72), ("float64", 709.78)):
        end = np.array([shown, shown + 0.02], dtype)
        assert np.isfinite(act.exponential(end)).tolist() == [True, False]
        assert f"{shown} in {dtype}" in said("exponential")
    assert act.spike_fast_sigmoid.grad(0.2) < 0.03
    assert act.softsign(9.0) == 0.9 and round(float(act.softplus(0.0)), 2) == 0.69
    assert np.isinf(act.relu_squared(np.float16(256))) and act.relu_squared(np.float16(255)) < 65504
    assert act.sigmoid.info.properties.steepest <= 1 / 4
    # At -3 the slope is 0 by convention, at 3 it is 1.
    assert act.hardswish.grad(np.nextafter(3, 0)) == pytest.approx(1.5)
    assert act.snake.info.properties.steepest == pytest.approx(2)


def test_names_in_other_libraries_are_unknown_to_none():
    for known in knowledge().values():
        for library in LIBRARIES:
            spelled = getattr(known, library)
            assert spelled is None or (spelled and spelled.count("(") == spelled.count(")"))


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if "torch" in act.get(n).info.names])
def test_names_in_torch_compute_the_same(name):
    torch = pytest.importorskip("torch")
    f, spelled = act.get(name), act.get(name).info.names["torch"]
    x = torch.linspace(-4, 4, 41, dtype=torch.float64)
    given = {**f.params, **knowledge()[name].typical}
    space = {"torch": torch, "x": x, **given, "weight": torch.tensor([0.25], dtype=torch.float64)}
    if name == "step":
        spelled = spelled.replace("0.0", "0.0, dtype=torch.float64")
    result = eval(spelled, space)  # a text of this package
    if isinstance(result, torch.nn.Module):
        result = result(x)
    np.testing.assert_allclose(result, f(x.numpy(), *given.values()), rtol=1e-6, atol=1e-9)


# What was measured


def test_measured_figures_are_those_of_the_functions():
    timed = {name for name in act.names(None) if measured.costs(name)}
    assert timed >= {*ELEMENTWISE, *act.names("gated"), *act.names("rowwise")}
    assert all(cost.relative == 1 for cost in measured.costs("relu").values())
    assert measured.costs("gelu")["value"].relative > 1
    for name in ELEMENTWISE:
        for formula, by_dtype in measured.errors(name).items():
            assert formula in act.get(name).record.formulas
            assert all(0 <= error.ulp <= error.bound for error in by_dtype.values())
    assert "one thread" in measured.conditions()


def cell(name: str, form: str = "value", ns: float = 100.0, **changes: object) -> dict:
    case = {
        **{"name": name, "form": form, "dtype": "float32", "size": 10, "threads": 1},
        **{"result": "out", "inputs": "normal", "layout": "contiguous", "axis": None},
        **changes,
    }
    return {"case": case, "measurements": {"fastcpuact": {"ns": [0, ns, 999]}}}


def row(**changes: object) -> dict:
    return {
        **{"activation": "gelu", "formula": "value", "tier": "exact", "parameters": "default"},
        **{"dtype": "float32", "inputs": 5, "every_input": False, "largest_error": 1.23456},
        **{"bound": 2.0, "at": {"x": -1.5}, "passed": True},
        **changes,
    }


def speed(*cells: dict) -> dict:
    machine = {"processor": "P", "engine": "compiled", "level": "v3", "system": "S", "load": 3}
    return {"started": "2020-01-02T03", "versions": {}, "machine": machine, "cells": list(cells)}


def test_condense_keeps_what_compares():
    result = measured.condense(
        speed(
            cell("relu", ns=50.0),
            cell("gelu"),
            cell("gelu", ns=7.0, threads=2),
            cell("gelu", ns=7.0, dtype="float64"),
            cell("gelu", ns=7.0, size=11),
            cell("softmax", ns=7.0, axis=0),
            cell("softmax", ns=80.0, axis=-1),
        ),
        [row(), row(tier="fast", largest_error=9.0), row(parameters="other", largest_error=9.0)],
        10,
    )
    ns = result["speed"]["ns"]
    assert ns == {"relu": {"value": 5.0}, "gelu": {"value": 10.0}, "softmax": {"value": 8.0}}
    assert result["accuracy"]["gelu"]["value"]["float32"]["ulp"] == 1.235
    assert "load" not in result["speed"]["machine"]


def test_condense_refuses_what_cannot_be_related_or_is_wrong():
    with pytest.raises(ValueError, match="relu was not timed"):
        measured.condense(speed(cell("gelu")), [], 10)
    with pytest.raises(ValueError, match=r"gelu\.value did not pass"):
        measured.condense(speed(cell("relu")), [row(passed=False)], 10)


def test_info_of_a_users_own_activation():
    require("numba")

    def bent(x):
        """x + |x|/2."""
        return x + (x if x > 0 else -x) / 2

    info = act.define(bent, domain=(-4.0, 4.0)).info
    assert info.properties.rising and info.properties.kinks == (0.0,)
    assert info.formula == "x + |x|/2." and info.errors == info.costs == {}
    assert str(info).startswith("bent: bent")


# The card


@pytest.mark.parametrize("name", act.names(None))
def test_info_of_every_kind(name):
    f = act.get(name)
    info = f.info
    assert info is info_of(f)
    assert (info.properties is not None) == (f.kind == "elementwise")
    assert info.formula and info.title
    text = str(info)
    assert text.startswith(f"{name}: {info.title}")
    assert all(part in text for part in (info.formula.rstrip("."), *info.names.values()))
    back = json.loads(json.dumps(info.as_dict(), allow_nan=False))
    assert back["name"] == name and back["pitfalls"]
    assert len(facts(info)) == len(facts(act.gelu.info))


def test_fast_tier_has_the_same_info():
    assert act.gelu.fast.info is act.gelu.info
