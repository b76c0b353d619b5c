"""``fastcpuact export``."""

from pathlib import Path
from typing import Any

import click

from fastcpuact import edge

from .options import ActivationName, OutputPath, examples

# The options of each method, with what they are if they are not given; None: what the library says.
_COMMON = {"domain": None}
_SCALES = {"input_scale": ..., "input_zero": 0, "output_scale": ..., "output_zero": 0}
METHOD_OPTIONS: dict[str, dict[str, Any]] = {
    "exact": {},
    "fast": {},
    "lut": {**_COMMON, "entries": 129, "interpolation": None, "spacing": None},
    "polynomial": {**_COMMON, "coefficients": 6},
    "piecewise": {**_COMMON, "segments": 8, "degree": 3, "spacing": None},
    "rational": {**_COMMON, "numerator": 4, "denominator": 3},
    "int8": {**_SCALES, "rounding": None, "order": None},
    "uint8": {**_SCALES, "rounding": None},
    "int16": {**_SCALES, "format": None},
}


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


def _choice(*values: str) -> click.Choice:
    return click.Choice(values)


@click.command(
    epilog=examples(
        "fastcpuact export gelu --prefix net_ -o gelu.h",
        "fastcpuact export tanh --method lut --entries 201 --interpolation quadratic -o tanh.h",
        "fastcpuact export silu --method int8 --input-scale 0.05 --output-scale 0.04 -o silu.h",
    )
)
@click.argument("name", type=ActivationName())
@click.option(
    "--method",
    type=_choice(*METHOD_OPTIONS),
    default="exact",
    show_default=True,
    help="Formulas in the exact or the fast tier; an approximation of floats; a table of codes.",
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
    type=_choice("float32", "float64"),
    default="float32",
    show_default=True,
    help="What to compute in, of floats.",
)
@click.option(
    "--param",
    "params",
    type=Assignment(),
    multiple=True,
    help="Value of a parameter, as alpha=0.5; may be repeated.",
)
@click.option("--domain", type=(float, float), help="What lut, polynomial … cover.  [default: all]")
@click.option("--entries", type=int, help="Values of a lut.  [default: 129]")
@click.option(
    "--interpolation",
    type=_choice("nearest", "linear", "quadratic", "cubic"),
    help="Between the values of a lut.  [default: linear]",
)
@click.option(
    "--spacing",
    type=_choice("uniform", "optimal"),
    help="Of the segments of lut and piecewise.  [default: uniform]",
)
@click.option("--coefficients", type=int, help="Of a polynomial.  [default: 6]")
@click.option("--segments", type=int, help="Of piecewise.  [default: 8]")
@click.option("--degree", type=int, help="Of the polynomials of piecewise.  [default: 3]")
@click.option("--numerator", type=int, help="Coefficients of a rational.  [default: 4]")
@click.option("--denominator", type=int, help="Coefficients, 1 included.  [default: 3]")
@click.option("--input-scale", type=float, help="What an input code stands for, per unit.")
@click.option("--input-zero", type=int, help="The input code of 0.  [default: 0]")
@click.option("--output-scale", type=float, help="What an output code stands for, per unit.")
@click.option("--output-zero", type=int, help="The output code of 0.  [default: 0]")
@click.option(
    "--rounding",
    type=_choice("away", "even"),
    help="Of halves, to codes of 8 bits: as TensorFlow Lite or as ONNX.  [default: away]",
)
@click.option(
    "--order",
    type=_choice("unsigned", "signed"),
    help="Of the entries for int8: by the byte, or by the code.  [default: unsigned]",
)
@click.option(
    "--format",
    type=_choice("tflite", "compact"),
    help="Of int16: 513 entries, or cubic pieces.  [default: tflite]",
)
def export(
    name: str,
    method: str,
    output: Path | None,
    prefix: str,
    rename: str | None,
    dtype: str,
    params: tuple[tuple[str, float], ...],
    **options: Any,
) -> None:
    """Write an activation as a C99 header that needs no library."""
    common = {"prefix": prefix, "name": rename, "dtype": dtype, "params": dict(params)}
    try:
        chosen = _chosen(method, options)
        text = edge.export_c(name, output, method=method, **common, **chosen)
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if output is None:
        click.echo(text, nl=False)


def _chosen(method: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `edge.export_c` that belong to a method."""
    known = METHOD_OPTIONS[method]
    for name, value in options.items():
        if value is not None and name not in known:
            raise click.UsageError(f"--{name.replace('_', '-')} is not for --method {method}")
    chosen = {
        name: default if options[name] is None else options[name] for name, default in known.items()
    }
    for name, value in chosen.items():
        if value is ...:
            raise click.UsageError(f"--method {method} needs --{name.replace('_', '-')}")
    if "input_scale" in chosen:
        for side in ("input", "output"):
            scale, zero = chosen.pop(f"{side}_scale"), chosen.pop(f"{side}_zero")
            chosen[side] = edge.Affine(scale, zero)
    return {name: value for name, value in chosen.items() if value is not None}
