"""Larger than memory or than one machine, and labelled: Dask, xarray, pandas, Awkward, files."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastcpuact as act
from conftest import require_package

da = require_package("dask.array")
xr = require_package("xarray")
pd = require_package("pandas")
ak = require_package("awkward")
require_package("distributed")

X = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32) * 3


@pytest.fixture(params=["threads", "synchronous"])
def chunked(request):
    import dask

    with dask.config.set(scheduler=request.param):
        yield da.from_array(X, chunks=(4, 3))


def same(lazy, expected) -> bool:
    assert isinstance(lazy, da.Array) and lazy.dtype == expected.dtype
    got = lazy.compute()
    return got.dtype == expected.dtype and np.array_equal(got, expected)


# Dask.


def test_dask_elementwise(chunked):
    assert same(act.gelu(chunked), act.gelu(X))
    assert same(act.gelu.fast.grad(chunked), act.gelu.fast.grad(X))
    assert same(act.leaky_relu(chunked, 0.2), act.leaky_relu(X, 0.2))
    assert same(act.swish(chunked, beta=2), act.swish(X, beta=2))
    weight = np.linspace(0, 1, 8, dtype=np.float32)
    assert same(act.prelu(chunked, da.from_array(weight, chunks=5)), act.prelu(X, weight))
    assert same(act.tanh.backward(chunked, chunked), act.tanh.backward(X, X))
    assert same(act.swiglu(chunked, chunked), act.swiglu(X, X))
    assert same(act.relu(chunked.astype(np.int8)), act.relu(X.astype(np.int8)))


@pytest.mark.parametrize("f", [act.gelu, act.silu.grad, act.gelu.value_and_grad, act.softmax])
def test_dask_of_what_is_not_real(f):
    with pytest.raises(TypeError, match="must hold real numbers of at most 64 bits, got complex64"):
        f(da.from_array(X * np.complex64(1j)))


def test_dask_several_results(chunked):
    for got, expected in zip(
        act.gelu.value_and_grad(chunked), act.gelu.value_and_grad(X), strict=True
    ):
        assert same(got, expected)
    weight = np.linspace(0.5, 1, 8, dtype=np.float32)
    for params in ((2.0,), (weight,), (da.from_array(weight, chunks=5),)):
        got = act.softplus.value_and_grad(chunked, *params)
        expected = act.softplus.value_and_grad(X, *map(np.asarray, params))
        assert all(g.compute().shape == X.shape for g in got)
        assert all(np.allclose(g, e, rtol=1e-6) for g, e in zip(got, expected, strict=True))
        assert all(g.dtype == np.float32 for g in got)
    for got, expected in zip(
        act.swiglu.backward(chunked, chunked, chunked), act.swiglu.backward(X, X, X), strict=True
    ):
        assert same(got, expected)
    with pytest.raises(TypeError, match="takes no keyword 'where'"):
        act.gelu.value_and_grad(chunked, where=False)


def test_dask_param_grads(chunked):
    weight = np.linspace(0, 1, 8, dtype=np.float32)
    [got] = act.prelu.param_grads(chunked, chunked, weight)
    [expected] = act.prelu.param_grads(X, X, weight)
    assert isinstance(got, da.Array) and got.dtype == np.float32
    np.testing.assert_allclose(got.compute(), expected, rtol=1e-6)
    got = act.threshold.param_grads(chunked, chunked, 0.5, 0.1)
    expected = act.threshold.param_grads(X, X, 0.5, 0.1)
    np.testing.assert_allclose([g.compute() for g in got], expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax", "sparsemax", "entmax15"])
def test_dask_rows(chunked, name):
    f = getattr(act, name)
    whole = chunked.rechunk({1: -1})
    assert same(f(whole), f(X))
    assert same(f(chunked.rechunk({0: -1}), axis=0), f(X, axis=0))
    y = f(X)
    assert same(f.backward(whole, f(whole)), f.backward(X, y))
    assert same(f.backward(X, f(whole)), f.backward(X, y))
    mask = X[0] > 0
    assert same(f(whole, where=mask), f(X, where=mask))
    assert same(f(whole, where=whole > 0), f(X, where=X > 0))
    with pytest.raises(ValueError, match=r"axis 1 is split into 3 chunks, .* rechunk\(\{1: -1\}\)"):
        f(chunked)
    with pytest.raises(TypeError, match="takes no out"):
        f(whole, out=X)
    with pytest.raises(np.exceptions.AxisError):
        f(whole, axis=2)


@pytest.mark.parametrize("gate", ["first", "second"])
@pytest.mark.parametrize("axis", [0, -1])
def test_dask_packed(chunked, axis, gate):
    f = act.swiglu
    y = f.packed(X, axis, gate)
    assert same(f.packed(chunked, axis, gate), y)
    dx = f.packed_backward(y, X, axis, gate)
    assert same(f.packed_backward(da.from_array(y), chunked, axis, gate), dx)
    assert same(f.packed_backward(y, chunked, axis, gate), dx)
    assert same(f.packed_backward(da.from_array(y), X, axis, gate), dx)
    assert same(f.packed(chunked.astype(np.int8), axis), f.packed(X.astype(np.int8), axis))
    with pytest.raises(TypeError, match="packed: a Dask array takes no out"):
        f.packed(chunked, axis, out=y)
    with pytest.raises(TypeError, match="packed_backward: a Dask array takes no out"):
        f.packed_backward(y, chunked, axis, out=X)
    with pytest.raises(ValueError, match="dy must have the shape"):
        f.packed_backward(chunked, chunked, axis)
    with pytest.raises(ValueError, match="must have an even length"):
        f.packed(chunked[:5, :5], axis)


def test_dask_logsumexp(chunked):
    whole = chunked.rechunk({1: -1})
    assert same(act.logsumexp(whole), act.logsumexp(X))
    assert same(act.logsumexp(whole, keepdims=True), act.logsumexp(X, keepdims=True))
    dy = X[:, 0]
    got = act.logsumexp.backward(da.from_array(dy, chunks=4), whole)
    np.testing.assert_allclose(got.compute(), act.logsumexp.backward(dy, X), rtol=1e-6)
    row = da.from_array(X[0].astype(np.float32), chunks=-1)
    got = act.logsumexp.backward(2.0, row)
    assert got.dtype == np.float32
    assert same(got, act.logsumexp.backward(2.0, row.compute()))


def test_ufuncs_are_pickled():
    for form in (act.gelu, act.gelu.fast.grad, act.swiglu.backward):
        again = pickle.loads(pickle.dumps(form.ufunc))
        assert again is form.ufunc and copy.deepcopy(form.ufunc) is form.ufunc
    assert pickle.loads(pickle.dumps(np.exp)) is np.exp


CLUSTER = """
import numpy as np, dask.array as da, xarray as xr
import fastcpuact as act
from distributed import Client, LocalCluster

