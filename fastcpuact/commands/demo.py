"""``fastcpuact demo``."""

import json
from pathlib import Path

import click
from rich.console import Console

from fastcpuact.cli import extra

from .options import PICTURES, ActivationName, OutputPath, examples, progress_bar


@click.command(
    epilog=examples(
        "fastcpuact demo",
        "fastcpuact demo --activation gelu --activation relu --epochs 10",
        "fastcpuact demo --json > results.json",
    )
)
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
    "-o",
    "--output",
    type=OutputPath(*PICTURES),
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
    runs = []
    with progress_bar() as progress:
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
