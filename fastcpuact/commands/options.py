"""What the commands share: how they are called, types of arguments, the bar of progress."""

import os
import shlex
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.status import Status

import fastcpuact as act


class Literal(click.Command):
    """A command that remembers how it was called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments as they are before the parsing consumes them."""
        ctx.obj = shlex.join([*ctx.command_path.split(), *args])
        return super().parse_args(ctx, args)


def examples(*commands: str) -> str:
    """Return the foot of a help text, one example on each line."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


class AnyName(click.ParamType):
    """The name or alias of an activation of any kind; converts to the name."""

    name = "name"
    kind: str | None = None

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail with the nearest ones."""
        try:
            name: str = act.get(value, self.kind).name
        except ValueError as error:
            self.fail(f"{error} (see 'fastcpuact list')", param, ctx)
        return name

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so."""
        found = (name for name in act.names(self.kind) if name.startswith(incomplete))
        return [CompletionItem(name) for name in found]


class ActivationName(AnyName):
    """The name or alias of an elementwise activation; converts to the name."""

    kind = "elementwise"


class OutputPath(click.Path):
    """A file to write; refused before the work rather than after it."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(dir_okay=False, writable=True)
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or fail if it could not be written."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.suffix.lower() not in self.suffixes:
            *most, last = self.suffixes
            names = f"{', '.join(most)} or {last}" if most else last
            self.fail(f"{path}: the name must end in {names}", param, ctx)
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            self.fail(f"{path.parent} is not a directory that can be written to", param, ctx)
        return path


PICTURES = (".png", ".svg", ".pdf")


def progress_bar(done: ProgressColumn | None = None) -> Progress:
    """Return a bar on standard error, which leaves standard output to the results.

    ``done`` shows how much is done: by default, how many of how many.
    """
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        done or MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def working(what: str) -> Status:
    """Return a moving sign on standard error, for seconds that cannot be counted."""
    return Console(stderr=True).status(f"{what} …")
