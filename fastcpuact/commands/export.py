"""``fastcpuact export``."""

from pathlib import Path

import click

from fastcpuact import edge

from .options import ActivationName, OutputPath


class Assignment(click.ParamType):
    """A parameter of an activation and its value, as ``alpha=0.5``."""

    name = "name=value"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Return the two."""
        name, equals, number = value.partition("=")
        try:
            return name, float(number)
        except ValueError:
            what = f"{number!r} is not a number" if equals else "a value is missing"
            self.fail(f"{value!r}: {what}", param, ctx)


@click.command()
@click.argument("name", type=ActivationName())
@click.option(
    "--method",
    type=click.Choice(["exact", "fast"]),
    default="exact",
    show_default=True,
    help="The formulas of the package, in one of its tiers.",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(".h", ".hpp"),
    help="The header to write.  [default: standard output]",
)
@click.option("--prefix", default="act_", show_default=True, help="Of all names in the header.")
@click.option("--rename", help="What to call the function after the prefix.  [default: NAME]")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="What to compute in.",
)
@click.option(
    "--param",
    "params",
    type=Assignment(),
    multiple=True,
    help="Value of a parameter, as alpha=0.5; may be repeated.",
)
def export(
    name: str,
    method: str,
    output: Path | None,
    prefix: str,
    rename: str | None,
    dtype: str,
    params: tuple[tuple[str, float], ...],
) -> None:
    """Write an activation as a C99 header that needs no library."""
    try:
        text = edge.export_c(
            name,
            output,
            method=method,
            prefix=prefix,
            name=rename,
            dtype=dtype,
            params=dict(params),
        )
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if output is None:
        click.echo(text, nl=False)
