"""Exported C computes the bits of NumPy: on several compilers, processors and emulated boards."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bench_scripts
import devices
import fastcpuact as act
from conftest import bits_of_fma
from fastcpuact import edge
from fastcpuact.edge import Approximant
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


def same_bits(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    bits = f"u{got.itemsize}"
    return (got.view(bits) == wanted.view(bits)) | ((got != got) & (wanted != wanted))


def check(chosen, target, folder, dtype="float32", count=devices.COUNT, **options) -> None:
    target.require()
    made = replace(exported(chosen, dtype), count=count)
    program = devices.build(target, made, folder, **options)
    found = iter(devices.results(target, made, program))
    x = made.inputs()
    for name, method in chosen:
        for form in forms(name, method):
            got, wanted = next(found), form(x, **required(name))
            same = same_bits(got, wanted)
            assert same.all(), f"{form.__name__}({x[~same][0]!r})"


@bits_of_fma
@pytest.mark.parametrize("target", devices.TARGETS, ids=lambda target: target.name)
def test_formulas(target, tmp_path):
    check(CHOSEN, target, tmp_path)


@bits_of_fma
@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_every_formula(dtype, tmp_path):
    check(
        ALL, devices.GCC, tmp_path, dtype, count=devices.COUNT // (1 if dtype == "float32" else 8)
    )


@bits_of_fma
@pytest.mark.parametrize(
    "target", (devices.CLANG, devices.CROSS[-1], *devices.BOARDS), ids=lambda target: target.name
)
def test_formulas_in_float64(target, tmp_path):
    check(CHOSEN[:2], target, tmp_path, "float64", count=10_000)


def tables(dtype: str) -> list[Approximant]:
    unit = edge.Affine(1 / 16, 3), edge.Affine(1 / 100, -5)
    if dtype == "uint8":
        unit = edge.Affine(1 / 16, 131), edge.Affine(1 / 100, 123)
    if dtype.endswith("int8"):
        return [
            edge.quantized("tanh", input=unit[0], output=unit[1], dtype=dtype),
            edge.quantized("gelu", input=unit[0], output=unit[1], dtype=dtype, rounding="even"),
        ]
    wide, narrow = edge.Affine(8 / 2**15), edge.Affine(1 / 2**15)
    return [
        edge.quantized("tanh", input=wide, output=narrow, dtype=dtype),
        edge.quantized("tanh", input=wide, output=narrow, dtype=dtype, format="compact"),
        edge.quantized("silu", input=wide, output=wide, dtype=dtype, format="compact"),
    ]


def floats() -> list[Approximant]:
    """Every kind and every symmetry; where two kinds share code, one of them."""
    return [
        *(edge.lookup_table("tanh", 65, interpolation=way) for way in ("linear", "quadratic")),
        edge.lookup_table("tanh", 64, interpolation="cubic", spacing="optimal"),
        edge.lookup_table("sigmoid", 64, interpolation="nearest"),
        edge.lookup_table("sigmoid", 65, interpolation="quadratic", identity=False),
        edge.lookup_table("sigmoid", 65, interpolation="quadratic"),
        edge.lookup_table("sigmoid", 64, interpolation="cubic"),
        *(
            edge.lookup_table("exponential", 64, (-10, 0), interpolation=way)
            for way in ("nearest", "quadratic", "cubic")
        ),
        edge.lookup_table("softplus", 33, spacing="optimal"),
        edge.lookup_table("silu", 64, interpolation="cubic", identity=False),
        edge.piecewise_polynomial("gelu", 8, 3),
        edge.piecewise_polynomial("elu", 8, 2, (-6, 0), spacing="optimal"),
        edge.polynomial("gaussian", 5),
        edge.rational("tanh", 3, 3),
        edge.rational("gelu", 4, 3),
    ]


@functools.cache
def approximants(dtype: str) -> list[Approximant]:
    return floats() if dtype == "float32" else tables(dtype)


def check_approximants(dtype: str, target: devices.Target, folder: Path, order="unsigned") -> None:
    target.require()
    made = approximants(dtype)
    names = [f"act_f{k}" for k in range(len(made))]
    texts = [edge.export_c(a, name=f"f{k}", order=order) for k, a in enumerate(made)]
    selftests = tuple(f"{name}_selftest" for name in names)
    types = np.dtype(dtype), np.dtype(dtype)
    exported = devices.Exported("\n".join(texts), tuple(names), selftests, *types)
    x = exported.inputs()
    program = devices.build(target, exported, folder)
    for a, got in zip(made, devices.results(target, exported, program), strict=True):
        with np.errstate(all="ignore"):  # signalling NaN, infinities
            same = same_bits(got, a(x))
        assert same.all(), f"{a}({x[~same][0]!r})"


PROMISED = (devices.GCC, devices.CLANG, devices.SANITIZED[0], *devices.CROSS, *devices.BOARDS)


@pytest.mark.parametrize("target", PROMISED, ids=lambda target: target.name)
@pytest.mark.parametrize("dtype", ("float32", "int8", "int16"))
def test_approximants(dtype, target, tmp_path):
    check_approximants(dtype, target, tmp_path)


@pytest.mark.parametrize(("dtype", "order"), [("uint8", "unsigned"), ("int8", "signed")])
def test_orders_of_codes(dtype, order, tmp_path):
    check_approximants(dtype, devices.GCC, tmp_path, order)


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


def test_the_headers_are_cpp_too(tmp_path):
    """Projects for devices often are."""
    cpp = devices.Target("g++", ("g++", "-x", "c++", "-std=c++17"), packages="g++")
    cpp.require()
    texts = [edge.export_c("serf"), edge.export_c(approximants("int8")[0])]
    source = tmp_path / "main.cpp"
    source.write_text("\n".join([*texts, "int main() { return act_serf_selftest() ? 0 : 1; }"]))
    strict = [flag for flag in devices.STRICT if not flag.startswith("-std")]
    devices.run([*cpp.compiler, *strict, str(source), "-o", str(tmp_path / "main")])
    devices.run([str(tmp_path / "main")])


def test_a_flag_that_breaks_the_arithmetic_is_refused(tmp_path):
    devices.GCC.require()
    with pytest.raises(AssertionError, match="must not be compiled with -ffast-math"):
        devices.build(devices.GCC, exported([("gelu", "exact")]), tmp_path, "-ffast-math")


def test_the_self_test_finds_a_wrong_bit(tmp_path):
    devices.GCC.require()
    made = exported([("identity", "exact")])
    wrong = made.text.replace("{\n    return x;", "{\n    return x + 0.0f;")  # -0 becomes 0
    assert wrong != made.text
    program = devices.build(devices.GCC, replace(made, text=wrong), tmp_path)
    with pytest.raises(AssertionError, match="status 3"):
        devices.results(devices.GCC, made, program)


def test_instructions_are_counted(tmp_path):
    """By the script of the table in the README: two for each pass of a loop that is known."""
    for board in devices.BOARDS:
        board.require()
    costs = bench_scripts.load("device_costs")
    codes = np.zeros(costs.COUNT, np.int8)
    loop = 'n *= 500; __asm__ volatile("0: subs %0, #1\\n bne 0b" : "+r"(n) : : "cc");'
    known = costs.copy(codes)
    known = replace(known, text=known.text.replace("    size_t i;", f"    size_t i; {loop}"))
    for board in devices.BOARDS:
        _, plain, size = costs.on_board(board, costs.copy(codes), tmp_path)
        _, more, _ = costs.on_board(board, known, tmp_path)
        assert more - plain == pytest.approx(1000, rel=1e-3)
        assert plain < 8
        assert codes.nbytes < size < codes.nbytes + 1024


@pytest.mark.long
@pytest.mark.parametrize("optimise", ("-O0", "-Os", "-O3"))
@pytest.mark.parametrize("target", devices.TARGETS, ids=lambda target: target.name)
def test_every_formula_everywhere(target, optimise, tmp_path):
    # Clang's time grows with the cube of what is in a program.
    for start in range(0, len(ALL), 8):
        folder = tmp_path / str(start)
        folder.mkdir()
        check(ALL[start : start + 8], target, folder, optimise=optimise)
