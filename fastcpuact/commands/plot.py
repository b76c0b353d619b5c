"""``fastcpuact plot``."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

import fastcpuact as act
from fastcpuact.cli import extra

from .export import Assignment
from .options import PICTURES, ActivationName, OutputPath, examples, progress_bar, working


@click.group(
    epilog=examples(
        "fastcpuact plot activation gelu",
        "fastcpuact plot activation gelu silu mish --output compared.svg",
        "fastcpuact plot activation leaky_relu --set negative_slope=0.2",
        "fastcpuact plot gallery",
        "fastcpuact plot error gelu --plain",
        "fastcpuact plot depth relu tanh sigmoid --layers 50",
    )
)
def plot() -> None:
    """Draw activations, all of them at a glance, their errors, or their effect in deep networks."""


def _output(default: str) -> Any:
    return click.option(
        "-o",
        "--output",
        type=OutputPath(*PICTURES),
        default=default,
        show_default=True,
        help="Where to draw it.",
    )


@plot.command(epilog=plot.epilog)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=ActivationName())
@click.option(
    "--set", "settings", type=Assignment(), multiple=True, help="A parameter; may be repeated."
)
@_output("fastcpuact-activation.png")
def activation(names: tuple[str, ...], settings: tuple[Any, ...], output: Path) -> None:
    """Draw f, f' and f'' of one activation, or of several side by side."""
    with extra("plot"):
        from fastcpuact import plot as pictures

    try:
        figure = pictures.activation(*names, **dict(settings))
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    _save(figure, output)


@plot.command(epilog=plot.epilog)
@click.argument("names", metavar="[NAME]...", nargs=-1, type=ActivationName())
@_output("fastcpuact-gallery.png")
def gallery(names: tuple[str, ...], output: Path) -> None:
    """Draw f and f' of all activations, or of some, a small panel each."""
    with extra("plot"):
        from fastcpuact import plot as pictures

    _save(pictures.gallery(names or None), output)


@plot.command(epilog=plot.epilog)
@click.argument("name", type=ActivationName())
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32")
@click.option("--plain", is_flag=True, help="Beside it the errors of NumPy and SciPy expressions.")
@_output("fastcpuact-error.png")
def error(name: str, dtype: str, plain: bool, output: Path) -> None:
    """Draw the errors of an activation and its gradients beside their stated bounds."""
    with extra("plot"):
        from fastcpuact import plot as pictures
    against = {}
    if plain:
        with extra("demo"):
            from fastcpuact.plain import PLAIN
        if name not in PLAIN:
            raise click.UsageError(f"there is no NumPy expression of {name}.")
        against["NumPy and SciPy"] = PLAIN[name]
    with extra("check"):
        try:
            figure = pictures.error(act.get(name).name, dtype, against)
        except ValueError as refused:
            raise click.UsageError(str(refused)) from refused
    _save(figure, output)


@plot.command(epilog=plot.epilog)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=ActivationName())
@click.option("--layers", type=click.IntRange(min=3), default=30, show_default=True)
@click.option("--width", type=click.IntRange(min=1), default=256, show_default=True)
@click.option(
    "--mode",
    type=click.Choice(["forward", "backward", "compromise", "unit"]),
    default="forward",
    show_default=True,
    help="Which gain the weights have: that which keeps signals, gradients, both about, or none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@_output("fastcpuact-depth.png")
def depth(
    names: tuple[str, ...], layers: int, width: int, mode: str, as_json: bool, output: Path
) -> None:
    """Draw what becomes of signals and gradients in deep random networks."""
    with extra("plot"):
        from fastcpuact import diagnostics
        from fastcpuact.diagnostics import pictures

    chosen = list(dict.fromkeys(names))
    for name in chosen:
        if None in act.get(name).params.values():
            raise click.UsageError(f"{name} has a parameter without default.")
    with progress_bar() as progress:
        task = progress.add_task("", total=len(chosen))
        found = diagnostics.depth_experiment(
            chosen,
            layers=layers,
            width=width,
            mode=mode,
            on_run=lambda name: progress.update(task, advance=1, description=name),
        )
    pictures.depths(found).savefig(output)
    if as_json:
        click.echo(json.dumps(found.as_dict() | {"picture": str(output)}, indent=2))
    else:
        Console().print(found.table())
        click.echo(f"Drawn to {output}")


def _save(figure: Any, output: Path) -> None:
    with working("Drawing"):
        figure.savefig(output)
    click.echo(f"Drawn to {output}")
