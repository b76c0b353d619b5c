"""Settings of Sphinx; ``sphinx-build -W docs docs/_build`` builds the site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import pages

import fastcpuact

project = "fastcpuact"
author = "The fastcpuact developers"
project_copyright = author
version = release = fastcpuact.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"fastcpuact {version}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = False
suppress_warnings = ["config.cache"]


def literally(app: Any, ctx: Any, lines: list[str]) -> None:
    """Show the foot of a help text as it stands, which is commands, and not as a line block."""
    text = [line.removeprefix("| ") for line in lines]
    lines[:] = ["::", "", *(f"   {line}" for line in text), ""] if any(lines) else []


def setup(app: Any) -> None:
    """Write the pages of all activations before anything is read."""
    app.connect("builder-inited", lambda app: pages.write(Path(app.srcdir) / "activations"))
    app.connect("sphinx-click-process-epilog", literally)