@act.define
def shifted(x, by=0.5):
    return act.relu(x - by)

if __name__ == "__main__":
    options = dict(processes=True, n_workers=2, threads_per_worker=1, dashboard_address=None)
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        X = np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)
        x = da.from_array(X, chunks=(16, 16))
        workers = client.run(lambda: __import__("os").getpid())
        assert len(set(workers.values())) == 2
        y, d = act.gelu.value_and_grad(x)
        assert np.array_equal(y.compute(), act.gelu(X))
        assert np.array_equal(d.compute(), act.gelu.grad(X))
        assert np.array_equal(act.silu.fast(x).compute(), act.silu.fast(X))
        assert np.array_equal(act.elu(x, 0.5).compute(), act.elu(X, 0.5))
        assert np.array_equal(act.softmax(x).compute(), act.softmax(X))
        assert np.array_equal(act.mish(xr.DataArray(x)).compute(), act.mish(X))
        futures = client.map(act.gelu.grad, [X, -X])
        assert np.array_equal(client.gather(futures)[1], act.gelu.grad(-X))
        assert client.submit(shifted, np.ones(3)).result().tolist() == [0.5] * 3
        print("done")
"""


def test_a_cluster_of_processes(tmp_path):
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    env = {**os.environ, "FASTCPUACT_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script], env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0 and done.stdout.strip() == "done", done.stderr


# xarray, pandas, Awkward, masked arrays.


def test_xarray():
    array = xr.DataArray(X, dims=("sample", "feature"), coords={"sample": range(6)})
    y = act.gelu(array)
    assert isinstance(y, xr.DataArray) and y.dims == array.dims and "sample" in y.coords
    assert np.array_equal(y, act.gelu(X)) and y.dtype == np.float32
    value, slope = act.gelu.value_and_grad(array)
    assert value.dims == array.dims and np.array_equal(slope, act.gelu.grad(X))
    lazy = array.chunk({"sample": 2})
    value, slope = act.gelu.value_and_grad(lazy)
    assert isinstance(slope.data, da.Array) and np.array_equal(slope, act.gelu.grad(X))
    data = act.tanh(xr.Dataset({"a": array, "b": array[0]}))
    assert np.array_equal(data["b"], act.tanh(X[0]))
    rows = xr.apply_ufunc(
        act.softmax,
        lazy,
        input_core_dims=[["feature"]],
        output_core_dims=[["feature"]],
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    assert np.array_equal(rows, act.softmax(X))


def test_pandas():
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    y = act.gelu(frame)
    assert isinstance(y, pd.DataFrame) and list(y.columns) == list(frame.columns)
    assert np.array_equal(y, act.gelu(X))
    series = frame["b"]
    value, slope = act.silu.value_and_grad(series)
    assert isinstance(slope, pd.Series) and slope.name == "b"
    assert np.array_equal(value, act.silu(X[:, 1])) and np.array_equal(
        slope, act.silu.grad(X[:, 1])
    )
    assert np.array_equal(act.leaky_relu(series, negative_slope=0.2), act.leaky_relu(X[:, 1], 0.2))


def test_awkward():
    ragged = ak.Array([[1.0, -2.0], [], [3.5]])
    y = act.gelu(ragged)
    assert y.to_list() == [act.gelu(np.array(row, float)).tolist() for row in ragged.to_list()]
    value, slope = act.tanh.value_and_grad(ragged)
    assert ak.num(slope).to_list() == [2, 0, 1] and value[2, 0] == act.tanh(3.5)
    assert act.elu(ragged, 0.5)[0, 1] == act.elu(-2.0, 0.5)


def test_masked_arrays():
    masked = np.ma.masked_greater(X, 1)
    y = act.gelu(masked)
    assert isinstance(y, np.ma.MaskedArray) and np.array_equal(y.mask, masked.mask)
    assert np.array_equal(y.compressed(), act.gelu(X)[~masked.mask])
    _, slope = act.gelu.value_and_grad(masked)
    assert np.array_equal(slope.mask, masked.mask)
    with pytest.raises(TypeError, match="masked array, whose mask would be lost"):
        act.softmax(masked)


def test_masked_elements_are_no_part_of_gradients_of_parameters():
    masked = np.ma.masked_greater(X, 0.5)
    without = np.where(masked.mask, 0, X)
    for weight in (0.25, np.full((1, X.shape[-1]), 0.25, np.float32)):
        [got] = act.prelu.param_grads(masked, X, weight)
        [expected] = act.prelu.param_grads(without, X, weight)
        assert np.array_equal(got, expected) and np.shape(got) == np.shape(weight)
    [alone] = act.prelu.param_grads(masked, X, X)
    assert np.array_equal(alone.mask, masked.mask)


# Files.

FILES = """
import resource, sys
import numpy as np
import fastcpuact as act

rows, columns = 256, 1 << 17  # 128 MiB
source = np.memmap(sys.argv[1], np.float32, "w+", shape=(rows, columns))
target = np.memmap(sys.argv[2], np.float32, "w+", shape=(rows, columns))
source[::100] = np.linspace(-5, 5, columns, dtype=np.float32)
act.gelu(np.zeros(1 << 16, np.float32))  # threads start
act.softmax(np.zeros((1 << 4, 1 << 12), np.float32))
# No more memory of its own than this, a quarter of the file; shared mappings of files do not count.
used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + (32 << 20), -1))
try:
    np.exp(source)
except MemoryError:
    pass
else:
    sys.exit("the limit is none")
act.gelu(source, out=target)
assert np.array_equal(target[100], act.gelu(source[100]))
for start in range(0, rows, 8):
    act.softmax(source[start : start + 8], out=target[start : start + 8])
assert np.array_equal(target[200], act.softmax(source[200]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
def test_files_larger_than_memory(tmp_path):
    # Sparse, but for the results.
    names = [str(tmp_path / name) for name in ("source", "target")]
    done = subprocess.run([sys.executable, "-c", FILES, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
