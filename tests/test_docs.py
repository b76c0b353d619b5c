"""The documentation: its examples run, and it builds without a warning."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import fastcpuact as act
from conftest import require_package

DOCS = Path(__file__).parents[1] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="runs in a source tree only")


@pytest.mark.parametrize("path", sorted(DOCS.glob("tutorials/*.rst")), ids=lambda path: path.stem)
def test_examples_in_tutorials(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # they write files
    failed, _ = doctest.testfile(str(path), module_relative=False)
    assert failed == 0


@pytest.mark.long
def test_site_builds_without_a_warning(tmp_path):
    """With a page for each activation, which has its picture."""
    for package in ("sphinx", "furo", "sphinx_click"):
        require_package(package)
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in act.names(None):
        page = (site / "activations" / f"{name}.html").read_text()
        assert f"fastcpuact.{name}" in page
        has_picture = f"{name}.svg" in page
        assert has_picture == (act.get(name).kind == "elementwise")
