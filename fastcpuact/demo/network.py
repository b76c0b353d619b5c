"""A multilayer perceptron and its optimiser, in NumPy and float32."""

from collections.abc import Callable, Sequence
from itertools import pairwise
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
    """A multilayer perceptron with one activation in all hidden layers and a softmax at the end.

    Parameters
    ----------
    sizes : sequence of int
        Width of each layer, from the inputs to the classes.
    activation : Elementwise
        The activation of the hidden layers.
    softmax : callable
        Maps an array of logits to probabilities along its last axis.
    rng : numpy.random.Generator
        Draws the initial weights.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Elementwise,
        softmax: Callable[[Array], Array],
        rng: np.random.Generator,
    ) -> None:
        self.activation = activation
        self.softmax = softmax
        # All parameters lie in one vector, all gradients in another: the optimiser is one update.
        count = sum(fan_in * fan_out + fan_out for fan_in, fan_out in pairwise(sizes))
        self.parameters = np.zeros(count, np.float32)
        self.gradient = np.zeros(count, np.float32)
        self.layers = _split(self.parameters, sizes)
        self.layer_gradients = _split(self.gradient, sizes)
        scale = 1.0  # the inputs have a mean square of one
        for weights, _ in self.layers:
            weights[...] = rng.standard_normal(weights.shape, np.float32)
            weights *= scale / np.sqrt(len(weights))
            scale = gain(activation).forward

    def predict(self, x: Array) -> Array:
        """Return the class probabilities for each row of `x`."""
        *hidden, (last, bias) = self.layers
        for weights, shift in hidden:
            x = self.activation(x @ weights + shift)
        return self.softmax(x @ last + bias)

    def backpropagate(self, x: Array, labels: Array) -> list[Array]:
        """Set `gradient` to that of the mean cross-entropy; return f' at every hidden unit.

        Parameters
        ----------
        x : array of float32, shape (samples, inputs)
            The inputs.
        labels : array of int, shape (samples,)
            The true class of each.

        Returns
        -------
        list of array
            The slopes of the activation, one array of shape (samples, width) per hidden layer.
        """
        *hidden, (last, bias) = self.layers
        inputs, slopes = [x], []
        for weights, shift in hidden:
            y, slope = self.activation.value_and_grad(inputs[-1] @ weights + shift)
            inputs.append(y)
            slopes.append(slope)
        # d(cross-entropy)/d(logits) = (softmax - one-hot) / samples
        delta = self.softmax(inputs[-1] @ last + bias)
        delta[np.arange(len(x)), labels] -= 1
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


def train_epoch(network: Network, adam: Adam, x: Array, labels: Array, order: Array) -> None:
    """Train on every row of `x` once, in batches taken in the given order."""
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        network.backpropagate(x[batch], labels[batch])
        adam.step()


def _split(vector: Array, sizes: Sequence[int]) -> list[tuple[Array, Array]]:
    """Return views of `vector` as (weights, bias) of each layer."""
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        weights, bias, vector = np.split(vector, [fan_in * fan_out, (fan_in + 1) * fan_out])
        layers.append((weights.reshape(fan_in, fan_out), bias))
    return layers
