"""What is exported as C, and what is refused."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from click.testing import CliRunner

import fastcpuact as act
from fastcpuact import edge
from fastcpuact.commands import fastcpuact as cli
from fastcpuact.commands.export import METHOD_OPTIONS, export
from fastcpuact.edge.export import METHODS
from fastcpuact.emit import c99
from fastcpuact.formulas.language import LEAVES, PRECISIONS


def test_text_is_the_same_in_every_run():
    text = edge.export_c("gelu")
    assert text == edge.export_c(act.gelu) == edge.export_c(act.gelu.name, method="exact")
    assert text.isascii()


def test_all_names_have_the_prefix():
    text = edge.export_c("mish", prefix="my_net_", name="bend")
    functions = re.findall(r"^static inline \w+ (\w+)\(", text, re.MULTILINE)
    macros = re.findall(r"^#define (\w+)", text, re.MULTILINE)
    assert functions and all(name.startswith("my_net_bend") for name in functions)
    assert macros and all(name.startswith("MY_NET_BEND_") for name in macros)
    assert {"my_net_bend", "my_net_bend_grad", "my_net_bend_array"} <= set(functions)


def test_no_library_is_included():
    text = edge.export_c("serf", dtype="float32")
    assert set(re.findall(r"#include (\S+)", text)) == {"<stddef.h>", "<stdint.h>"}


def test_no_leaf_is_printed_that_is_not_called():
    text = edge.export_c("relu")
    functions = re.findall(r"^static inline \w+ (\w+)\(", text, re.MULTILINE)
    assert all(len(re.findall(rf"\b{name}\b", text)) > 1 for name in functions if "impl" in name)
    assert "fma" not in text.replace("fma)", "")


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: p.dtype)
def test_every_leaf_is_there(precision):
    calls = " ".join(f"p_{leaf.name}_{precision.suffix}(" for leaf in LEAVES)
    printed = c99.C99Printer("p_").leaves(calls)
    for leaf in LEAVES:
        assert f" p_{leaf.name}_{precision.suffix}(" in printed


def test_parameters_are_constants():
    text = edge.export_c("leaky_relu", params={"negative_slope": 0.25})
    assert "negative_slope = 0.25" in text.splitlines()[0]
    assert edge.export_c("leaky_relu") == edge.export_c(
        "leaky_relu", params=dict(act.leaky_relu.params)
    )
    assert "threshold = 1.0, value = -2.0" in edge.export_c(
        "threshold", params={"threshold": 1, "value": -2}
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"f": "gelo"}, ValueError, "gelo.*did you mean"),
        ({"f": "softmax"}, ValueError, "softmax.*is rowwise"),
        ({"f": 3}, TypeError, "f must be .* got int"),
        ({"f": "gelu", "method": "best"}, ValueError, "method must be .* got 'best'"),
        ({"f": "gelu", "dtype": "float16"}, ValueError, "dtype must be .* got 'float16'"),
        ({"f": "gelu", "prefix": ""}, ValueError, "prefix must be an ASCII identifier"),
        ({"f": "gelu", "prefix": "ä_"}, ValueError, "prefix must be an ASCII identifier"),
        ({"f": "gelu", "prefix": "_x"}, ValueError, "prefix must be an ASCII identifier"),
        ({"f": "gelu", "prefix": "a b"}, ValueError, "prefix must be an ASCII identifier"),
        ({"f": "gelu", "prefix": "a\n"}, ValueError, "prefix must be an ASCII identifier"),
        ({"f": "gelu", "prefix": 3}, TypeError, "prefix must be a str, got int"),
        ({"f": "gelu", "prefix": "a" * 41}, ValueError, "prefix must have at most 40 characters"),
        ({"f": "gelu", "name": "1"}, ValueError, "name must be an ASCII identifier"),
        ({"f": "gelu", "prefix": "in", "name": "t"}, ValueError, "a keyword, got 'int'"),
        ({"f": "gelu", "params": {"a": 1}}, ValueError, "params .* gelu: none; got 'a'"),
        ({"f": "elu", "params": {"a": 1}}, ValueError, "params .* elu: alpha; got 'a'"),
        ({"f": "elu", "params": {"alpha": "1"}}, TypeError, "params must be numbers"),
        ({"f": "elu", "params": {"alpha": float("nan")}}, ValueError, "params must be finite"),
        ({"f": "elu", "params": {"alpha": 1e39}}, ValueError, "params must be finite in float32"),
        ({"f": lambda x: x}, TypeError, "f must be an activation for the method 'exact'"),
        ({"f": "gelu", "entries": 9}, TypeError, "entries is not for the method 'exact'"),
        ({"f": "tanh", "method": "lut"}, TypeError, "entries"),
        ({"f": "tanh", "method": "lut", "entries": 9, "order": "signed"}, ValueError, "order must"),
        ({"f": "tanh", "order": "any"}, ValueError, "order must be one of .* got 'any'"),
        ({"f": lambda x: x, "method": "lut", "entries": 9}, ValueError, "name must .* '<lambda>'"),
        ({"f": "threshold"}, TypeError, "params must have a value of threshold"),
    ],
)
def test_bad_arguments(arguments, error, message, tmp_path):
    path = tmp_path / "out.h"
    with pytest.raises(error, match=message):
        edge.export_c(**arguments, path=path)
    assert not list(tmp_path.iterdir())


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "gelu.h"
    text = edge.export_c("gelu", path)
    assert path.read_bytes() == text.encode()
    with pytest.raises(FileNotFoundError):
        edge.export_c("gelu", tmp_path / "nowhere" / "gelu.h")

    def fail(*_):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="no space"):
        edge.export_c("tanh", path)
    assert path.read_bytes() == text.encode()
    assert os.listdir(tmp_path) == ["gelu.h"]


def test_approximants_carry_their_certificate():
    table = edge.lookup_table("tanh", 65, interpolation="cubic")
    text = edge.export_c(table, prefix="net_", name="squash")
    assert text == edge.export_c(
        "tanh", method="lut", entries=65, interpolation="cubic", prefix="net_", name="squash"
    )
    for line in str(table.certificate).splitlines():
        assert f" * {c99.ascii_text(line)}" in text
    with pytest.raises(TypeError, match="not for an approximant that was made"):
        edge.export_c(table, method="lut")


def test_a_softmax_is_refused():
    with pytest.raises(TypeError, match="f must be elementwise to be exported, got IntegerSoftmax"):
        edge.export_c(edge.integer_softmax(edge.Affine(0.1)))


def test_users_functions():
    text = edge.export_c(
        lambda x: np.exp(-x * x), method="lut", name="bell", entries=33, domain=(-4, 4)
    )
    assert "static inline float act_bell(float x)" in text
    steep = edge.export_c("leaky_relu", method="lut", entries=3, params={"negative_slope": 0.5})
    assert steep != edge.export_c("leaky_relu", method="lut", entries=3)


def test_words_that_c_does_not_have():
    printer = c99.C99Printer("p_")
    assert printer.name("double") == "double_"
    assert printer.name("λ") == "u3bb"
    assert c99.ascii_text("Φ(-t)·e^(t²/2) für α…") == "Phi(-t)*e^(t^2/2) fur alpha..."
    assert c99.comment("a */ b") == "/* a * / b */"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5f"),
        (-0.0, "-0.0f"),
        (12582912.0, "12582912.0f"),
        (1 / 3, "0x1.5555555555555p-2f"),
        (2.0**-40, "0x1p-40f"),
    ],
)
def test_numbers_are_exact(value, text):
    assert c99.number(value, "float") == text
    assert float.fromhex(text[:-1]) == value if "x" in text else float(text[:-1]) == value


class TestCommand:
    def run(self, *arguments):
        return CliRunner().invoke(cli, ["export", *arguments])

    def test_file(self, tmp_path):
        path = tmp_path / "elu.h"
        done = self.run("elu", "--param", "alpha=0.5", "--method", "fast", "-o", str(path))
        assert done.exit_code == 0, done.output
        assert path.read_text() == edge.export_c("elu", method="fast", params={"alpha": 0.5})
        assert done.output == ""

    def test_methods(self):
        assert tuple(METHOD_OPTIONS) == METHODS
        assert set().union(*METHOD_OPTIONS.values()) < {p.name for p in export.params}

    @pytest.mark.parametrize(
        ("arguments", "same"),
        [
            (("lut", "--domain", "-4", "4"), {"entries": 129, "domain": (-4, 4)}),
            (("polynomial", "--coefficients", "3"), {"coefficients": 3}),
            (("piecewise", "--degree", "2"), {"segments": 8, "degree": 2}),
            (("rational",), {"numerator": 4, "denominator": 3}),
            (
                ("int8", "--input-scale", "0.1", "--output-scale", "0.01", "--order", "signed"),
                {"input": edge.Affine(0.1), "output": edge.Affine(0.01), "order": "signed"},
            ),
        ],
        ids=str,
    )
    def test_approximants(self, arguments, same):
        done = self.run("tanh", "--method", *arguments)
        assert done.exit_code == 0, done.output
        assert done.output == edge.export_c("tanh", method=arguments[0], **same)

    def test_standard_output(self):
        done = self.run("tanh", "--prefix", "net_", "--rename", "squash", "--dtype", "float64")
        text = edge.export_c("tanh", prefix="net_", name="squash", dtype="float64")
        assert (done.exit_code, done.output) == (0, text)

    @pytest.mark.parametrize(
        "arguments",
        [
            ("gelo",),
            ("gelu", "--prefix", "é"),
            ("gelu", "--param", "alpha"),
            ("gelu", "--param", "alpha=x"),
            ("gelu", "--param", "alpha=1"),
            ("gelu", "-o", "gelu.txt"),
            ("threshold",),
            ("tanh", "--entries", "9"),
            ("tanh", "--method", "lut", "--entries", "1"),
            ("tanh", "--method", "int8", "--input-scale", "1"),
            ("tanh", "--method", "int8", "--input-scale", "0", "--output-scale", "1"),
            ("tanh", "--method", "lut", "--domain", "3", "3"),
        ],
        ids=" ".join,
    )
    def test_refused(self, arguments):
        done = self.run(*arguments)
        assert done.exit_code == 2
        assert "Error" in done.output
