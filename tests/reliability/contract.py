"""What NumPy promises of ufuncs: overlapping operands, any stride and size, special values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from . import check
from .processes import in_process
from .targets import DTYPES, Elementwise, as_tuple, elementwise, rowwise, same_bits, sample

Random = np.random.Generator


def random_view(rng: Random, memory: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return a view of a shape with random steps, offset and order of axes, or None."""
    order = rng.permutation(len(shape))
    view = memory
    # An axis of the memory for each of the view, long enough for a random step.
    lengths = [shape[axis] for axis in order]
    steps = rng.choice((-3, -2, -1, 1, 1, 2, 3), len(shape))
    extents = [max(1, (n - 1) * abs(int(s)) + 1) for n, s in zip(lengths, steps, strict=True)]
    extents = [e + int(rng.integers(0, 3)) for e in extents]
    size = int(np.prod(extents))
    if size > memory.size:
        return None
    start = int(rng.integers(0, memory.size - size + 1))
    view = memory[start : start + size].reshape(extents)
    for axis, (n, s, extent) in enumerate(zip(lengths, steps, extents, strict=True)):
        spare = extent - max(1, (n - 1) * abs(int(s)) + 1)
        first = int(rng.integers(0, spare + 1))
        last = first + (n - 1) * abs(int(s))
        chosen = slice(first, last + 1, abs(int(s))) if n else slice(0, 0)
        index = [slice(None)] * view.ndim
        index[axis] = chosen
        view = view[tuple(index)]
        if s < 0:
            view = np.flip(view, axis)
    return view.transpose(np.argsort(order))


def overlap_case(rng: Random, targets: list[Elementwise]) -> bool:
    """Compare a call on overlapping views with the call on copies; return whether any overlap."""
    target = targets[rng.integers(len(targets))]
    dtype = DTYPES[rng.integers(3)]
    ndim = int(rng.integers(1, 6))
    most = {1: 600, 2: 24, 3: 9, 4: 5, 5: 4}[ndim]
    shape = tuple(int(n) for n in rng.integers(1, most + 1, ndim))
    memory = sample(5000, dtype, seed=int(rng.integers(2**31)))
    views = [random_view(rng, memory, shape) for _ in range(target.nin + target.nout)]
    if any(view is None for view in views):
        return False
    made: list[np.ndarray] = [view for view in views if view is not None]
    operands, results = made[: target.nin], made[target.nin :]
    if rng.random() < 0.3:  # exactly in place
        results[0] = operands[-1]
    if rng.random() < 0.2 and ndim > 1:  # one row or number for all
        axis = int(rng.integers(ndim))
        operands[0] = np.broadcast_to(operands[0].take([0], axis), shape)
    for k, result in enumerate(results[1:], start=1):
        # Where results overlap each other, NumPy does not say what comes out either.
        if any(np.shares_memory(result, other) for other in results[:k]):
            results[k] = np.empty(shape, dtype)
    overlaps = any(np.may_share_memory(a, b) for a, b in itertools.product(operands, results))
    expected = as_tuple(target.ufunc(*(a.copy() for a in operands)))
    target.short(*operands, out=results[0] if len(results) == 1 else tuple(results))
    assert same_bits(tuple(results), expected), (target.name, dtype, shape)
    return overlaps


def overlap_cases(count: int, seed: int) -> tuple[int, int]:
    """Try random cases; return their number and how many overlap."""
    rng = np.random.default_rng(seed)
    targets = list(elementwise())
    overlapping = sum(overlap_case(rng, targets) for _ in range(count))
    return count, overlapping


@check(
    "overlap",
    "NumPy contract",
    "operands and results that are random views of one memory, in one to five dimensions, give the "
    "result of the call on copies",
)
def overlap(full: bool) -> str:
    cases, overlapping = in_process(overlap_cases, 100_000 if full else 3000, 0)
    assert overlapping > cases / 3
    return f"{cases:,} views, {overlapping:,} of them overlapping: 0 differences"


