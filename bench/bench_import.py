"""What `import fastcpuact` costs beside the NumPy that it needs, each in a new interpreter."""

import subprocess
import sys
from typing import Any

import pytest


@pytest.mark.parametrize("modules", ("numpy", "numpy, fastcpuact"))
def test_import(modules: str, benchmark: Any) -> None:
    command = [sys.executable, "-c", f"import {modules}"]
    benchmark.group = "import"
    benchmark.pedantic(
        subprocess.run, (command,), {"check": True}, rounds=20, iterations=1, warmup_rounds=2
    )
