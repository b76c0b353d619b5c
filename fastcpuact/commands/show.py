"""``fastcpuact show`` and ``fastcpuact compare``."""

import json
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

import fastcpuact as act

from .options import AnyName, examples


@click.command(
    epilog=examples(
        "fastcpuact show gelu",
        "fastcpuact show softmax swiglu",
        "fastcpuact show leaky_relu --json",
    )
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=AnyName())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(names: tuple[str, ...], as_json: bool) -> None:
    """Show all that is known of activations: formula, properties, errors, cost, pitfalls."""
    infos = [act.get(name).info for name in dict.fromkeys(names)]
    if as_json:
        click.echo(json.dumps([info.as_dict() for info in infos], indent=2, allow_nan=False))
        return
    console = Console()
    for info in infos:
        console.print(_card(info))
    console.print(_legend(), style="dim", highlight=False)


@click.command(
    epilog=examples(
        "fastcpuact compare gelu silu mish",
        "fastcpuact compare sigmoid hardsigmoid --json",
    )
)
@click.argument("names", metavar="NAME NAME...", nargs=-1, required=True, type=AnyName())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(names: tuple[str, ...], as_json: bool) -> None:
    """Show activations side by side."""
    chosen = list(dict.fromkeys(names))
    if len(chosen) < 2:
        raise click.UsageError("compare takes two different names or more; see 'show' for one.")
    infos = [act.get(name).info for name in chosen]
    if as_json:
        click.echo(json.dumps([info.as_dict() for info in infos], indent=2, allow_nan=False))
        return
    from fastcpuact.info.facts import facts

    # Words longer than a column go on in the next line; nothing is cut off.
    columns = [Column(name, overflow="fold") for name in chosen]
    table = Table(Column(no_wrap=True), *columns, box=SIMPLE_HEAD, pad_edge=False)
    for label, *texts in _aligned([facts(info) for info in infos]):
        if any(texts):
            table.add_row(label, *texts)
    console = Console()
    console.print(table)
    console.print(_legend(), style="dim", highlight=False)


def _aligned(cards: list[list[tuple[str, str]]]) -> list[tuple[str, ...]]:
    """Return rows of a label and the texts of all cards, which have the same labels."""
    rows = []
    for lines in zip(*cards, strict=True):
        labels = dict.fromkeys(label for label, _ in lines)
        rows.append((" or ".join(labels), *(text for _, text in lines)))
    return rows


def _card(info: Any) -> Table:
    from fastcpuact.info.facts import facts

    table = Table(
        title=f"[bold]{info.name}[/bold]  {info.title}",
        title_justify="left",
        title_style="",
        show_header=False,
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in facts(info):
        if text:
            table.add_row(label, text)
    table.add_row()
    return table


def _legend() -> str:
    from fastcpuact.info.measured import conditions

    return (
        "Errors: largest one measured of the stated bound, or the bound alone, in units in the "
        "last place (ULP).\n"
        f"Cost: measured over relu in {conditions()}."
    )
