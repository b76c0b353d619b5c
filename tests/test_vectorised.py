"""Every inner loop vectorises under both compilers; the compilers' own reports say so."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import setuptools
from Cython.Compiler import Options
from Cython.Compiler.Main import compile as translate
from llvmlite import ir
from numba import njit, types

import cross
import fastcpuact
from conftest import bits_of_fma
from fastcpuact.emit.cython import cython_module
from fastcpuact.emit.kernels import kernel_name
from fastcpuact.emit.rows import ARRAYS
from fastcpuact.formulas import ACTIVATIONS, RECORDS, ROW_KERNELS
from fastcpuact.formulas.language import FLOAT32, PRECISIONS
from fastcpuact.jit import interleave, native
from fastcpuact.jit.module import module_of, module_of_rows
from fastcpuact.kernels.levels import PORTABLE, X86_64_LEVELS
from fastcpuact.kernels.select import KERNELS

X86_64 = sysconfig.get_platform().endswith("x86_64")
COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]
HEADERS = Path(fastcpuact.__file__).parent / "kernels"


@cache
def build_flags(platform: str, gcc: bool) -> dict[str, list[str]]:
    """The flags that setup.py gives each level: its own text is run, without the build."""
    source = Path(__file__).parents[1] / "setup.py"
    scope = {"__file__": str(source), "__name__": "setup"}
    environment = mock.patch.dict(os.environ, _PYTHON_HOST_PLATFORM=platform)
    with environment, mock.patch.object(setuptools, "setup") as declared:
        exec(compile(source.read_text(), str(source), "exec"), scope)
    flags = {}
    for extension in declared.call_args.kwargs["ext_modules"]:
        level = extension.name.rpartition(".")[2].lstrip("_")
        macros = [f"-D{name}={value}" for name, value in extension.define_macros]
        flags[level] = scope["CFLAGS"] + extension.extra_compile_args + macros
        if gcc:
            flags[level] += scope["gcc_flags"](extension.name)
    return flags


@pytest.fixture(scope="module")
def translated(tmp_path_factory) -> tuple[Path, list[str]]:
    """The kernels as C whose line numbers are those of the printed Cython, and its lines."""
    folder = tmp_path_factory.mktemp("kernels")
    source = folder / "kernels.pyx"
    source.write_text(cython_module(RECORDS))
    result = translate(str(source), Options.CompilationOptions(emit_linenums=True))
    assert result.num_errors == 0
    (folder / "program.c").write_text(cross.program(folder / "kernels.c"))
    return folder / "kernels.c", source.read_text().splitlines()


def kernel_loops(lines: list[str]) -> dict[int, str]:
    """Line number of the loop of each elementwise kernel, and of the maps in row kernels.

    Of their forms for columns it is the loop over these.
    """
    loops, function = {}, ""
    for number, line in enumerate(lines, start=1):
        if line.startswith("cdef"):
            function = line
        elif line.strip().startswith(("for i in range(n):", "for i in range(start, stop):")):
            loops[number + ("_columns(" in function)] = function
    return loops


@cache
def vectorised_lines(level: str, source: Path, compiler: str, platform: str) -> set[int]:
    """Lines whose loop the C compiler reports as vectorised."""
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    gcc = "clang" not in version.stdout
    flags = build_flags(platform, gcc)
    # Without folding, or a kernel that is the same as another would have no line of its own.
    gcc_report = ["-fopt-info-loop-vec-optimized", "-fno-ipa-icf"]
    report = gcc_report if gcc else ["-Rpass=loop-vectorize"]
    command = [compiler, "-c", "-w", *flags[level], *report, f"-I{HEADERS}"]
    command += [f"-I{sysconfig.get_paths()['include']}", str(source), "-o", f"{source}.{level}.o"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # A loop that copies becomes a call of memcpy, which is as good.
    done_with = r"kernels\.pyx:(\d+):.*(?:vectorized|library call)"
    found = re.findall(done_with, done.stdout + done.stderr)
    return {int(number) for number in found}


HERE = sysconfig.get_platform()
CROSS = ("portable", "aarch64-linux-gnu-gcc", "linux-aarch64")
TARGETS = [(level, COMPILER, HERE) for level in (X86_64_LEVELS if X86_64 else (PORTABLE,))]


def needs(compiler: str) -> None:
    if shutil.which(compiler) is None:
        assert not os.environ.get("CI"), f"{compiler} is missing"
        pytest.skip(f"{compiler} is not installed")


@pytest.mark.parametrize(
    "target",
    # A level takes minutes; what vectorises at the last one and elsewhere hardly fails at others.
    [
        pytest.param(target, marks=[pytest.mark.long] * (target in TARGETS[:-1]))
        for target in (*TARGETS, CROSS)
    ],
    ids=lambda target: "-".join(target[:2]),
)
def test_cython_loops_vectorise(target, translated):
    level, compiler, platform = target
    needs(compiler)
    source, lines = translated
    loops = kernel_loops(lines)
    records = RECORDS
    kernels = sum(len(r.forms_in(fast)) for r in records for fast in (False, True))
    assert len(loops) >= kernels * len(PRECISIONS)
    if target is CROSS:
        # The same kernels, and a program around them that runs in the next test.
        source = source.with_name("program.c")
    vectorised = vectorised_lines(level, source, compiler, platform)
    assert not [loops[number] for number in sorted(set(loops) - vectorised)]


@bits_of_fma
def test_aarch64_kernels_give_the_same_bits(translated, tmp_path):
    """The kernels for aarch64, as setup.py compiles them, run under an emulator."""
    level, compiler, platform = CROSS
    emulator = "qemu-aarch64"
    needs(compiler)
    needs(emulator)
    source = translated[0].with_name("program.c")
    vectorised_lines(level, source, compiler, platform)
    cross.link(compiler, Path(f"{source}.{level}.o"), tmp_path / "program")
    rng = np.random.default_rng(0)
    # Everywhere, where functions bend, and what is no number in between.
    anything = rng.integers(0, 2**32, 1000, np.uint32).view(np.float32)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 3.0, -3.0, 6.0]
    x = np.concatenate([anything[np.isfinite(anything)], rng.uniform(-20, 20, 1000), special])
    results = cross.emulated(emulator, tmp_path / "program", x)
    differing = []
    for (name, key, kernel), result in zip(cross.table(), results, strict=True):
        address, *_ = np.atleast_1d(KERNELS[name, key, kernel.precision.dtype])
        expected = cross.native(int(address), kernel, x)
        same = (result == expected) & (np.signbit(result) == np.signbit(expected))
        same |= np.isnan(result) & np.isnan(expected)
        if not same.all():
            differing.append((name, key, kernel.precision.dtype, int((~same).sum())))
    assert not differing
    assert len(results) > 400


@pytest.mark.parametrize("stem", ("short", "driver", "call", "rows", "row_call"))
def test_handwritten_modules_compile_for_aarch64(stem, tmp_path):
    _, compiler, platform = CROSS
    needs(compiler)
    source = tmp_path / f"{stem}.c"
    package = Path(__file__).parents[1]
    result = translate(
        str(package / "fastcpuact" / "kernels" / f"{stem}.pyx"),
        Options.CompilationOptions(output_file=str(source), include_path=[str(package)]),
    )
    assert result.num_errors == 0
    includes = [
        f"-I{path}" for path in (HEADERS, np.get_include(), sysconfig.get_paths()["include"])
    ]
    flags = build_flags(platform, gcc=True)[stem]
    command = [compiler, "-c", *flags, *includes, str(source), "-o", str(tmp_path / "object.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_scalar_loop_is_noticed(tmp_path):
    """The check can fail: a loop with a recurrence has no vector form."""
    needs(COMPILER)
    source = tmp_path / "kernels.c"
    source.write_text(
        '#include "leaves.h"\n'
        "void sum(in_f32 x, out_f32 y, long n)\n{\n"
        '#line 7 "kernels.pyx"\n'
        "    for (long i = 1; i < n; i++) y[i] = y[i - 1] * x[i];\n"
        '#line 8 "kernels.pyx"\n'
        "    for (long i = 0; i < n; i++) y[i] = select_f32(x[i] > 0, x[i], 0);\n}\n"
    )
    assert vectorised_lines(*TARGETS[-1][:1], source, *TARGETS[-1][1:]) == {8}


VECTOR = r"(?:store|fmul|fadd|fdiv|fcmp|llvm\.fma\.v\d+f\d+).*<\d+ x (?:float|double)>"


def vector_operations(dispatcher, signature) -> list[str]:
    """Arithmetic and stores on vectors in the optimised LLVM code of a kernel."""
    dispatcher.compile(signature)
    return re.findall(VECTOR, dispatcher.inspect_llvm(signature))


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: p.dtype)
@pytest.mark.parametrize("fast", (False, True), ids=("exact", "fast"))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_numba_loops_for_the_driver_vectorise_and_call_no_libm(name, fast, precision):
    record = ACTIVATIONS[name]
    for form in record.forms_in(fast).values():
        functions, _ = native.compiled(
            record, form, precision.dtype, fast=fast, at_defaults=record.defaults is not None
        )
        for function in functions:
            text = function.inspect_llvm()
            stores = [line for line in re.findall(VECTOR, text) if line.startswith("store")]
            assert len(stores) >= len(form.results), form.name
            assert not libm_in([text])


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: p.dtype)
@pytest.mark.parametrize(
    "name", ("softmax_row", "log_softmax_row", "sparsemax_row", "logsumexp_row")
)
def test_numba_loops_over_rows_vectorise_without_gathering(name, precision):
    text = native.compiled_row(name, precision.dtype).inspect_llvm()
    assert re.search(VECTOR, text)
    assert "masked.gather" not in text and "masked.scatter" not in text


# Where no driver is compiled; the loops are the same.
@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: p.dtype)
@pytest.mark.parametrize("fast", (False, True), ids=("exact", "fast"))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_numba_loops_vectorise_and_call_no_libm(name, fast, precision):
    record = ACTIVATIONS[name]
    real = types.float32 if precision is FLOAT32 else types.float64
    array = types.Array(real, 1, "C")
    for form in record.forms_in(fast).values():
        kernel = getattr(module_of(record), kernel_name(record, form.key(fast), precision))
        operands = [array] * len(form.operands) + [real] * len(record.params)
        signature = (*operands, *[array] * len(form.results))
        stores = [line for line in vector_operations(kernel, signature) if "store" in line[:5]]
        assert len(stores) >= len(form.results), form.name
        assert not calls_of_libm(kernel)


# The formulas of gradients in float64 are the long ones.
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_loops_of_users_vectorise_with_what_they_call(name):
    activation = fastcpuact.activations[name]
    required = tuple(1.0 for default in activation.params.values() if default is None)
    slope = activation.grad

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = 3 * slope(x[i] + 1, *required)

    array = types.Array(types.float64, 1, "C")
    operations = vector_operations(loop, (array, array))
    assert any(line.startswith("store") for line in operations)


def stores_together(dispatcher, signature) -> int:
    """How many vectors the optimised LLVM code of a function stores at most in one block."""
    dispatcher.compile(signature)
    text = dispatcher.inspect_llvm(signature)
    blocks = re.split(r"^\S+:", text, flags=re.MULTILINE)
    return max(len(re.findall(r"store <\d+ x (?:float|double)>", block)) for block in blocks)


ARRAYS_OF_USERS = (types.Array(types.float64, 2, "C"),) * 2


def test_vectors_of_users_loops_are_computed_side_by_side():
    gelu = fastcpuact.gelu

    @njit(error_model="numpy")
    def loop(x, y):
        for i in range(x.shape[0]):
            if x[i, 0] == 0:
                continue
            for j in range(x.shape[1]):
                y[i, j] = gelu(x[i, j])

    assert stores_together(loop, ARRAYS_OF_USERS) >= 4


def test_a_function_of_a_user_is_as_good_as_what_it_calls():
    gelu = fastcpuact.gelu

    @njit
    def shifted(x):
        return gelu(x + 1)

    @njit
    def layer(x):
        return 2 * shifted(x)

    @njit
    def loop(x, y):
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                y[i, j] = layer(x[i, j])

    assert stores_together(loop, ARRAYS_OF_USERS) >= 4


def test_other_loops_of_users_are_left_alone():
    @njit(error_model="numpy")
    def loop(x, y):
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                t = x[i, j]
                for _ in range(12):
                    t = t * (t * (t * t + 3) + 2) + 1
                y[i, j] = t

    assert stores_together(loop, ARRAYS_OF_USERS) == 1


def test_a_call_of_assembly_is_no_call_of_a_function():
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "f")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.asm(function.function_type, "nop", "", (), True)
    assert not interleave._calls(builder.block)


def test_loops_are_found():
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), [ir.IntType(1)]), "f")
    entry, outer, inner, skipped, end = map(function.append_basic_block, "eoisx")
    condition = function.args[0]
    ir.IRBuilder(entry).branch(outer)
    ir.IRBuilder(outer).cbranch(condition, inner, end)
    ir.IRBuilder(inner).cbranch(condition, inner, skipped)
    ir.IRBuilder(skipped).branch(outer)
    ir.IRBuilder(end).ret_void()
    found = {latch: body for latch, body in interleave._loops(function)}
    assert found == {inner: {inner}, skipped: {outer, inner, skipped}}


def test_a_scalar_numba_loop_is_noticed():
    from fastcpuact.jit.leaves import serial

    @serial
    def recurrence(x, y):
        for i in range(1, x.size):
            y[i] = y[i - 1] * x[i]

    array = types.Array(types.float32, 1, "C")
    assert not vector_operations(recurrence, (array, array))


# LLVM makes calls of the C library of these intrinsics; its fma and sqrt are instructions.
LIBM = re.compile(
    r"llvm\.(exp|log|pow|sin|cos|tan)\w*\.|_*(exp|expm1|log|log1p|tanh|erfc?|pow|fma|sqrt)f?$"
)


def calls_of_libm(dispatcher) -> set[str]:
    """The functions of the C library that the LLVM code of all signatures calls."""
    return libm_in(dispatcher.inspect_llvm().values())


def libm_in(texts) -> set[str]:
    """The functions of the C library that some LLVM code calls."""
    called = {name for text in texts for name in re.findall(r"call [^@\n]*@\"?([\w.]+)", text)}
    return {name for name in called if LIBM.match(name)}


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: p.dtype)
@pytest.mark.parametrize("name", [row.name for row in ROW_KERNELS.values() if row.exported])
def test_numba_row_kernels_hold_no_call_of_libm(name, precision):
    kernel = getattr(module_of_rows(), f"{name}_{precision.suffix}_kernel")
    types = {n: t for n, t in ROW_KERNELS[name].function.__annotations__.items() if t in ARRAYS}
    # The place 0 is in every group; a kernel takes any other at its word.
    arrays = {
        n: np.zeros((2, 3), np.intp if t == "Places" else precision.dtype) for n, t in types.items()
    }
    kernel(*arrays.values())
    assert kernel.signatures
    assert not calls_of_libm(kernel)


def test_a_call_of_libm_is_noticed():
    @njit
    def calls(x):
        return math.exp(x)

    calls(1.0)
    assert calls_of_libm(calls)
