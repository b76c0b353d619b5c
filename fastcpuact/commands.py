"""The commands of the command line."""

import dataclasses
import difflib
import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import fastcpuact as act
from fastcpuact.cli import extra

# Results go to standard output, progress to standard error: output can be piped.
EXAMPLES = """
\b
Examples:
  fastcpuact list
  fastcpuact demo
  fastcpuact demo --activation gelu --activation relu --epochs 10
  fastcpuact demo --json > results.json
"""


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fastcpuact")
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
        parameters = ", ".join(f"{name}={default}" for name, default in a.params.items())
        table.add_row(a.name, ", ".join(a.aliases), parameters)
    Console().print(table)


class ActivationName(click.ParamType):
    """The name or alias of an activation; converts to the name."""

    name = "name"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the name, or fail with the nearest ones."""
        known = {alias: name for name in act.names() for alias in (name, *act.get(name).aliases)}
        if value in known:
            return known[value]
        near = difflib.get_close_matches(value, known)
        hint = f"did you mean {' or '.join(near)}?" if near else "see 'fastcpuact list'."
        self.fail(f"no activation is named {value!r}; {hint}", param, ctx)


class PicturePath(click.Path):
    """A file to write a picture to; refused before the work rather than after it."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the path, or fail if no picture could be written there."""
        path = Path(super().convert(value, param, ctx))
        if path.suffix not in {".pdf", ".png", ".svg"}:
            self.fail(f"{path}: the name must end in .png, .svg or .pdf", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"{path.parent} is not a directory", param, ctx)
        return path


@fastcpuact.command()
@click.option(
    "--activation",
    "names",
    type=ActivationName(),
    multiple=True,
    help="Train with this activation; may be repeated.  [default: all]",
)
@click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
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

    digits = study.Digits.load(seed)
    chosen = list(dict.fromkeys(names)) or act.names()
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    runs = []
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=epochs * len(chosen))
        for name in chosen:
            progress.update(task, description=name)
            runs.append(study.run(name, digits, epochs, seed, lambda: progress.advance(task)))

    report.picture(runs, output)
    if as_json:
        results = {
            "epochs": epochs,
            "seed": seed,
            "picture": str(output),
            "runs": [dataclasses.asdict(run) | {"speedup": run.speedup} for run in runs],
        }
        click.echo(json.dumps(results, indent=2))
    else:
        Console().print(report.table(runs))
        click.echo(f"Learning curves: {output}")
