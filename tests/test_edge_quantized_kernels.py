"""Kernels on integer codes: the same results on every instruction set, engine, and arrangement."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import devices
import fastcpuact as act
from conftest import require
from fastcpuact import edge, engines

KERNELS = Path(act.__file__).with_name("kernels")
LENGTHS = (0, 1, 7, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 255, 4096 + 45)
KINDS = (("int8", "tflite"), ("uint8", "tflite"), ("int16", "tflite"), ("int16", "compact"))


@cache
def made(dtype: str, format: str) -> edge.Approximant:
    scale = 1 / 16 if dtype != "int16" else 8 / 2**15
    affine = edge.Affine(scale, 128 if dtype == "uint8" else 0)
    return edge.quantized("gelu", input=affine, output=affine, dtype=dtype, format=format)


def some_codes(dtype: str, shape: object, seed: int = 0) -> np.ndarray:
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max + 1, shape).astype(dtype)


# Byte shuffles.


def byte_kernels() -> list[str]:
    if not engines.COMPILED:
        return []
    from fastcpuact.kernels import driver, quantized

    return quantized.available_byte_kernels(driver.cpu_level())


@pytest.fixture
def byte_kernel(request):
    from fastcpuact.kernels import quantized

    before = byte_kernels_of_this_level()[0]
    quantized.use_byte_kernel(request.param)
    yield request.param
    quantized.use_byte_kernel(before)


def byte_kernels_of_this_level() -> list[str]:
    from fastcpuact.kernels import quantized

    level = engines.LEVEL
    return quantized.available_byte_kernels(int(level[1:]) if level.startswith("v") else 0)


@pytest.mark.parametrize("byte_kernel", byte_kernels(), indirect=True)
def test_byte_shuffles(byte_kernel):
    """Any table, every code in every lane, all lengths, at any alignment, in place too."""
    from fastcpuact.kernels import quantized

    rng = np.random.default_rng(1)
    lanes = (np.arange(64 * 256) // 64 + np.arange(64 * 256)).astype(np.uint8)
    for _ in range(3):
        table = rng.integers(0, 256, 256).astype(np.uint8)
        for length in (*LENGTHS, lanes.size):
            x = lanes if length == lanes.size else rng.integers(0, 256, length).astype(np.uint8)
            memory = np.full(length + 192, 0xA5, np.uint8)
            y = memory[64 + length % 64 :][:length]
            quantized.lookup_bytes(table, x, y)
            np.testing.assert_array_equal(y, table[x])
            y[...] = 0xA5
            assert np.all(memory == 0xA5)  # nothing is written beyond
            z = x.copy()
            quantized.lookup_bytes(table, z, z)
            np.testing.assert_array_equal(z, table[x])


def test_byte_kernels_are_chosen():
    require("compiled")
    from fastcpuact.kernels import quantized

    names = byte_kernels()
    assert names[-1] == "scalar"
    assert quantized.available_byte_kernels(0)[-1] == "scalar"
    with pytest.raises(ValueError, match="has no byte kernel 'nonsense'"):
        quantized.use_byte_kernel("nonsense")
    with pytest.raises(ValueError, match="256 bytes"):
        quantized.lookup_bytes(*(np.zeros(8, np.uint8) for _ in range(3)))


def test_plain_arrays_take_the_short_way():
    require("compiled")
    from fastcpuact.kernels.quantized import look_up

    table = np.arange(256).astype(np.int8)[::-1].copy()
    x = np.arange(-60, 60).astype(np.int8).reshape(8, 15)
    both, inside = np.empty((2, 8, 15), np.int8), x.ravel()
    first, second = both  # they touch
    np.testing.assert_array_equal(look_up(table, x, None), table[x])
    assert look_up(table, x, first) is first
    assert look_up(table, first, second) is second
    np.testing.assert_array_equal(second, table[table[x]])
    read_only, subclass = np.empty_like(x), x.view(type("Subclass", (np.ndarray,), {}))
    read_only.flags.writeable = False
    for codes, out in (
        (x[:, ::2], None),
        (x.view(np.uint8), None),
        (x[0, 0], None),
        (x.tolist(), None),
        (subclass, None),
        (x, subclass),
        (x, read_only),
        (x, x.T),
        (x, both),
        (inside[1:], inside[:-1]),
        (inside[:-1], inside[1:]),
    ):
        assert look_up(table, codes, out) is None
    with pytest.raises(ValueError, match="256 bytes"):
        look_up(table[:8], x, None)


PROGRAM = """
#include "bytes.h"
#include <stdio.h>
static uint8_t table[256], x[5000], y[5000];
int main(void)
{
    uint32_t state = 1;
    for (int k = 0; k < byte_kernels(); k++) {
        if (!byte_kernel_list[k].available)
            continue;
        for (size_t n = 0; n < sizeof x; n = n * 3 / 2 + 1) {
            for (size_t i = 0; i < 256; i++)
                table[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
            for (size_t i = 0; i < sizeof x; i++)
                x[i] = (uint8_t)(i * 7 + i / 256), y[i] = 0;
            byte_kernel_list[k].run(table, x, y, n);
            for (size_t i = 0; i < sizeof x; i++)
                if (y[i] != (i < n ? table[x[i]] : 0))
                    return 1;
        }
        puts(byte_kernel_list[k].name);
    }
    return 0;
}
"""


@pytest.mark.parametrize("target", devices.CROSS, ids=lambda target: target.name)
def test_byte_shuffles_of_other_processors(target, tmp_path):
    target.require()
    (tmp_path / "program.c").write_text(PROGRAM)
    program = str(tmp_path / "program")
    subprocess.run(
        [*target.compiler, "-O2", f"-I{KERNELS}", "-o", program, str(tmp_path / "program.c")],
        check=True,
    )
    done = subprocess.run([*target.runner, program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == (["neon"] if target.name == "aarch64" else []) + ["scalar"]


# Both engines, any arrangement of arrays.


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_every_code(kind, engine):
    table = made(*kind)
    codes = table.all_codes()
    with act.engine("compiled" if engines.COMPILED else engine):
        wanted = table(codes)
    np.testing.assert_array_equal(table(codes), wanted)
    assert wanted.dtype == codes.dtype


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_arrangements(kind):
    table = made(*kind)
    dtype = kind[0]
    x = some_codes(dtype, (6, 50))
    wanted = table(x)
    by_code = table(table.all_codes())
    lowest = int(np.iinfo(dtype).min)
    for arranged in (x[::-1, ::2], x.T, np.asfortranarray(x), x[1:, 3:7], x[:0], x[2, 5:6]):
        np.testing.assert_array_equal(table(arranged), by_code[arranged.astype(int) - lowest])
    assert isinstance(table(x[0, 0]), np.generic)
    out = np.empty_like(x)
    assert table(x, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    strided = np.zeros((12, 50), dtype)
    table(x, out=strided[::2])
    np.testing.assert_array_equal(strided[::2], wanted)
    assert not strided[1::2].any()
    same = x.copy()
    table(same, out=same)
    np.testing.assert_array_equal(same, wanted)
    flat = x.ravel().copy()
    overlapping = flat.copy()
    table(overlapping[:-1], out=overlapping[1:])
    np.testing.assert_array_equal(overlapping[1:], table(flat[:-1]))
    frozen = x.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(table(frozen), wanted)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_threads(kind):
    table = made(*kind)
    x = some_codes(kind[0], 2**22 + 77)
    with act.num_threads(1):
        one = table(x)
    with act.num_threads(4):
        np.testing.assert_array_equal(table(x), one)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_refused_arrays(kind):
    table = made(*kind)
    x = some_codes(kind[0], (3, 4))
    y = np.full_like(x, 5)
    other = "uint16" if kind[0] != "uint16" else "int8"
    for wrong, error, words in (
        (1, TypeError, "x must be an array of"),
        ([1, 2], TypeError, "x must be an array of"),
        (x.astype(np.float32), TypeError, "x must be of"),
        (x.astype(other), TypeError, "x must be of"),
    ):
        with pytest.raises(error, match=words):
            table(wrong, out=y)
        with pytest.raises(error, match=words):
            table.grad(wrong)
        with pytest.raises(error, match=words):
            table.backward(1.0, wrong)
    read_only = y.copy()
    read_only.flags.writeable = False
    for out, error, words in (
        (y[:2], ValueError, "out must have the shape"),
        (y.astype(other), ValueError, "out must be of"),
        (read_only, ValueError, "out must be writeable"),
        ([0], TypeError, "out must be an array"),
    ):
        with pytest.raises(error, match=words):
            table(x, out=out)
    assert np.all(y == 5)