def spaced(x: np.ndarray, step: int, extra: int) -> np.ndarray:
    """Return a copy of x whose elements stand at a stride, of whole items and an extra part."""
    itemsize = x.dtype.itemsize
    stride = abs(step) * itemsize + extra
    raw = np.full(max(1, x.size * max(stride, itemsize)) + 64, 0xA5, np.uint8)
    start = -raw.ctypes.data % itemsize
    view = np.ndarray(x.shape, x.dtype, raw, start, (stride,))
    view[...] = x
    return view[::-1] if step < 0 else view


def strides_and_sizes(sizes: list[int], one_in: int) -> int:
    """Call on every combination of strides and sizes, or on one in so many of the targets."""
    calls = 0
    for number, target in enumerate(elementwise()):
        if number % one_in:
            continue
        for dtype in DTYPES:
            itemsize = np.dtype(dtype).itemsize
            operands = tuple(sample(max(sizes), dtype, seed=k) for k in range(target.nin))
            whole = as_tuple(target.ufunc(*operands))
            for step, n in itertools.product(range(-4, 5), sizes):
                # A field of a record: not a multiple of the item's size, and not aligned.
                for extra in (0, 1) if step > 0 else (0,):
                    part = tuple(
                        np.broadcast_to(x[:1], n) if step == 0 else spaced(x[:n], step, extra)
                        for x in operands
                    )
                    expected = tuple(
                        np.broadcast_to(r[:1], n) if step == 0 else r[:n][:: -1 if step < 0 else 1]
                        for r in whole
                    )
                    assert same_bits(target.short(*part), expected), (target.name, dtype, step, n)
                    out = tuple(
                        spaced(np.zeros(n, dtype), step or 1, extra * itemsize) for _ in whole
                    )
                    target.short(*part, out=out if len(out) > 1 else out[0])
                    assert same_bits(out, expected), (target.name, dtype, step, n, "out")
                    calls += 2
    return calls


@check(
    "strides and sizes",
    "NumPy contract",
    "strides of -4 to 4 items, fields of packed records and broadcasting, for 0 to 130 elements "
    "and around the ends of blocks: the bits of contiguous arrays",
)
def strides(full: bool) -> str:
    sizes = [*range(131), 511, 512, 513, 1025] if full else [0, 1, 2, 7, 17, 513]
    calls = in_process(strides_and_sizes, sizes, 1 if full else 7, timeout=3600)
    return f"{calls:,} calls: 0 differences"


def special_values(copies: list[int]) -> int:
    """Call with every special value under errstate(all="raise")."""
    calls = 0
    for target in elementwise():
        for dtype in DTYPES:
            info = np.finfo(dtype)
            edges = [info.max, info.tiny, info.smallest_subnormal, np.inf, 0.0, 1.0, 20.0, 750.0]
            edges += [np.nan, 88.7, 104.0, 1e-3, info.eps]
            with np.errstate(all="ignore"):
                values = np.array([*edges, *(-e for e in edges)], np.float64).astype(dtype)
            # A NaN that signals would be reported by the copy; these are quiet.
            for value, n in itertools.product(values, copies):
                x = np.full(n, value, dtype)
                neighbours = np.resize(values, n)
                for operands in ((x,) * target.nin, (neighbours,) * (target.nin - 1) + (x,)):
                    with np.errstate(all="raise"):
                        results = as_tuple(target.ufunc(*operands))
                    calls += 1
                    if operands[0] is x:
                        for result in results:
                            first = np.full(n, result[0])
                            assert same_bits(result, first), (target.name, dtype, value)
    return calls


@check(
    "floating-point warnings",
    "NumPy contract",
    "no special value, alone, 33 times or among others, raises one of the four flags under "
    'np.errstate(all="raise"); every lane gives the same bits',
)
def warnings(full: bool) -> str:
    copies = [1, 2, 3, 5, 8, 16, 17, 33, 64] if full else [33]
    return f"{in_process(special_values, copies, timeout=3600):,} calls: 0 warnings"


