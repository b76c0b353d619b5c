"""Train the same network with each activation and record what happens."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import fastcpuact as act
from fastcpuact import plain
from fastcpuact.demo.network import BATCH, Adam, Array, Network, train_epoch
from fastcpuact.diagnostics import FLAT

SIZES = (64, 128, 128, 128, 10)


@dataclass(frozen=True)
class Digits:
    """The handwritten digits of scikit-learn, 8 by 8 pixels each, split into two parts.

    Parameters
    ----------
    train, test : array of float32, shape (samples, 64)
        Pixels, shifted to a mean of zero each and scaled to a mean square of one in all.
    train_labels, test_labels : array of int, shape (samples,)
        The digit each shows.
    """

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array

    @classmethod
    def load(cls, seed: int) -> "Digits":
        """Return the digits, a fifth of each class kept for the test."""
        pixels, labels = load_digits(return_X_y=True)
        train, test, train_labels, test_labels = train_test_split(
            pixels, labels, test_size=0.2, stratify=labels, random_state=seed
        )
        mean = train.mean(axis=0)
        scale = (train - mean).std()
        return cls(
            ((train - mean) / scale).astype(np.float32),
            train_labels,
            ((test - mean) / scale).astype(np.float32),
            test_labels,
        )


@dataclass
class Run:
    """What training with one activation showed.

    Parameters
    ----------
    activation : str
        Its name.
    accuracy : list of float
        Share of the test digits recognised, before training and after each epoch.
    flat_units : float
        Share of hidden units that are dead or saturated after training: |f'| < `FLAT` for every
        training digit.
    gradient_norms : list of float
        Euclidean norm of the gradient of each layer's weights, over all training digits, before
        training.
    seconds, plain_seconds : list of float
        Time of each epoch, with fastcpuact and with plain expressions; the latter is empty for an
        activation without a row in `fastcpuact.plain.PLAIN`.
    """

    activation: str
    accuracy: list[float] = field(default_factory=list)
    flat_units: float = 0.0
    gradient_norms: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    plain_seconds: list[float] = field(default_factory=list)

    @property
    def speedup(self) -> float | None:
        """Median time of a plain epoch over that of an epoch with fastcpuact."""
        if not self.plain_seconds:
            return None
        return median(self.plain_seconds) / median(self.seconds)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, which has no infinity or NaN: None stands for these."""
        norms = [norm if math.isfinite(norm) else None for norm in self.gradient_norms]
        return asdict(self) | {"gradient_norms": norms, "speedup": self.speedup}


def trainable() -> list[str]:
    """Return the names of the activations whose parameters all have a default."""
    return [name for name, a in act.activations.items() if None not in a.params.values()]


# Matrices this small gain nothing from a second BLAS thread, and on a busy processor each waits
# for the other.
@threadpool_limits.wrap(limits=1, user_api="blas")
def run(
    name: str, digits: Digits, epochs: int, seed: int, on_epoch: Callable[[], None] = lambda: None
) -> Run:
    """Train a network with one activation, and in turns with it one on plain expressions.

    Parameters
    ----------
    name : str
        Name of the activation.
    digits : Digits
        The data.
    epochs : int
        How often to go through the training digits.
    seed : int
        Of the initial weights and of the order of the digits.
    on_epoch : callable, optional
        Called after each epoch.

    Returns
    -------
    Run
        The record.
    """
    record = Run(name)
    steps = epochs * math.ceil(len(digits.train) / BATCH)
    network = Network(SIZES, act.get(name), act.softmax, np.random.default_rng(seed))
    contenders = [(network, Adam(network, steps), record.seconds)]
    if name in plain.PLAIN:
        twin = Network(SIZES, plain.PLAIN[name], plain.softmax, np.random.default_rng(seed))
        contenders.append((twin, Adam(twin, steps), record.plain_seconds))

    # Some activations diverge: that is a finding, and the accuracy shows it.
    with np.errstate(over="ignore", invalid="ignore"):
        network.backpropagate(digits.train, digits.train_labels)
        record.gradient_norms = [float(np.linalg.norm(w)) for w, _ in network.layer_gradients]
        record.accuracy.append(_accuracy(network, digits))

        rng = np.random.default_rng(seed)
        for _ in range(epochs):
            order = rng.permutation(len(digits.train))
            for contender, adam, seconds in contenders:
                start = perf_counter()
                train_epoch(contender, adam, digits.train, digits.train_labels, order)
                seconds.append(perf_counter() - start)
            contenders.reverse()  # neither is always the one that finds the caches cold
            record.accuracy.append(_accuracy(network, digits))
            on_epoch()

        slopes = np.hstack(network.backpropagate(digits.train, digits.train_labels))
    record.flat_units = float((np.abs(slopes) < FLAT).all(axis=0).mean())
    return record


def _accuracy(network: Network, digits: Digits) -> float:
    answers = network.predict(digits.test).argmax(axis=1)
    return float((answers == digits.test_labels).mean())
