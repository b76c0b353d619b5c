"""``fastcpuact plot``."""

from pathlib import Path
from typing import Any

import click

import fastcpuact as act
from fastcpuact.cli import extra

from .options import PICTURES, ActivationName, OutputPath, examples


@click.group(
    epilog=examples(
        "fastcpuact plot activation gelu",
        "fastcpuact plot activation gelu silu mish --output compared.svg",
        "fastcpuact plot activation leaky_relu --set negative_slope=0.2",
        "fastcpuact plot gallery",
        "fastcpuact plot error gelu --plain",
    )
)
def plot() -> None:
    """Draw activations, all of them at a glance, or their errors."""


def _output(default: str) -> Any:
    return click.option(
        "--output",
        type=OutputPath(*PICTURES),
        default=default,
        show_default=True,
        help="Where to draw it.",
    )


class Setting(click.ParamType):
    """A parameter and its value, as alpha=2."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name and the number, or fail."""
        name, _, number = str(value).partition("=")
        try:
            return name, float(number)
        except ValueError:
            self.fail(f"{value!r} is no setting: write alpha=2", param, ctx)


@plot.command(epilog=plot.epilog)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=ActivationName())
@click.option(
    "--set", "settings", type=Setting(), multiple=True, help="A parameter; may be repeated."
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


def _save(figure: Any, output: Path) -> None:
    figure.savefig(output)
    click.echo(f"Drawn to {output}")
