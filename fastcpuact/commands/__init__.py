"""The commands of the command line, one module each."""

import click

from fastcpuact.version import __version__

from .bench import bench, report
from .check import check
from .demo import demo
from .evaluate import evaluate
from .export import export
from .listing import list_activations
from .options import examples
from .plot import plot
from .record import record
from .show import compare, show

EXAMPLES = examples(
    "fastcpuact list --smooth --in torch",
    "fastcpuact show gelu",
    "fastcpuact compare gelu silu mish",
    "fastcpuact plot activation gelu silu",
    "fastcpuact check gelu silu --dtype float32",
    "fastcpuact bench gelu --quick",
    "fastcpuact export gelu --method fast --prefix net_ -o gelu.h",
    "fastcpuact demo --activation gelu --activation relu --epochs 10",
    "fastcpuact evaluate relu gelu mish --quick",
)


COMPLETION = """\b
Completion of commands, options and names in bash, zsh and fish:
  eval "$(_FASTCPUACT_COMPLETE=bash_source fastcpuact)"
  eval "$(_FASTCPUACT_COMPLETE=zsh_source fastcpuact)"
  _FASTCPUACT_COMPLETE=fish_source fastcpuact | source
"""


@click.group(
    epilog=f"{EXAMPLES}\n\n{COMPLETION}", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__)
def fastcpuact() -> None:
    """Fast activation functions for NumPy on the CPU.

    Exit codes: 0 for success, 1 for a finding or a failure, 2 for wrong usage, 130 for Ctrl-C.
    """


for _command in (
    *(list_activations, show, compare, plot),
    *(check, bench, report, record, evaluate, demo),
    export,
):
    fastcpuact.add_command(_command)
