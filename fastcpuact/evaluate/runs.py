"""One training run: what is set, and what comes of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from time import process_time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import fastcpuact as act
from fastcpuact.demo.network import BATCH, Adam, Network, train_epoch
from fastcpuact.diagnostics import FLAT, gradient_flow

from .tasks import task

WIDTH = 64
# Convergence: the loss in training has fallen to this share of that of knowing nothing.
CONVERGED = {"digits": 0.1, "diabetes": 0.6}
CONVERGED_FUNCTION = 0.1


@dataclass(frozen=True)
class Setup:
    """What a run depends on.

    Attributes
    ----------
    activation : str
        A name, or several joined by "/", for the hidden layers in turns.
    task : str
        Of `fastcpuact.evaluate.tasks.TASKS`.
    depth : int
        Number of hidden layers.
    rate : float
        Of the first update; it falls linearly to zero.
    seed : int
        Of the split of the data, the first weights and the order of the samples.
    epochs : int
        How often to go through the samples.
    """

    activation: str
    task: str
    depth: int
    rate: float
    seed: int
    epochs: int


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    setup : Setup
        What it depended on.
    score : float or None
        Accuracy or R² in the test; None where it is not finite.
    loss : list of float or None
        In training, over that of knowing nothing, before training and after each epoch.
    diverged : bool
        Whether the loss is not finite in the end, or larger than that of knowing nothing.
    converged : int or None
        The epoch after which the loss had fallen to the share that counts as converged.
    flow : float or None
        Gradient norm of the first layer over that of the last, before training.
    dead : float
        Share of the hidden units whose slope is 0 for every training sample, after training.
    saturated : float
        Share of the hidden outputs with a slope below `fastcpuact.diagnostics.FLAT`.
    seconds : float
        Of processor time for an epoch, the median.
    """

    setup: Setup
    score: float | None
    loss: list[float | None]
    diverged: bool
    converged: int | None
    flow: float | None
    dead: float
    saturated: float
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> Outcome:
        """Return what `as_dict` was made of."""
        return cls(**{**read, "setup": Setup(**read["setup"])})


# Matrices this small gain nothing from a second BLAS thread.
@threadpool_limits.wrap(limits=1, user_api="blas")
def run(setup: Setup) -> Outcome:
    """Train a network."""
    given = task(setup.task, setup.seed)
    sizes = (given.train.shape[1], *[WIDTH] * setup.depth, given.outputs)
    rng = np.random.default_rng(setup.seed)
    activations = [act.get(name, "elementwise") for name in setup.activation.split("/")]
    network = Network(sizes, activations, given.link, rng)
    adam = Adam(network, setup.epochs * math.ceil(len(given.train) / BATCH), setup.rate)
    # Some diverge: that is a finding, and the figures show it.
    with np.errstate(all="ignore"):
        network.backpropagate(given.train, given.train_targets)
        flow = gradient_flow([weights for weights, _ in network.layer_gradients]).ratio
        loss = [given.loss(network.predict(given.train)) / given.chance]
        seconds = []
        for _ in range(setup.epochs):
            order = rng.permutation(len(given.train))
            start = process_time()
            train_epoch(network, adam, given.train, given.train_targets, order)
            seconds.append(process_time() - start)
            loss.append(given.loss(network.predict(given.train)) / given.chance)
        slopes = np.abs(np.hstack(network.backpropagate(given.train, given.train_targets)))
        score = given.score(network.predict(given.test))
    enough = CONVERGED.get(setup.task, CONVERGED_FUNCTION)
    return Outcome(
        setup,
        score=_finite(score),
        loss=[_finite(x) for x in loss],
        diverged=not loss[-1] <= 1,
        converged=next((epoch for epoch, x in enumerate(loss) if x <= enough), None),
        flow=_finite(flow),
        dead=float(np.mean((slopes == 0).all(axis=0))),
        saturated=float(np.mean(slopes < FLAT)),
        seconds=float(np.median(seconds)),
    )


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None
