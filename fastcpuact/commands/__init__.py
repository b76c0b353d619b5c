"""The commands of the command line, one module each."""

import click

from fastcpuact.version import __version__

from .bench import bench, report
from .check import check
from .demo import demo
from .listing import list_activations

EXAMPLES = """
\b
Examples:
  fastcpuact list
  fastcpuact demo
  fastcpuact demo --activation gelu --activation relu --epochs 10
  fastcpuact demo --json > results.json
  fastcpuact check gelu silu --dtype float32
  fastcpuact check --exhaustive --state check.json --output accuracy.md
  fastcpuact bench gelu --quick
  fastcpuact bench --json results.json
  fastcpuact report results.json --readme README.md
"""


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def fastcpuact() -> None:
    """Fast activation functions for NumPy on the CPU."""


for _command in (list_activations, check, bench, report, demo):
    fastcpuact.add_command(_command)
