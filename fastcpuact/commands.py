"""The commands of the command line."""

import json
import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import fastcpuact as act
from fastcpuact.cli import extra

EXAMPLES = """
\b
Examples:
  fastcpuact list
  fastcpuact demo
  fastcpuact demo --activation gelu --activation relu --epochs 10
  fastcpuact demo --json > results.json
"""


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(act.__version__)
def fastcpuact() -> None:
    """Fast activation functions for NumPy on the CPU."""


@fastcpuact.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_activations(as_json: bool) -> None:
    """List the elementwise activations."""
    activations = [act.get(name) for name in act.names()]
    if as_json:
        records = [
            {"name": a.name, "aliases": list(a.aliases), "parameters": dict(a.params)}
            for a in activations
        ]
        click.echo(json.dumps(records, indent=2))
        return
    table = Table("activation", "aliases", "parameters")
    for a in activations:
        parameters = [
            name if default is None else f"{name}={default:g}" for name, default in a.params.items()
        ]
        table.add_row(a.name, ", ".join(a.aliases), ", ".join(parameters))
    Console().print(table)


class ActivationName(click.ParamType):
    """The name or alias of an activation; converts to the name."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail with the nearest ones."""
        try:
            return act.get(value).name
        except ValueError as error:
            self.fail(f"{error} (see 'fastcpuact list')", param, ctx)


class PicturePath(click.Path):
    """A file to write a picture to; refused before the work rather than after it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or fail if no picture could be written there."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.suffix.lower() not in {".pdf", ".png", ".svg"}:
            self.fail(f"{path}: the name must end in .png, .svg or .pdf", param, ctx)
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            self.fail(f"{path.parent} is not a directory that can be written to", param, ctx)
        return path


@fastcpuact.command()
@click.option(
    "--activation",
    "names",
    type=ActivationName(),
    multiple=True,
    help="Train with this activation; may be repeated.  [default: all]",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How often to go through the training digits.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Of the split of the digits, their order, and the first weights.",
)
@click.option(
    "--output",
    type=PicturePath(dir_okay=False, writable=True),
    default="fastcpuact-demo.png",
    show_default=True,
    help="Where to draw the learning curves.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def demo(names: tuple[str, ...], epochs: int, seed: int, output: Path, as_json: bool) -> None:
    """Learn to read handwritten digits, once with each activation."""
    with extra("demo"):
        from fastcpuact.demo import report, study

    known = study.trainable()
    chosen = list(dict.fromkeys(names)) or known
    for name in set(chosen).difference(known):
        raise click.UsageError(f"{name} has a parameter without default: it cannot be trained.")

    digits = study.Digits.load(seed)
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    runs = []
    console = Console(stderr=True)  # leaves standard output to the results
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=epochs * len(chosen))
        for name in chosen:
            progress.update(task, description=name)
            runs.append(study.run(name, digits, epochs, seed, lambda: progress.advance(task)))

    report.picture(runs).savefig(output)
    if as_json:
        results = {
            "epochs": epochs,
            "seed": seed,
            "picture": str(output),
            "runs": [run.as_dict() for run in runs],
        }
        click.echo(json.dumps(results, indent=2))
    else:
        Console().print(report.table(runs))
        click.echo(f"Learning curves: {output}")
