"""A multilayer perceptron and its optimiser, in NumPy and float32."""

from collections.abc import Callable, Sequence
from itertools import cycle, islice, pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastcpuact.diagnostics import gain

BATCH = 64

Array = NDArray[Any]


class Elementwise(Protocol):
    """What the network asks of an activation; every activation of fastcpuact satisfies it."""

    def __call__(self, x: Array, /) -> Array:
        """Return f(x)."""

    def value_and_grad(self, x: Array, /) -> tuple[Array, Array]:
        """Return f(x) and f'(x)."""


class Network:
    """A multilayer perceptron.

    Parameters
    ----------
    sizes : sequence of int
        Width of each layer, from the inputs to the classes.
    activation : Elementwise or sequence of Elementwise
        The activation of the hidden layers; of several, the first layer has the first one, and so
        on in turns.
    link : callable
        From the outputs of the last layer to predictions: softmax for classes, learned with
        cross-entropy; the identity for numbers, learned with half the squared error.
    rng : numpy.random.Generator
        Draws the initial weights.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Elementwise | Sequence[Elementwise],
        link: Callable[[Array], Array],
        rng: np.random.Generator,
    ) -> None:
        self.activation = activation
        given = activation if isinstance(activation, Sequence) else [activation]
        self.activations = list(islice(cycle(given), len(sizes) - 2))
        self.link = link
        # All parameters lie in one vector, all gradients in another: the optimiser is one update.
        count = sum(fan_in * fan_out + fan_out for fan_in, fan_out in pairwise(sizes))
        self.parameters = np.zeros(count, np.float32)
        self.gradient = np.zeros(count, np.float32)
        self.layers = _split(self.parameters, sizes)
        self.layer_gradients = _split(self.gradient, sizes)
        scale = 1.0  # the inputs have a mean square of one
        for (weights, _), following in zip(self.layers, [*self.activations, None], strict=True):
            weights[...] = rng.standard_normal(weights.shape, np.float32)
            weights *= scale / np.sqrt(len(weights))
            scale = gain(following).forward if following is not None else 1.0

    def predict(self, x: Array) -> Array:
        """Return the predictions for each row of `x`."""
        *hidden, (last, bias) = self.layers
        for (weights, shift), activation in zip(hidden, self.activations, strict=True):
            x = activation(x @ weights + shift)
        return self.link(x @ last + bias)

    def backpropagate(self, x: Array, targets: Array) -> list[Array]:
        """Set `gradient` to that of the mean loss; return f' at every hidden unit.

        Parameters
        ----------
        x : array of float32, shape (samples, inputs)
            The inputs.
        targets : array of int, shape (samples,), or of float32, shape (samples, outputs)
            The true class of each, or the true numbers.

        Returns
        -------
        list of array
            The slopes of the activation, one array of shape (samples, width) per hidden layer.
        """
        *hidden, (last, bias) = self.layers
        inputs, slopes = [x], []
        for (weights, shift), activation in zip(hidden, self.activations, strict=True):
            y, slope = activation.value_and_grad(inputs[-1] @ weights + shift)
            inputs.append(y)
            slopes.append(slope)
        # The gradient of either loss is (prediction - target) / samples, one-hot for classes.
        delta = self.link(inputs[-1] @ last + bias)
        if targets.dtype.kind == "i":
            delta[np.arange(len(x)), targets] -= 1
        else:
            delta -= targets
        delta /= len(x)
        for k in reversed(range(len(self.layers))):
            into_weights, into_bias = self.layer_gradients[k]
            np.matmul(inputs[k].T, delta, out=into_weights)
            np.sum(delta, axis=0, out=into_bias)
            if k:
                delta = delta @ self.layers[k][0].T * slopes[k - 1]
        return slopes


class Adam:
    """Adam (Kingma and Ba, 2015), in place, its rate falling linearly to zero.

    Parameters
    ----------
    network : Network
        Its `parameters` are updated from its `gradient`.
    steps : int
        Number of updates until the rate is zero.
    rate : float
        The rate of the first update.
    """

    def __init__(self, network: Network, steps: int, rate: float = 3e-3) -> None:
        self.network = network
        self.steps = steps
        self.rate = rate
        self.count = 0
        self.mean = np.zeros_like(network.gradient)
        self.square = np.zeros_like(network.gradient)
        self.scratch = np.empty_like(network.gradient)

    def step(self, decay: float = 0.9, square_decay: float = 0.999) -> None:
        """Update the parameters once."""
        gradient, scratch = self.network.gradient, self.scratch
        rate = self.rate * (1 - self.count / self.steps)
        self.count += 1

        np.subtract(gradient, self.mean, out=scratch)
        scratch *= 1 - decay
        self.mean += scratch

        np.multiply(gradient, gradient, out=scratch)
        scratch -= self.square
        scratch *= 1 - square_decay
        self.square += scratch

        np.sqrt(self.square, out=scratch)
        scratch += 1e-8
        np.divide(self.mean, scratch, out=scratch)
        # Both averages start at zero; the roots undo that bias.
        scratch *= rate * np.sqrt(1 - square_decay**self.count) / (1 - decay**self.count)
        self.network.parameters -= scratch


def train_epoch(network: Network, adam: Adam, x: Array, targets: Array, order: Array) -> None:
    """Train on every row of `x` once, in batches taken in the given order."""
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        network.backpropagate(x[batch], targets[batch])
        adam.step()


def _split(vector: Array, sizes: Sequence[int]) -> list[tuple[Array, Array]]:
    """Return views of `vector` as (weights, bias) of each layer."""
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        weights, bias, vector = np.split(vector, [fan_in * fan_out, (fan_in + 1) * fan_out])
        layers.append((weights.reshape(fan_in, fan_out), bias))
    return layers
