"""Exported C computes the bits of NumPy: on several compilers, processors and emulated boards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import devices
import fastcpuact as act
from fastcpuact import edge
from fastcpuact.emit import c99
from forms import REQUIRED

# What each target runs by default: between them all leaves, and both tiers.
CHOSEN = (("gelu", "exact"), ("dish", "exact"), ("mish", "fast"))
ALL = [(name, method) for name in act.activations for method in ("exact", "fast")]


def forms(name: str, method: str) -> list[act.Form]:
    tier = act.activations[name] if method == "exact" else act.activations[name].fast
    return [tier, tier.grad] if "grad" in tier.record.formulas else [tier]


def required(name: str) -> dict[str, float]:
    params = act.activations[name].params
    return {p: REQUIRED for p, default in params.items() if default is None}


def exported(chosen: list[tuple[str, str]], dtype: str = "float32") -> devices.Exported:
    texts, functions, selftests = [], [], []
    for name, method in chosen:
        options = {"method": method, "dtype": dtype, "params": required(name)}
        texts.append(edge.export_c(name, prefix=f"{method}_", **options))
        functions += [f"{method}_{name}", f"{method}_{name}_grad"][: len(forms(name, method))]
        selftests.append(f"{method}_{name}_selftest")
    real = np.dtype(dtype)
    return devices.Exported("\n".join(texts), tuple(functions), tuple(selftests), real, real)


def check(chosen, target, folder, dtype="float32", count=devices.COUNT, **options) -> None:
    target.require()
    made = replace(exported(chosen, dtype), count=count)
    program = devices.build(target, made, folder, **options)
    found = iter(devices.results(target, made, program))
    x = made.inputs()
    for name, method in chosen:
        for form in forms(name, method):
            got, wanted = next(found), form(x, **required(name))
            bits = f"u{got.itemsize}"
            same = (got.view(bits) == wanted.view(bits)) | (np.isnan(got) & np.isnan(wanted))
            assert same.all(), f"{form.__name__}({x[~same][0]!r})"


@pytest.mark.parametrize("target", devices.TARGETS, ids=lambda target: target.name)
def test_formulas(target, tmp_path):
    check(CHOSEN, target, tmp_path)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_every_formula(dtype, tmp_path):
    check(
        ALL, devices.GCC, tmp_path, dtype, count=devices.COUNT // (1 if dtype == "float32" else 8)
    )


@pytest.mark.parametrize(
    "target", (devices.CLANG, devices.CROSS[-1], *devices.BOARDS), ids=lambda target: target.name
)
def test_formulas_in_float64(target, tmp_path):
    check(CHOSEN[:2], target, tmp_path, "float64", count=10_000)


@pytest.mark.parametrize("flags", ((), ("-DFASTCPUACT_SOFT_FMA",)), ids=str)
def test_leaves(flags, tmp_path):
    """A fused multiply-add and a square root without an instruction, against those of libm."""
    devices.GCC.require()
    program = str(tmp_path / "leaves")
    defines = (f'-DLEAVES="{c99.LEAVES}"', "-DCOUNT=1000000")
    source = str(devices.SOURCES / "leaves.c")
    command = (*devices.GCC.compiler, *devices.STRICT, "-O2", *flags, *defines)
    devices.run([*command, source, "-o", program, "-lm"])
    devices.run([program])


@pytest.mark.long
@pytest.mark.parametrize("optimise", ("-O0", "-Os", "-O3"))
@pytest.mark.parametrize("target", devices.TARGETS, ids=lambda target: target.name)
def test_every_formula_everywhere(target, optimise, tmp_path):
    check(ALL, target, tmp_path, optimise=optimise)
