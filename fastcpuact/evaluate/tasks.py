"""What the networks have to learn: digits, a regression, and fixed functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import fastcpuact as act
from fastcpuact.demo.study import Digits

Array = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """Something to learn.

    Attributes
    ----------
    name : str
        Of `TASKS`.
    train, test : array of float32
        Inputs.
    train_targets, test_targets : array
        Labels, or numbers of mean 0 and deviation 1 in training.
    outputs : int
        Of the network.
    """

    name: str
    train: Array
    train_targets: Array
    test: Array
    test_targets: Array
    outputs: int

    @property
    def has_classes(self) -> bool:
        """Whether the targets are labels."""
        return self.train_targets.dtype.kind == "i"

    @property
    def link(self) -> Callable[[Array], Array]:
        """From the network's outputs to predictions."""
        return act.softmax if self.has_classes else np.positive

    @property
    def chance(self) -> float:
        """The loss of who knows nothing of the inputs."""
        return float(np.log(self.outputs)) if self.has_classes else 1.0

    def loss(self, predicted: Array) -> float:
        """Return the mean cross-entropy, or the mean square, in training."""
        if self.has_classes:
            right = predicted[np.arange(len(predicted)), self.train_targets]
            return float(-np.mean(np.log(np.maximum(right.astype(np.float64), 1e-300))))
        return float(np.mean((predicted.astype(np.float64) - self.train_targets) ** 2))

    def score(self, predicted: Array) -> float:
        """Return the accuracy, or R² = 1 - mean square over variance, in the test."""
        if self.has_classes:
            return float(np.mean(predicted.argmax(axis=1) == self.test_targets))
        residual = np.mean((predicted.astype(np.float64) - self.test_targets) ** 2)
        return float(1 - residual / np.var(self.test_targets))


# Fixed functions on [-1, 1], from smooth to broken: what a network of few parameters can fit.
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sine": lambda x: np.sin(3 * np.pi * x),
    "kink": lambda x: np.abs(x - 0.2),
    "jump": lambda x: np.where(np.abs(x) < 0.4, 1.0, 0.0),
    "peak": lambda x: 1 / (1 + 25 * x**2),
}
POINTS = 2048
TASKS = ("digits", "diabetes", *FUNCTIONS)
# By what a score is named.
SCORES = {"digits": "accuracy", **dict.fromkeys(("diabetes", *FUNCTIONS), "R²")}


@cache
def task(name: str, seed: int) -> Task:
    """Return a task, its data split and drawn by the seed.

    digits are the handwritten digits that scikit-learn ships (1797 of 8 by 8 pixels), diabetes its
    regression of the progress of a disease on ten measurements (442 patients); a fifth is kept for
    the test.  The others are functions of one variable, learned from `POINTS` points.
    """
    if name == "digits":
        digits = Digits.load(seed)
        labels = [x.astype(np.int64) for x in (digits.train_labels, digits.test_labels)]
        return Task(name, digits.train, labels[0], digits.test, labels[1], 10)
    if name == "diabetes":
        x, y = load_diabetes(return_X_y=True)
        parts = train_test_split(x, y[:, None], test_size=0.2, random_state=seed)
    else:
        rng = np.random.default_rng(seed)
        x, grid = rng.uniform(-1, 1, (POINTS, 1)), np.linspace(-1, 1, 2001)[:, None]
        parts = [x, grid, FUNCTIONS[name](x), FUNCTIONS[name](grid)]
    train, test, train_y, test_y = parts
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    level, scale = train_y.mean(), train_y.std()
    return Task(
        name,
        ((train - mean) / deviation).astype(np.float32),
        ((train_y - level) / scale).astype(np.float32),
        ((test - mean) / deviation).astype(np.float32),
        ((test_y - level) / scale).astype(np.float32),
        1,
    )
