"""The command line: what it prints, writes and refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.image import imread

import fastcpuact as act
from fastcpuact.commands import fastcpuact

ROOT = Path(__file__).parents[1]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(fastcpuact, [str(a) for a in arguments], catch_exceptions=False)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_has_examples():
    result = invoke("--help")
    assert result.exit_code == 0
    assert "fastcpuact demo --activation gelu" in result.output


def test_version():
    assert invoke("--version").output.split()[-1] == act.__version__


def test_list_shows_every_activation(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = invoke("list")
    assert result.exit_code == 0
    rows = [line.split("│") for line in result.output.splitlines() if "│" in line]
    assert [row[1].strip() for row in rows] == act.names(None)
    for row in rows:
        activation = act.get(row[1].strip())
        assert row[2].strip() == activation.kind
        assert row[3].strip() == ", ".join(activation.aliases)
        shown = [parameter.split("=")[0].strip() for parameter in row[4].split(",")]
        assert shown == (list(activation.params) or [""])


def test_list_as_json():
    result = invoke("list", "--json")
    assert result.exit_code == 0
    records = json.loads(result.output)
    assert [record["name"] for record in records] == act.names(None)
    for record in records:
        activation = act.get(record["name"])
        assert record["kind"] == activation.kind
        assert record["aliases"] == list(activation.aliases)
        assert record["parameters"] == activation.params


def test_demo_prints_a_table_and_draws_a_picture(tmp_path):
    picture = tmp_path / "curves.png"
    result = invoke("demo", "--activation", "relu", "--epochs", 1, "--output", picture)
    assert result.exit_code == 0
    assert "relu" in result.output
    assert "speed" in result.output
    assert str(picture) in result.output.replace("\n", "")
    pixels = imread(picture)
    height, width, _ = pixels.shape
    assert height >= 400
    assert width >= 600
    blue = np.all(np.abs(pixels[..., :3] - (0, 0.447, 0.698)) < 0.01, axis=-1)
    assert blue.sum() > 100


def test_demo_as_json(tmp_path):
    picture = tmp_path / "curves.svg"
    result = invoke(
        *("demo", "--json", "--epochs", 2, "--seed", 7, "--output", picture),
        *("--activation", "expit", "--activation", "gelu", "--activation", "sigmoid"),
    )
    assert result.exit_code == 0
    results = json.loads(result.stdout)
    assert results["epochs"] == 2
    assert results["seed"] == 7
    assert results["picture"] == str(picture)
    assert "<svg" in picture.read_text()
    assert [run["activation"] for run in results["runs"]] == ["sigmoid", "gelu"]
    for run in results["runs"]:
        assert len(run["accuracy"]) == 3
        assert run["speedup"] > 0


def test_demo_trains_with_all_activations_by_default(tmp_path):
    result = invoke("demo", "--json", "--epochs", 1, "--output", tmp_path / "curves.png")
    trained = [run["activation"] for run in json.loads(result.stdout)["runs"]]
    assert set(act.names()).difference(trained) == {"threshold"}  # has parameters without default


def test_activation_without_defaults_cannot_be_trained():
    asked_for = invoke("demo", "--activation", "threshold")
    assert asked_for.exit_code == 2
    assert "threshold has a parameter without default" in asked_for.output


def test_unknown_activation_suggests_the_nearest():
    result = invoke("demo", "--activation", "gleu")
    assert result.exit_code == 2
    assert "did you mean gelu" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--epochs", "0"),
        ("--seed", "-1"),
        ("--output", "curves.txt"),
        ("--output", "missing/curves.png"),
    ],
    ids=" ".join,
)
def test_demo_refuses_at_once(arguments):
    result = invoke("demo", *arguments)
    assert result.exit_code == 2
    assert re.search(f"Invalid value for .*'{arguments[0]}'", result.output)


@pytest.mark.parametrize(
    ("package", "command", "advice"),
    [
        ("click", "list", "pip install 'fastcpuact[cli]'"),
        ("rich", "list", "pip install 'fastcpuact[cli]'"),
        ("sklearn", "demo", "pip install 'fastcpuact[demo]'"),
        ("scipy", "demo", "pip install 'fastcpuact[demo]'"),
        ("matplotlib", "demo", "pip install 'fastcpuact[demo]'"),
    ],
)
def test_missing_package_is_named(package, command, advice):
    script = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['fastcpuact', {command!r}]\n"
        "from fastcpuact.cli import main; main()"
    )
    done = python("-c", script)
    assert done.returncode == 1
    assert done.stderr == f"fastcpuact: {package} is missing: {advice}\n"


@pytest.mark.parametrize(
    ("package", "call", "by", "extra"),
    [
        ("matplotlib", "import fastcpuact.plot", "fastcpuact.plot", "plot"),
        ("matplotlib", "diagnostics.gain('relu').plot()", "plot()", "plot"),
        ("matplotlib", "edge.plot(edge.lookup_table('tanh', 17))", "plot()", "plot"),
        ("rich", "diagnostics.gain('relu').table()", "table()", "cli"),
    ],
)
def test_missing_package_of_a_call_is_named(package, call, by, extra):
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from fastcpuact import diagnostics, edge\n{call}"
    )
    done = python("-c", script)
    expected = f"ModuleNotFoundError: {by} needs {package}: pip install 'fastcpuact[{extra}]'"
    assert done.stderr.splitlines()[-1] == expected


def test_module_runs_as_the_command_does():
    done = python("-m", "fastcpuact", "list", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == invoke("list", "--json").stdout
    usage = python("-m", "fastcpuact", "--help").stdout
    assert usage.startswith("Usage: fastcpuact ")


def test_import_of_the_package_needs_no_extra():
    extras = {"click", "rich", "sklearn", "scipy", "matplotlib", "threadpoolctl"}
    done = python(
        "-c", "import sys, fastcpuact; print(*{m.partition('.')[0] for m in sys.modules})"
    )
    assert done.returncode == 0, done.stderr
    assert "fastcpuact" in done.stdout.split()
    assert extras.isdisjoint(done.stdout.split())
