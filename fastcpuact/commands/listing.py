"""``fastcpuact list``."""

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

import fastcpuact as act
from fastcpuact.info import LIBRARIES

from .options import examples

ENDS = ("left", "right", "both", "none")


@click.command(
    "list",
    epilog=examples(
        "fastcpuact list",
        "fastcpuact list --smooth --not-monotone",
        "fastcpuact list --saturating both --zero-centred",
        "fastcpuact list --in torch --without-parameters --json",
        "fastcpuact list transformer",
    ),
)
@click.argument("text", required=False)
@click.option(
    "--kind",
    type=click.Choice(list(dict.fromkeys(act.get(name).kind for name in act.names(None)))),
    help="Only those of this kind.",
)
@click.option("--smooth/--not-smooth", default=None, help="Whether f, f' and f'' are continuous.")
@click.option("--monotone/--not-monotone", default=None, help="Whether f never falls, or rises.")
@click.option(
    "--zero-centred/--not-zero-centred",
    default=None,
    help="Whether the mean output of a standard normal input is zero.",
)
@click.option("--saturating", type=click.Choice(ENDS), help="Where the slope tends to zero.")
@click.option("--in", "library", type=click.Choice(list(LIBRARIES)), help="Only what it has too.")
@click.option("--with-parameters/--without-parameters", default=None, help="Whether it has any.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_activations(
    text: str | None,
    kind: str | None,
    smooth: bool | None,
    monotone: bool | None,
    zero_centred: bool | None,
    saturating: str | None,
    library: str | None,
    with_parameters: bool | None,
    as_json: bool,
) -> None:
    """List the activations of all kinds, or those that pass all filters.

    TEXT is looked for in names, titles and uses. Smoothness and the like are computed from the
    function, so only elementwise ones have them.
    """
    activations = [act.get(name) for name in act.names(None)]
    if kind is not None:
        activations = [a for a in activations if a.kind == kind]
    if with_parameters is not None:
        activations = [a for a in activations if bool(a.params) == with_parameters]
    if library is not None:
        activations = [a for a in activations if library in a.info.names]
    if text is not None:
        activations = [a for a in activations if text.lower() in _searched(a)]
    asked = {
        "smooth": smooth,
        "monotone": monotone,
        "zero_centred": zero_centred,
        "saturating": saturating,
    }
    for name, wanted in asked.items():
        if wanted is not None:
            activations = [
                a
                for a in activations
                if a.kind == "elementwise" and getattr(a.info.properties, name) == wanted
            ]
    if as_json:
        records = [
            {
                "name": a.name,
                "kind": a.kind,
                "aliases": list(a.aliases),
                "parameters": dict(a.params),
            }
            for a in activations
        ]
        click.echo(json.dumps(records, indent=2))
        return
    if not activations:
        raise click.ClickException("no activation passes all filters")
    table = Table("activation", "kind", "aliases", "parameters")
    for a in activations:
        parameters = [
            name if default is None else f"{name}={default:g}" for name, default in a.params.items()
        ]
        table.add_row(a.name, a.kind, ", ".join(a.aliases), ", ".join(parameters))
    Console().print(table)


def _searched(activation: Any) -> str:
    info = activation.info
    return " ".join([info.name, *info.aliases, info.title, *info.used]).lower()
