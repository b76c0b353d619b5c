"""Runs the checks of `reliability` in full and writes their figures to RELIABILITY.md.

python tests/reliability_report.py                  # all of them: hours
python tests/reliability_report.py forks overlap    # these; the other rows stay
python tests/reliability_report.py --quick          # the amounts that the tests run
"""

from __future__ import annotations

import datetime
import time
from pathlib import Path

import click
from rich.console import Console

import fastcpuact
import reliability
from fastcpuact.bench.machine import describe
from reliability import Check, Unavailable

PAGE = Path(__file__).parents[1] / "RELIABILITY.md"
HEAD = """# Reliability

What `python tests/reliability_report.py` found: each row is a check of that name in
`tests/reliability/`, run in full or, where it says so, in a smaller amount, with its last figures.
The tests run the same checks in smaller amounts (`pytest tests/test_reliability.py`; `-m long` for
those that take minutes).
"""
COLUMNS = ("check", "what holds", "figures", "run")


def read(page: Path) -> dict[str, list[str]]:
    """Return the rows of a page by the names of their checks."""
    if not page.exists():
        return {}
    rows = [line.strip("|").split("|") for line in page.read_text().splitlines() if "|" in line]
    return {cells[0].strip(): [cell.strip() for cell in cells] for cells in rows}


def write(page: Path, rows: dict[str, list[str]], checks: dict[str, Check]) -> None:
    """Write the rows under their headings."""
    groups: dict[str, list[str]] = {}
    for name, check in checks.items():
        cells = rows.get(name, [name, "", "not run yet", ""])
        cells[1] = check.promise
        groups.setdefault(check.group, []).append(f"| {' | '.join(cells)} |")
    machine = describe()
    where = ", ".join(f"{machine[key]}" for key in ("processor", "system", "level"))
    parts = [HEAD, f"Last run: fastcpuact {fastcpuact.__version__} on {where}.\n"]
    for group, lines in groups.items():
        table = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *lines]
        parts.append("\n".join([f"## {group}", "", *table, ""]))
    page.write_text("\n".join(parts))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="The amounts that the tests run.")
@click.option("--page", type=click.Path(path_type=Path), default=PAGE, show_default=True)
def main(names: tuple[str, ...], quick: bool, page: Path) -> None:
    """Run the checks of these NAMES, or all, and write their figures into a page."""
    checks = reliability.load()
    if unknown := set(names) - set(checks):
        raise click.BadParameter(f"{unknown.pop()!r} is none of {', '.join(checks)}")
    console = Console()
    rows = read(page)
    failed = []
    for name in names or checks:
        start = time.perf_counter()
        try:
            figures = checks[name].run(not quick)
        except Unavailable as error:
            figures = f"not run: {error}"
        except AssertionError as error:
            console.print(f"{name}: {error}", style="red", markup=False)
            figures = "**failed**"
            failed.append(name)
        seconds = time.perf_counter() - start
        console.print(f"{name}: {figures} ({seconds:.0f} s)", markup=False, highlight=False)
        day = datetime.date.today().isoformat()
        amount = "quick, " if quick else ""
        rows[name] = [name, "", figures, f"{day}, {amount}{seconds:.0f} s"]
        # A later check may end the process.
        write(page, rows, checks)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
