"""show, compare, list with filters, plot and record on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

import fastcpuact as act
from fastcpuact.commands import fastcpuact
from fastcpuact.info import measured


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(fastcpuact, [str(a) for a in arguments], catch_exceptions=False)


def commands(group: click.Group = fastcpuact, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


def listed(*arguments: str) -> list[str]:
    result = invoke("list", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [record["name"] for record in json.loads(result.output)]


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_of_every_command_has_examples_that_exist(path):
    """The examples in a help text name commands and options that there are."""
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    _, found, examples = result.output.partition("Examples:\n")
    assert found, "no examples"
    for line in examples.partition("\n\n")[0].strip().splitlines():
        words = line.split(">")[0].split()
        assert words.pop(0) == "fastcpuact"
        command: click.Command = fastcpuact
        while isinstance(command, click.Group) and words:
            command = command.commands[words.pop(0)]
        options = {
            o for parameter in command.params for o in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in words if word.startswith("--")} <= options


def test_show_prints_a_card(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    result = invoke("show", "quick_gelu", "softmax")
    assert result.exit_code == 0
    for text in (
        "gelu_sigmoid",
        "x·σ(1.702 x)",
        "Swish(alpha=1.702)",
        "ULP",
        "relu",
        "Softmax(axis=-1)",
    ):
        assert text in result.output
    assert measured.conditions() in result.output


def test_show_as_json():
    [info] = json.loads(invoke("show", "leaky_relu", "--json").output)
    assert info["properties"]["kinks"] == [0.0]
    assert info["names"]["onnx"] == "LeakyRelu(alpha=0.01)"
    assert info["costs"]["value"]["relative"] > 0
    assert info["properties"]["range"] == ["-inf", "inf"]


def test_compare_puts_them_side_by_side(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = invoke("compare", "gelu", "hardswish", "swiglu")
    assert result.exit_code == 0
    (row,) = [line for line in result.output.splitlines() if line.split()[:1] == ["smooth"]]
    assert "yes" in row and "its slope jumps at -3, 3" in row
    infos = json.loads(invoke("compare", "gelu", "silu", "--json").output)
    assert [info["name"] for info in infos] == ["gelu", "silu"]


def test_compare_needs_two():
    result = invoke("compare", "silu", "silu")
    assert result.exit_code == 2
    assert "two different names" in result.output


def test_list_filters():
    assert set(listed("--saturating", "both", "--zero-centred")) == {"softsign", "hardtanh", "tanh"}
    assert listed("--kind", "gated") == act.names("gated")
    smooth = set(listed("--smooth"))
    assert smooth.isdisjoint(listed("--not-smooth")) and {"gelu", "mish"} <= smooth
    assert smooth | set(listed("--not-smooth")) == set(act.names())
    assert "gelu_sigmoid" not in listed("--in", "torch") and "gelu" in listed("--in", "torch")
    assert set(listed("--with-parameters", "--kind", "elementwise")) == {
        name for name, f in act.activations.items() if f.params
    }
    assert "hardswish" in listed("MobileNet")
    assert "relu" in listed("--monotone") and "relu" not in listed("--not-monotone")


def test_list_of_nothing_is_an_error():
    assert listed("no such words") == []
    result = invoke("list", "no such words")
    assert result.exit_code == 1
    assert "no activation passes all filters" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("activation", "gelu", "silu"),
        ("activation", "elu", "--set", "alpha=2"),
        ("gallery", "relu", "tanh"),
        ("error", "tanh", "--plain"),
        ("depth", "tanh", "relu", "--layers", "4", "--width", "16"),
    ],
    ids=" ".join,
)
def test_plot_draws(arguments, tmp_path):
    picture = tmp_path / "picture.svg"
    result = invoke("plot", *arguments, "--output", picture)
    assert result.exit_code == 0, result.output
    assert str(picture) in result.output
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("activation", "gleu"), "did you mean"),
        (("activation", "elu", "--set", "alpha"), "'alpha': a value is missing"),
        (("activation", "elu", "--set", "beta=2"), "elu has no parameter 'beta'"),
        (("depth", "threshold"), "threshold has a parameter without default"),
        (("error", "threshold"), "threshold has a parameter without default"),
        (("error", "snake", "--plain", "--output", "picture.txt"), "must end in"),
    ],
)
def test_plot_refuses(arguments, message):
    result = invoke("plot", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_plot_depth_as_json(tmp_path):
    picture = tmp_path / "depth.png"
    result = invoke(
        *("plot", "depth", "relu", "--layers", 5, "--width", 8, "--json", "--output", picture)
    )
    found = json.loads(result.stdout)
    assert len(found["runs"][0]["signal"]) == 5
    assert found["picture"] == str(picture) and picture.exists()


def test_names_are_completed():
    complete = ShellComplete(fastcpuact, {}, "fastcpuact", "_FASTCPUACT_COMPLETE")
    found = complete.get_completions(["show"], "hard")
    assert [item.value for item in found] == [n for n in act.names(None) if n.startswith("hard")]
    found = complete.get_completions(["check"], "soft")
    assert [item.value for item in found] == [n for n in act.names() if n.startswith("soft")]


@pytest.mark.parametrize(
    ("arguments", "incomplete", "expected"),
    [
        (["bench"], "swig", ["swiglu"]),
        (["evaluate"], "relu/gelu_", ["relu/gelu_sigmoid", "relu/gelu_tanh"]),
        (["check", "--form"], "grad_f", ["grad_from_output"]),
    ],
)
def test_other_names_are_completed(arguments, incomplete, expected):
    complete = ShellComplete(fastcpuact, {}, "fastcpuact", "_FASTCPUACT_COMPLETE")
    found = complete.get_completions(arguments, incomplete)
    assert sorted(item.value for item in found) == expected


def test_a_name_in_capitals_is_suggested():
    result = invoke("show", "GELU")
    assert result.exit_code == 2 and "did you mean gelu" in result.output


def test_record_writes_what_show_reads(tmp_path):
    case = {
        **{"name": "relu", "form": "value", "dtype": "float32", "size": 32_000, "threads": 1},
        **{"result": "out", "inputs": "normal", "layout": "contiguous", "axis": None},
    }
    cells = [{"case": case, "measurements": {"fastcpuact": {"ns": [1.0, 3200.0, 1.0]}}}]
    machine = {"processor": "P", "engine": "compiled", "level": None, "system": "S"}
    speed, errors, output = (tmp_path / f"{name}.json" for name in ("speed", "errors", "output"))
    speed.write_text(
        json.dumps({"started": "2020", "versions": {}, "machine": machine, "cells": cells})
    )
    errors.write_text("[]")
    assert invoke("record", speed, errors, "--output", output).exit_code == 0
    assert json.loads(output.read_text())["speed"]["ns"] == {"relu": {"value": 0.1}}
    errors.write_text("no JSON")
    refused = invoke("record", speed, errors, "--output", output)
    assert refused.exit_code == 1 and "is not JSON" in refused.output
    speed.write_text("{}")
    errors.write_text("[]")
    refused = invoke("record", speed, errors, "--output", Path(output))
    assert refused.exit_code == 1 and "is no such result" in refused.output
