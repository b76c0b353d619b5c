"""Building the package: from an sdist, without a compiler, with one that fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not (ROOT / "setup.py").exists(), reason="runs in a source tree only"
)


def setup_py(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "setup.py", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    """The unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    source = folder / "checkout"
    ignored = shutil.ignore_patterns(".git", "build", "dist", "*.so", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=ignored)
    done = setup_py(source, "-q", "sdist", "--dist-dir", str(folder))
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def build(sdist: Path, to: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # What is translated to C once is so for all.
    temporary = ("--build-temp", str(sdist.parent / "temporary"))
    return setup_py(sdist, "build", "--build-base", str(to), *temporary, **environment)


def run(folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    environment.pop("FASTCPUACT_ENGINE", None)
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_sdist_holds_no_generated_source(sdist):
    files = [path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()]
    assert "fastcpuact/kernels/driver.pyx" in files
    assert "fastcpuact/kernels/leaves.h" in files
    assert "tests/test_reference.py" in files and "LICENSE" in files
    made = [f for f in files if f.endswith((".c", ".so")) and not f.startswith("tests/")]
    assert not made and not [f for f in files if "kernels/_v" in f]


def compilers() -> list[str]:
    """The second C compiler that is supported; the package under test was built by the first."""
    return [name for name in ("clang",) if shutil.which(name) or os.environ.get("CI")]


@pytest.mark.parametrize("compiler", compilers())
def test_sdist_builds(compiler, sdist, tmp_path):
    done = build(sdist, tmp_path, CC=compiler, LDSHARED=f"{compiler} -shared")
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("lib*")
    code = (
        "import fastcpuact as act, numpy as np; from fastcpuact import engines;"
        f"assert engines.COMPILED and act.__file__.startswith({str(folder)!r});"
        "x = np.linspace(-9, 9, 1000); y = act.silu(x);"
        "assert np.allclose(y, x / (1 + np.exp(-x))); print(act.current_engine())"
    )
    done = run(folder, code, "-W", "error")
    assert done.stdout.strip() == "compiled", done.stderr


def test_failing_compiler_is_explained(sdist, tmp_path):
    failing = tmp_path / "failing-cc"
    failing.write_text("#!/bin/sh\nexit 1\n")
    failing.chmod(0o755)
    done = build(sdist, tmp_path / "build", CC=str(failing))
    assert done.returncode != 0
    assert "the C compiler failed" in done.stderr
    assert "FASTCPUACT_BUILD=numba" in done.stderr


def check_the_path_of_the_data(folder: Path) -> None:
    """Run those of the path of the data with a package in which nothing is compiled."""
    names = ("half", "threads", "engines")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [str(Path(__file__).parent / f"test_{name}.py") for name in names]
    command += ["-c", str(ROOT / "pyproject.toml")]
    # The bits of all kernels are compared where compiled ones are there to compare them with.
    command += ["-k", "not parallel and not bits_of_the_compiled"]
    left = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**left, "PYTHONPATH": str(folder), "FASTCPUACT_ENGINE": "numba"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize(
    "environment",
    ({"FASTCPUACT_BUILD": "numba"}, {"CC": "no-such-compiler"}),
    ids=("on request", "no compiler"),
)
def test_numba_alone(environment, sdist, tmp_path):
    done = build(sdist, tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    if "CC" in environment:
        assert "no C compiler was found" in done.stdout + done.stderr
    (folder,) = tmp_path.glob("lib*")
    assert not list(folder.rglob("*.so"))
    code = (
        "import fastcpuact as act, numpy as np;"
        f"assert act.__file__.startswith({str(folder)!r});"
        "x = np.linspace(-9, 9, 1000).reshape(10, 100); y = act.silu(x);"
        "assert np.allclose(y, x / (1 + np.exp(-x)));"
        "assert np.allclose(act.silu(x[:, ::2]), y[:, ::2]);"
        "assert np.allclose(act.softmax(x, axis=0).sum(axis=0), 1);"
        "assert type(act.silu.ufunc) is np.ufunc; print(act.current_engine())"
    )
    done = run(folder, code)
    assert done.stdout.strip() == "numba", done.stderr
    assert "installed without compiled kernels" in done.stderr
    if "CC" not in environment:
        check_the_path_of_the_data(folder)
    done = run(folder, "import fastcpuact as act; act.use_engine('compiled')")
    assert "has no compiled kernels" in done.stderr


def test_no_compiled_kernels_where_they_were_demanded(sdist, tmp_path):
    done = build(sdist, tmp_path, CC="no-such-compiler", FASTCPUACT_BUILD="compiled")
    assert done.returncode != 0
    assert "the C compiler failed" in done.stderr


def test_nonsense_in_the_build_variable(sdist, tmp_path):
    done = build(sdist, tmp_path, FASTCPUACT_BUILD="fast")
    assert done.returncode != 0
    assert "FASTCPUACT_BUILD must be auto, compiled or numba, got 'fast'" in done.stderr
