"""Builds the extension modules with other flags, or from other texts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import fastcpuact

from .processes import TESTS

ROOT = TESTS.parent
PACKAGE = Path(fastcpuact.__file__).parent

# setup.py as it is, with the modules that are wanted.
BUILD = """
import sys
from distutils.core import run_setup
to, *stems = sys.argv[1:]
sys.argv = ["setup.py"]
distribution = run_setup("setup.py", ["build_ext"], stop_after="init")
distribution.ext_modules = [
    e for e in distribution.ext_modules if e.name.rpartition(".")[2] in stems
]
command = distribution.get_command_obj("build_ext")
command.build_lib, command.build_temp = to, to + "/temporary"
command.ensure_finalized()
command.run()
"""


def build(folder: Path, stems: list[str], flags: str = "", source: Path = ROOT) -> Path:
    """Build extension modules and lay the rest of the package beside them.

    Parameters
    ----------
    folder : Path
        Where; returned, as an entry for the path of Python.
    stems : list of str
        Which modules: "driver", "_v3".  The others are those of the package under test.
    flags : str
        More flags for the C compiler, which come after those of setup.py.
    source : Path
        The source tree.
    """
    folder.mkdir(parents=True, exist_ok=True)
    compiler = folder / "cc"
    compiler.write_text(f'#!/bin/sh\nexec {shutil.which("gcc") or "cc"} "$@" {flags}\n')
    compiler.chmod(0o755)
    if not (folder / "fastcpuact").exists():
        ignored = shutil.ignore_patterns("__pycache__", "*.pyx")
        shutil.copytree(PACKAGE, folder / "fastcpuact", ignore=ignored)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BUILD), str(folder), *stems],
        cwd=source,
        env={**os.environ, "CC": str(compiler), "LDSHARED": f"{compiler} -shared"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def python_path(folder: Path) -> str:
    """Return the PYTHONPATH on which a built package comes first."""
    return os.pathsep.join((str(folder), str(TESTS)))