def lanes(rounds: int) -> int:
    """Compare an element among strange neighbours with the same element alone."""
    rng = np.random.default_rng(5)
    compared = 0
    for target in elementwise():
        for dtype in DTYPES:
            x = sample(257, dtype, seed=3)
            operands = (*(sample(257, dtype, seed=4 + k) for k in range(target.nin - 1)), x)
            expected = as_tuple(target.ufunc(*operands))
            for _ in range(rounds):
                strange = rng.choice([np.nan, np.inf, -np.inf, 3e4, -3e4, 1e-7], 257)
                kept = rng.random(257) < 0.5
                mixed = tuple(np.where(kept, a, strange.astype(dtype)) for a in operands)
                for got, wanted in zip(as_tuple(target.ufunc(*mixed)), expected, strict=True):
                    assert same_bits(got[kept], wanted[kept]), (target.name, dtype)
                    compared += int(kept.sum())
    return compared


@check(
    "lanes",
    "NumPy contract",
    "an element does not depend on its neighbours in a vector, be they NaN, infinite or huge",
)
def independent_lanes(full: bool) -> str:
    return f"{in_process(lanes, 200 if full else 1, timeout=3600):,} elements: 0 differences"


def row_views(count: int, seed: int) -> int:
    """Call functions along an axis on random views; compare with contiguous copies."""
    rng = np.random.default_rng(seed)
    functions = list(rowwise())
    for _ in range(count):
        row = functions[rng.integers(len(functions))]
        dtype = DTYPES[rng.integers(3)]
        ndim = int(rng.integers(1, 6))
        shape = tuple(int(n) for n in rng.integers(1, {1: 700, 2: 40}.get(ndim, 5) + 1, ndim))
        axis = int(rng.integers(ndim))
        memory = np.nan_to_num(sample(12_000, dtype, int(rng.integers(2**31))), posinf=2, neginf=-2)
        views: list[Any] = [random_view(rng, memory, shape) for _ in range(row.nin + 1)]
        if any(view is None for view in views):
            continue
        *operands, out = views
        moved = [np.ascontiguousarray(np.moveaxis(a, axis, -1)) for a in operands]
        expected = row(*moved)
        if row.to_numbers:
            got = row(*operands, axis=axis)
        else:
            expected = np.moveaxis(expected, -1, axis)
            got = row(*operands, axis=axis, out=operands[0] if rng.random() < 0.3 else out)
        assert same_bits(np.asarray(got), np.asarray(expected)), (row.name, dtype, shape, axis)
    return count


@check(
    "rows of views",
    "NumPy contract",
    "functions along any axis of random views of up to five dimensions, with results in place or "
    "on overlapping views, have the bits of contiguous rows",
)
def rows(full: bool) -> str:
    return f"{in_process(row_views, 50_000 if full else 1500, 1):,} calls: 0 differences"


def running(count: int, seed: int) -> int:
    """Accumulate and reduce with ufuncs of two operands, whose output is the next input."""
    rng = np.random.default_rng(seed)
    binary = [t.form.ufunc for t in elementwise() if t.form.ufunc.nin == 2 and t.nout == 1]
    for _ in range(count):
        ufunc = binary[rng.integers(len(binary))]
        dtype = DTYPES[rng.integers(3)]
        n = int(rng.integers(1, 40))
        x = random_view(rng, sample(2000, dtype, int(rng.integers(2**31))), (3, n))
        assert x is not None
        expected = [x[:, 0]]
        for k in range(1, n):
            expected.append(ufunc(expected[-1].copy(), x[:, k].copy()))
        assert same_bits(ufunc.accumulate(x, axis=1), np.stack(expected, axis=1)), ufunc
        assert same_bits(ufunc.reduce(x, axis=1), expected[-1]), ufunc
    return count


@check(
    "reduce and accumulate",
    "NumPy contract",
    "ufunc.reduce and ufunc.accumulate, in which each element needs the result before, give the "
    "results of single calls",
)
def reductions(full: bool) -> str:
    return f"{in_process(running, 20_000 if full else 300, 3):,} calls: 0 differences"
