"""``fastcpuact evaluate``."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from rich.console import Console

import fastcpuact as act
from fastcpuact.cli import extra

from .options import PICTURES, ActivationName, Literal, OutputPath, examples, progress_bar

# Of the first tests; every other activation is an argument away.
DEFAULT = (
    *("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "hardswish", "softplus"),
    *("tanh", "sigmoid", "softsign", "snake", "gelu/tanh", "relu/sigmoid"),
)


class Mixture(ActivationName):
    """An activation, or several joined by ``/`` for the layers in turns."""

    name = "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the mixtures whose last name begins so."""
        before, slash, last = incomplete.rpartition("/")
        found = super().shell_complete(ctx, param, last)
        return [CompletionItem(f"{before}{slash}{item.value}") for item in found]

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the canonical names, or fail with the nearest ones."""
        convert = super().convert
        names = [convert(name, param, ctx) for name in value.split("/")]
        for name in names:
            if None in act.get(name).params.values():
                self.fail(f"{name} has a parameter without default", param, ctx)
        return "/".join(names)


@click.command(
    cls=Literal,
    epilog=examples(
        "fastcpuact evaluate relu gelu mish --quick",
        "fastcpuact evaluate relu tanh relu/tanh --task digits --seeds 10",
        "fastcpuact evaluate --state evaluation.jsonl --json > evaluation.json",
    ),
)
@click.argument("names", metavar="[NAME]...", nargs=-1, type=Mixture())
@click.option("--task", "tasks", multiple=True, help="May be repeated.  [default: all]")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option(
    "--depth",
    "depths",
    type=click.IntRange(min=1),
    multiple=True,
    help="Hidden layers; may be repeated.  [default: 2 and 6]",
)
@click.option(
    "--rate",
    "rates",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    help="Learning rate; may be repeated.  [default: 0.001, 0.003, 0.01]",
)
@click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--quick", is_flag=True, help="Two seeds, two layers and one rate only.")
@click.option(
    "--state",
    "state_path",
    type=OutputPath(".jsonl"),
    help="Keep what is done in this file, and go on from there after an interruption.",
)
@click.option("--picture", type=OutputPath(*PICTURES), help="Draw the scores here.")
@click.option("--curves", type=OutputPath(*PICTURES), help="Draw the losses in training here.")
@click.option(
    "--page", type=OutputPath(".rst"), help="Write tables and pictures to this page, too."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.pass_obj
def evaluate(
    command: str,
    names: tuple[str, ...],
    tasks: tuple[str, ...],
    seeds: int,
    depths: tuple[int, ...],
    rates: tuple[float, ...],
    epochs: int,
    quick: bool,
    state_path: Path | None,
    picture: Path | None,
    curves: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Train small networks with each activation, and compare what they learn.

    NAME is an activation, or several joined by /, which the hidden layers have in turns. The tasks
    are handwritten digits, a regression, and functions of one variable that networks of the same
    size have to fit. Without NAME, a choice of fifteen.
    """
    with extra("demo"):
        from fastcpuact.evaluate import report
        from fastcpuact.evaluate.study import State, plan, study
        from fastcpuact.evaluate.summary import summarize
        from fastcpuact.evaluate.tasks import TASKS

    for name in set(tasks).difference(TASKS):
        raise click.BadParameter(f"{name!r} is none of {', '.join(TASKS)}", param_hint="--task")
    setups = plan(
        list(dict.fromkeys(names)) or DEFAULT,
        list(dict.fromkeys(tasks)) or TASKS,
        sorted(set(depths)) or ((2,) if quick else (2, 6)),
        sorted(set(rates)) or ((3e-3,) if quick else (1e-3, 3e-3, 1e-2)),
        min(seeds, 2) if quick else seeds,
        epochs,
    )
    try:
        state = State(state_path) if state_path else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--state") from error
    try:
        with progress_bar() as progress:
            task = progress.add_task("", total=len(setups))

            def advance(setup: Any) -> None:
                progress.update(task, advance=1, description=setup.activation)

            outcomes = study(setups, state, advance)
    except KeyboardInterrupt:
        hint = f": the same command goes on from {state_path}" if state_path else ""
        click.echo(f"Interrupted{hint}", err=True)
        sys.exit(128 + signal.SIGINT)

    summaries = summarize(outcomes)
    if picture is not None:
        report.scores(summaries).savefig(picture)
    if curves is not None:
        report.losses(outcomes, summaries).savefig(curves)
    if page is not None:
        drawn = [os.path.relpath(p, page.parent) for p in (picture, curves) if p is not None]
        page.write_text(report.page(summaries, command, drawn), encoding="utf-8")
    if as_json:
        results = {"summaries": [s.as_dict() for s in summaries]}
        click.echo(json.dumps(results, indent=2, allow_nan=False))
        return
    console = Console()
    for table in report.tables(summaries):
        console.print(table)
    console.print(report.verdict(summaries), highlight=False)
    console.print(report.LEGEND, style="dim", highlight=False)
