"""``fastcpuact bench`` and ``fastcpuact report``."""

import re
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

import fastcpuact as act
from fastcpuact.cli import extra

from .options import AnyName, Literal, OutputPath, examples, progress_bar

# A long run is written down as often as this, whatever may happen to it.
SAVE_SECONDS = 60


class FunctionName(AnyName):
    """The name or alias of anything that can be measured; converts to the name."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail with the nearest ones."""
        with extra("bench"):
            from fastcpuact.bench.cases import functions

        name = super().convert(value, param, ctx)
        if name not in functions():
            self.fail(f"{name} has no cases to be measured", param, ctx)
        return name


class Size(click.ParamType):
    """A number of elements, as 64, 32k or 16M."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail."""
        match = re.fullmatch(r"([1-9]\d*)([kM]?)", str(value))
        if not match:
            self.fail(f"{value!r} is no size: write 64, 32k or 16M", param, ctx)
        return int(match[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[match[2]]


class Threads(click.ParamType):
    """A number of threads, or all; converts to the number."""

    name = "threads"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail where there are fewer processors."""
        most = act.threads.available_processors()
        if value == "all":
            return most
        if not str(value).isdigit() or not 1 <= int(value) <= most:
            self.fail(f"{value!r} is neither 'all' nor a number from 1 to {most}", param, ctx)
        return int(value)


@click.command(
    cls=Literal,
    epilog=examples(
        "fastcpuact bench gelu --quick",
        "fastcpuact bench softmax --size 1k --threads all --peers numpy",
        "fastcpuact bench --json results.json",
    ),
)
@click.argument("names", metavar="[NAME]...", nargs=-1, type=FunctionName())
@click.option(
    "--size",
    "sizes",
    type=Size(),
    multiple=True,
    help="Number of elements; may be repeated.  [default: 8, 64, 1k, 32k, 1M, 16M]",
)
@click.option(
    "--dtype",
    "dtypes",
    type=click.Choice(["float32", "float64"]),
    multiple=True,
    help="May be repeated.  [default: both]",
)
@click.option(
    "--threads",
    type=Threads(),
    multiple=True,
    help="Number of threads, or all; may be repeated.  [default: 1 and all]",
)
@click.option(
    "--peers",
    multiple=True,
    metavar="PEER",
    help="Compare with it; may be repeated.  [default: all that are installed]",
)
@click.option("--quick", is_flag=True, help="float32, 32k elements and one thread only.")
@click.option(
    "--json",
    "path",
    type=OutputPath(".json"),
    help="Write everything here, for 'fastcpuact report'.",
)
@click.pass_obj
def bench(
    command: str,
    names: tuple[str, ...],
    sizes: tuple[int, ...],
    dtypes: tuple[str, ...],
    threads: tuple[int, ...],
    peers: tuple[str, ...],
    quick: bool,
    path: Path | None,
) -> None:
    """Time functions and gradients beside all that one would use instead.

    Without NAME all functions.  Every figure is the median of many rounds in which the libraries
    take turns.  An interrupted run keeps what it has measured.
    """
    with extra("bench"):
        from fastcpuact.bench import cases, tables
        from fastcpuact.bench.peers import PEERS, installed
        from fastcpuact.bench.run import run

    known = [library.name for library in PEERS]
    for peer in set(peers).difference(known):
        raise click.BadParameter(f"{peer!r} is none of {', '.join(known)}", param_hint="--peers")
    for peer in set(peers).difference(installed()):
        raise click.BadParameter(
            f"{peer} is not installed: pip install 'fastcpuact[peers]'", param_hint="--peers"
        )
    chosen = list(dict.fromkeys(peers)) or installed()
    everyone = (1, act.threads.available_processors())
    plan = cases.plan(
        list(dict.fromkeys(names)) or cases.functions(),
        sorted(set(sizes)) or ((cases.TYPICAL,) if quick else cases.SIZES),
        list(dict.fromkeys(dtypes)) or (cases.DTYPES[:1] if quick else cases.DTYPES),
        sorted(set(threads)) or ((1,) if quick else sorted(set(everyone))),
        variations=not quick,
    )
    console = Console(stderr=True)
    if left_out := [name for name in known if name not in chosen]:
        console.print(f"Not compared with: {', '.join(left_out)}.", highlight=False)
    with progress_bar() as progress:
        task = progress.add_task("", total=len(plan))
        saved = time.monotonic()

        def show(result: Any) -> None:
            nonlocal saved
            progress.update(task, advance=1, description=result.cells[-1].case.function)
            if path is not None and time.monotonic() - saved > SAVE_SECONDS:
                result.save(path)
                saved = time.monotonic()

        result = run(plan, chosen, command, on_cell=show)
    if path is not None:
        result.save(path)
    for note in result.notes:
        console.print(note, highlight=False)
    _show(result, tables)
    if path is not None:
        console.print(f"Written to {path}; 'fastcpuact report {path}' shows it.", highlight=False)


@click.command(
    epilog=examples(
        "fastcpuact report results.json",
        "fastcpuact report results.json --readme README.md",
    )
)
@click.argument("paths", metavar="RESULT...", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "--readme",
    type=click.Path(exists=True, dir_okay=False, writable=True, path_type=Path),
    help="Rewrite the tables and pictures in this Markdown file, between its two markers.",
)
@click.option(
    "--pictures",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Draw the pictures into this folder.  [default: docs/benchmarks beside the README]",
)
def report(paths: tuple[str, ...], readme: Path | None, folder: Path | None) -> None:
    """Show what 'fastcpuact bench' measured: tables and pictures, losses included.

    Several results of one machine are shown as one.
    """
    with extra("bench"):
        from fastcpuact.bench import pictures, tables
        from fastcpuact.bench import readme as markdown
        from fastcpuact.bench.result import Result

    try:
        result = Result.merged([Result.load(Path(path)) for path in paths])
        if readme is not None:
            markdown.write(result, readme, folder or readme.parent / "docs" / "benchmarks")
            return
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if folder is not None:
        pictures.draw(result, folder)
        return
    _show(result, tables)


def _show(result: Any, tables: Any) -> None:
    """Print the tables of a result."""
    if not result.cells:
        return
    console = Console()
    console.print(tables.conditions(result), highlight=False)
    for grid in tables.all_of(result):
        console.print(grid.rich(console.width))
