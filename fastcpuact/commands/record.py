"""``fastcpuact record``."""

import json
from pathlib import Path
from typing import Any

import click

import fastcpuact as act
from fastcpuact.cli import extra

from .options import OutputPath, examples

_File = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog=examples(
        "fastcpuact bench --quick --json speed.json",
        "fastcpuact check --json > errors.json",
        "fastcpuact record speed.json errors.json",
    )
)
@click.argument("speed", type=_File)
@click.argument("errors", type=_File)
@click.option(
    "-o",
    "--output",
    type=OutputPath(".json"),
    default=lambda: str(Path(act.__file__).parent / "info" / "measured.json"),
    show_default="that of this package",
    help="The file to write.",
)
def record(speed: Path, errors: Path, output: Path) -> None:
    """Remember what was measured, for 'show', 'compare' and the documentation.

    SPEED is what 'fastcpuact bench --json' wrote, ERRORS what 'fastcpuact check --json' printed.
    """
    with extra("bench"):
        from fastcpuact.bench.cases import TYPICAL
        from fastcpuact.info import measured

    try:
        measured.write(measured.condense(_read(speed), _read(errors), TYPICAL), output)
    except (KeyError, TypeError, ValueError) as error:
        raise click.ClickException(f"{speed} or {errors} is no such result: {error!r}") from error
    click.echo(f"Written to {output}")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from error
