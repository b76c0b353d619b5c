"""The kernels from Cython and from C++: an example package is built against fastcpuact and run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastcpuact as act
from conftest import require

PACKAGE = Path(__file__).parent / "example_package"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    require("compiled")
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(PACKAGE, folder, dirs_exist_ok=True)
    # Cython looks for declarations on the path, where an editable installation is not.
    found = str(Path(act.__file__).parents[1])
    # What is tested is the interface: an optimising compiler takes its time for nothing.
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=folder,
        env={
            **os.environ,
            "CFLAGS": "-O0",
            "PYTHONPATH": os.pathsep.join(filter(None, [found, os.environ.get("PYTHONPATH")])),
            "PYTHONWARNINGS": "default",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def load(name: str):
        (path,) = folder.glob(f"{name}.*.so")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load("layers"), load("native")


@pytest.mark.parametrize("n", [1, 7, 1000, 200_000])
def test_cython(built, n):
    layers, _ = built
    x = np.linspace(-9, 9, n, dtype=np.float32)
    assert np.array_equal(layers.forward(x, x), act.gelu(x + x))
    assert np.array_equal(layers.backward(x, x), act.gelu.backward(x, x))
    wide = np.linspace(-3, 3, n)
    y, d = layers.elu(wide)
    assert np.array_equal(y, act.elu(wide, 0.5)) and np.array_equal(d, act.elu.grad(wide, 0.5))
    assert np.array_equal(layers.leaky(wide), act.leaky_relu.fast(wide, 0.25))


def test_cython_says_what_is_missing(built):
    layers, _ = built
    with pytest.raises(TypeError, match=r"gelu\.backward reads 2 arrays and writes 1, not 1 and 1"):
        layers.misused(np.ones(3, np.float32))
    assert repr(layers.refused("elu", "backward")) == "<Float32 kernel of elu.backward>"
    with pytest.raises(ValueError, match="no activation is called 'gelo'"):
        layers.refused("gelo", "value")
    with pytest.raises(ValueError, match="relu has no form 'param_grads': it has value, grad"):
        layers.refused("relu", "param_grads")
    with pytest.raises(TypeError, match="elu has no parameter 'beta'"):
        layers.refused("elu", "value", beta=1.0)
    with pytest.raises(TypeError, match="threshold needs the parameter 'value'"):
        layers.refused("threshold", "value", threshold=0.5)


def test_cpp(built):
    _, native = built
    x = np.linspace(-9, 9, 1001)
    assert np.array_equal(native.slope(x), act.softplus.grad(x, 2.0))
    assert np.array_equal(native.tanh(x), act.tanh(x))
    assert native.level in ("v2", "v3", "v4", "portable")
    assert native.look_up("expit") == (2, 1, 4) and native.look_up("elu") == (3, 1, 4)
    with pytest.raises(ValueError, match="no activation is called 'gelo'"):
        native.look_up("gelo")
    with pytest.raises(ValueError, match="run refused its arguments"):
        native.wrong(x)
    with pytest.raises(ValueError, match="run refused its arguments"):
        native.misused(x)
    with pytest.raises(ValueError, match="run refused its arguments"):
        native.narrow(x)
    with pytest.raises(ValueError, match="run refused its arguments"):
        native.not_found(x)
    with pytest.raises(TypeError, match="find: name, form and dtype must be strings, got NULL"):
        native.look_up(None)


def test_get_include():
    assert (Path(act.get_include()) / "fastcpuact.h").is_file()
