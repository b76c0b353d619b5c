"""``fastcpuact check``."""

import json
import signal
import sys
from difflib import get_close_matches
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.progress import TaskProgressColumn

import fastcpuact as act
from fastcpuact.cli import extra

from .options import ActivationName, Literal, OutputPath, examples, progress_bar

DTYPES = ("float16", "float32", "float64")
TIERS = ("exact", "fast")


def _formulas() -> list[str]:
    return list(dict.fromkeys(f for a in act.activations.values() for f in a.record.formulas))


class FormulaName(click.ParamType):
    """What is computed of an activation: a key of ``Record.formulas``."""

    name = "form"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so."""
        return [CompletionItem(name) for name in _formulas() if name.startswith(incomplete)]

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail with the nearest ones."""
        known = _formulas()
        if value not in known:
            near = get_close_matches(value, known, n=3)
            hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
            self.fail(f"no activation has the form {value!r}; {hint}", param, ctx)
        return value


@click.command(
    cls=Literal,
    epilog=examples(
        "fastcpuact check gelu silu --dtype float32",
        "fastcpuact check --form grad --json > errors.json",
        "fastcpuact check --exhaustive --state check.json --output accuracy.md",
    ),
)
@click.argument("names", type=ActivationName(), nargs=-1)
@click.option(
    "--form",
    "formulas",
    type=FormulaName(),
    multiple=True,
    help="Check this form: value, grad, grad2, grad_from_output, or grad_NAME of a parameter; may "
    "be repeated.  [default: all]",
)
@click.option(
    "--dtype",
    "dtypes",
    type=click.Choice(DTYPES),
    multiple=True,
    help="Check this dtype; may be repeated.  [default: all]",
)
@click.option(
    "--tier",
    "tiers",
    type=click.Choice(TIERS),
    multiple=True,
    help="Check this tier; may be repeated.  [default: both]",
)
@click.option(
    "--exhaustive",
    is_flag=True,
    help="Run every float32, which takes minutes for each form, and 10,000,000 inputs where not "
    "every one is run.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="How many inputs to draw where not every one is run.  [default: 2,097,152 of float32, "
    "8,192 of float64]",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="How many processes to use.  [default: one for each core]",
)
@click.option(
    "--state",
    "state_path",
    type=OutputPath(".json"),
    help="Keep what is done in this file, and go on from there after an interruption.",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(".md"),
    help="Write the results to this page in Markdown, too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def check(
    command: str,
    names: tuple[str, ...],
    formulas: tuple[str, ...],
    dtypes: tuple[str, ...],
    tiers: tuple[str, ...],
    exhaustive: bool,
    samples: int | None,
    jobs: int | None,
    state_path: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure the errors of the activations NAMES, or of all.

    Prints the largest error of every function, the input where it occurs, and how many results are
    not the float nearest to the exact value. The exit code is 1 if an error is above its stated
    bound, or a result is out of range, out of order or of the wrong sign.
    """
    with extra("check"):
        from fastcpuact.accuracy import report
        from fastcpuact.accuracy.check import Check, plan
        from fastcpuact.accuracy.state import State, StateError
        from fastcpuact.accuracy.sweep import Sweep

    sweeps = plan(
        dict.fromkeys(names) or act.names(),
        formulas,
        dtypes or DTYPES,
        tiers or TIERS,
        exhaustive=exhaustive,
        samples=samples,
    )
    if not sweeps:
        raise click.UsageError(f"none of these activations has the form {', '.join(formulas)}.")
    try:
        done = Check(sweeps, State(state_path) if state_path else None)
    except StateError as error:
        raise click.BadParameter(str(error), param_hint="'--state'") from error
    if done.outdated:
        click.echo(
            f"{len(done.outdated)} of {len(sweeps)} start anew, such as {done.outdated[0]}: "
            f"{state_path} has them of other kernels, or compared with another oracle.",
            err=True,
        )

    try:
        with progress_bar(TaskProgressColumn()) as progress:
            task = progress.add_task("", total=done.cost)

            def advance(sweep: Sweep) -> None:
                name = f"{sweep.name}.{sweep.formula}"
                progress.update(task, advance=sweep.cost, description=name)

            done.run(jobs or act.get_num_threads(), advance)
    except KeyboardInterrupt:
        hint = f": the same command goes on from {state_path}" if state_path else ""
        click.echo(f"Interrupted{hint}", err=True)
        sys.exit(128 + signal.SIGINT)

    rows = report.rows(done.results)
    if output:
        output.write_text(report.page(rows, command), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(report.as_json(rows), indent=2, allow_nan=False))
    else:
        Console().print(report.table(rows))
        click.echo(report.verdict(rows))
    sys.exit(0 if done.passed else 1)
