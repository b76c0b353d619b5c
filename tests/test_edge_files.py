"""Files of approximants, and arguments that make none."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import edge
from fastcpuact.edge.segments import Segments


def made():
    return {
        "table": edge.lookup_table("tanh", 33),
        "optimal": edge.lookup_table("sigmoid", 12, interpolation="cubic", spacing="optimal"),
        "pieces": edge.piecewise_polynomial("gelu", 8, 2),
        "polynomial": edge.polynomial("mish", 7),
        "rational": edge.rational("gelu", 4, 4, dtype="float64"),
    }


MADE = made()


@pytest.mark.parametrize("name", MADE)
def test_what_is_loaded_is_what_was_saved(name, tmp_path):
    approximant = MADE[name]
    path = tmp_path / "a.npz"
    approximant.save(path)
    loaded = edge.load(path)
    assert type(loaded) is type(approximant)
    assert loaded.certificate == approximant.certificate == loaded.certify()
    assert (loaded.name, loaded.method, loaded.nbytes) == (
        approximant.name,
        approximant.method,
        approximant.nbytes,
    )
    x = np.linspace(-9, 9, 1001).astype(approximant.dtype)
    np.testing.assert_array_equal(loaded(x), approximant(x))
    np.testing.assert_array_equal(loaded.derivative(x), approximant.derivative(x))
    again = tmp_path / "b.npz"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


def bump(x):
    return 1 / (1 + x * x)


@pytest.mark.parametrize("function", [bump, act.define(bump)], ids=("callable", "defined"))
def test_users_functions_are_known_by_name_alone(function, tmp_path):
    path = tmp_path / "bump.npz"
    edge.lookup_table(function, 17, (-3, 3)).save(path)
    loaded = edge.load(path)
    assert loaded.name == "bump"
    assert loaded.certificate.function == "bump"
    with pytest.raises(ValueError, match="give it to load"):
        loaded.certify()
    assert edge.load(path, function=function).certify() == loaded.certificate


def test_damaged_files(tmp_path):
    path = tmp_path / "a.npz"
    MADE["table"].save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"not a file", whole[:100], whole[: len(whole) // 2], whole[:-30]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.npz"):
            edge.load(path)
    with pytest.raises(FileNotFoundError):
        edge.load(tmp_path / "missing.npz")
    np.savez(path, x=np.arange(3))
    with pytest.raises(ValueError, match="no file of an approximant"):
        edge.load(path)
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="no file of an approximant"):
        edge.load(path)


def test_changed_numbers_are_found(tmp_path):
    path = tmp_path / "a.npz"
    MADE["table"].save(path)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["values"][3] += 1
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="checksum"):
        edge.load(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"kind": "unheard"}, "no approximant is of the kind"),
        ({"data": {}}, "does not hold an approximant"),
        ({"activation": "unheard"}, "no activation is called"),
        ({"certificate": {}}, "fields of Certificate"),
    ],
)
def test_forged_headers(tmp_path, change, match):
    from fastcpuact.edge import container

    path = tmp_path / "a.npz"
    MADE["table"].save(path)
    header, arrays = container.read(path)
    container.write(path, {**header, **change}, arrays)
    with pytest.raises(ValueError, match=match):
        edge.load(path)


def test_forged_data(tmp_path):
    from fastcpuact.edge import container

    path = tmp_path / "a.npz"
    MADE["table"].save(path)
    header, arrays = container.read(path)
    forged = [
        {**arrays, "values": arrays["values"][:-1]},
        {**arrays, "values": arrays["values"].astype(np.float64)},
        {**arrays, "values": arrays["values"] * np.float32(np.nan)},
        {**arrays, "knots": arrays["knots"][::-1].copy()},
        {"knots": arrays["knots"]},
    ]
    for wrong in forged:
        container.write(path, header, wrong)
        with pytest.raises(ValueError, match="does not hold an approximant"):
            edge.load(path)
    for key, value in (
        ("end", -1.0),
        ("dtype", "float16"),
        ("symmetry", ["odd"]),
        ("image", [1, 0]),
    ):
        container.write(path, {**header, "data": {**header["data"], key: value}}, arrays)
        with pytest.raises(ValueError, match="does not hold an approximant"):
            edge.load(path)


def test_no_half_file_is_left(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    MADE["table"].save(path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no space left"):
        MADE["pieces"].save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_a_file_holds_plain_arrays_and_json(tmp_path):
    path = tmp_path / "a.npz"
    MADE["table"].save(path)
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {"header.npy", "values.npy", "knots.npy"}
        header = np.load(io.BytesIO(archive.read("header.npy")), allow_pickle=False)
    fields = json.loads(header.tobytes())
    assert (fields["format"], fields["version"], fields["kind"]) == ("fastcpuact.edge", 1, "table")


BAD = [
    (ValueError, "empty", lambda: edge.lookup_table("tanh", 9, (1, 1))),
    (ValueError, "empty", lambda: edge.lookup_table("tanh", 9, (2, 1))),
    (ValueError, "finite", lambda: edge.lookup_table("tanh", 9, (-np.inf, 1))),
    (ValueError, "finite", lambda: edge.polynomial("tanh", 4, (np.nan, 1))),
    (TypeError, "domain must be a pair", lambda: edge.lookup_table("tanh", 9, 4)),
    (TypeError, "domain must be a pair", lambda: edge.lookup_table("tanh", 9, (1, 2, 3))),
    (ValueError, "domain must be given", lambda: edge.lookup_table("exponential", 9)),
    (
        ValueError,
        "domain must not be empty in float32",
        lambda: edge.polynomial("tanh", 3, (1, 1 + 1e-12)),
    ),
    *(
        (
            ValueError,
            "domain must lie between .* in float32",
            lambda make=make, more=more, d=d: make("tanh", *more, domain=d),
        )
        for make, more in (
            (edge.lookup_table, (4,)),
            (edge.polynomial, (4,)),
            (edge.piecewise_polynomial, (4, 2)),
        )
        for d in ((0, 1e-44), (-1e-30, 1e-30), (-3e38, 3e38), (1e19, 1e30))
    ),
    (
        ValueError,
        "no width, or no inverse",
        lambda: Segments(np.linspace(0, 1e-43, 5), "uniform", np.dtype(np.float32)),
    ),
    (ValueError, "entries must be from 2", lambda: edge.lookup_table("tanh", 1)),
    (ValueError, "entries must be from 2", lambda: edge.lookup_table("tanh", -5)),
    (ValueError, "entries must be from 2 to 65536", lambda: edge.lookup_table("tanh", 10**9)),
    (ValueError, "entries must be from", lambda: edge.lookup_table("tanh", True)),
    (TypeError, "entries must be an integer", lambda: edge.lookup_table("tanh", 9.5)),
    (ValueError, "multiple of 3", lambda: edge.lookup_table("gelu", 9, interpolation="cubic")),
    (
        ValueError,
        "interpolation must be one of",
        lambda: edge.lookup_table("tanh", 9, interpolation="spline"),
    ),
    (ValueError, "spacing must be one of", lambda: edge.lookup_table("tanh", 9, spacing="random")),
    (
        ValueError,
        "identity needs",
        lambda: edge.lookup_table("gelu", 9, interpolation="quadratic", identity=True),
    ),
    (ValueError, "identity needs", lambda: edge.lookup_table("tanh", 9, identity=True)),
    (
        ValueError,
        "dtype must be float32 or float64",
        lambda: edge.polynomial("tanh", 4, dtype="float16"),
    ),
    (
        TypeError,
        "dtype must be float32 or float64",
        lambda: edge.polynomial("tanh", 4, dtype="nonsense"),
    ),
    (ValueError, "degree must be from 0", lambda: edge.piecewise_polynomial("tanh", 4, -1)),
    (ValueError, "segments must be from 1", lambda: edge.piecewise_polynomial("tanh", 0, 1)),
    (ValueError, "coefficients must be from 1", lambda: edge.polynomial("tanh", 0)),
    (ValueError, "denominator must be from 1", lambda: edge.rational("tanh", 3, 0)),
    (
        ValueError,
        "variable must be t",
        lambda: edge.polynomial("mish", 4, (-4, 4), variable="square"),
    ),
    (ValueError, "no activation is called", lambda: edge.polynomial("thanh", 4)),
    (TypeError, "must be an activation", lambda: edge.polynomial(3, 4)),
    (TypeError, "elementwise", lambda: edge.polynomial("softmax", 4)),
    (TypeError, "needs threshold, value", lambda: edge.polynomial("threshold", 4)),
    (ValueError, "is NaN at", lambda: edge.lookup_table(lambda x: np.sqrt(x), 9, (-1, 1))),
    (ValueError, "finite on the domain", lambda: edge.lookup_table(lambda x: 1 / x, 9, (-1, 1))),
    (TypeError, "real array", lambda: edge.polynomial(lambda x: 1j * x, 4, (-1, 1))),
    (TypeError, "real array", lambda: edge.polynomial(lambda x: 1.0, 4, (-1, 1))),
    (ValueError, "too many", lambda: edge.lookup_table("tanh", 4001, (1, 1.0001))),
]


@pytest.mark.parametrize(("error", "match", "call"), BAD, ids=range(len(BAD)))
def test_bad_arguments(error, match, call):
    with pytest.raises(error, match=match):
        call()


def test_parameters_of_activations():
    leaky = edge.lookup_table(lambda x: act.leaky_relu(x, 0.3), 3, (-1, 1))
    assert leaky(np.float32(-4)) == pytest.approx(-1.2, rel=1e-3)
