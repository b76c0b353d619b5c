"""``fastcpuact list``."""

import json

import click
from rich.console import Console
from rich.table import Table

import fastcpuact as act


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_activations(as_json: bool) -> None:
    """List the activations of all kinds."""
    activations = [act.get(name) for name in act.names(None)]
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
    table = Table("activation", "kind", "aliases", "parameters")
    for a in activations:
        parameters = [
            name if default is None else f"{name}={default:g}" for name, default in a.params.items()
        ]
        table.add_row(a.name, a.kind, ", ".join(a.aliases), ", ".join(parameters))
    Console().print(table)
