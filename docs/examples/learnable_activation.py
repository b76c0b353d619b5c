"""A network whose activation learns its own shape.

The formula below becomes an activation with all its gradients. Every unit of the hidden layer has
parameters of its own, which are trained with the weights: `param_grads` gives their gradients,
summed to their shapes. The same network with the parameters held fixed is trained beside it.

    python docs/examples/learnable_activation.py
"""

from __future__ import annotations

import numpy as np

import fastcpuact as act


@act.define
def ridge(x, ramp=1.0, bump=0.0):
    """ramp·silu(x) + bump·e^(-x²): how much of either, every unit learns."""
    return ramp * act.silu(x) + bump * act.gaussian(x)


UNITS, STEPS, RATE = 8, 600, 0.02


def train(learn_shape: bool, seed: int = 0) -> list[float]:
    """Fit a curve with one hidden layer; return the mean squared error of every step."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-3, 3, 256)[:, None]
    target = np.sin(3 * x)
    weights = {
        "into": rng.normal(size=(1, UNITS)),
        "bias": rng.normal(size=UNITS),
        "out": rng.normal(size=(UNITS, 1)) / UNITS,
        "ramp": np.full(UNITS, 1.0),
        "bump": np.zeros(UNITS),
    }
    learned = [name for name in weights if learn_shape or name not in ("ramp", "bump")]
    moments = {name: (np.zeros_like(w), np.zeros_like(w)) for name, w in weights.items()}
    losses = []
    for step in range(1, STEPS + 1):
        shape = weights["ramp"], weights["bump"]
        z = x @ weights["into"] + weights["bias"]
        h = ridge(z, *shape)
        error = h @ weights["out"] - target
        losses.append(float(np.mean(error**2)))

        dy = 2 * error / len(x)
        dh = dy @ weights["out"].T
        dz = ridge.backward(dh, z, *shape)
        dramp, dbump = ridge.param_grads(dh, z, *shape)
        gradients = {
            "into": x.T @ dz,
            "bias": dz.sum(axis=0),
            "out": h.T @ dy,
            "ramp": dramp,
            "bump": dbump,
        }
        # Adam (Kingma and Ba, 2015), with its usual constants.
        for name in learned:
            mean, square = moments[name]
            mean += 0.1 * (gradients[name] - mean)
            square += 0.001 * (gradients[name] ** 2 - square)
            corrected = np.sqrt(square / (1 - 0.999**step)) + 1e-8
            weights[name] -= RATE * mean / (1 - 0.9**step) / corrected
    return losses


if __name__ == "__main__":
    for learn_shape in (False, True):
        losses = train(learn_shape)
        print(
            f"shape {'learned' if learn_shape else 'fixed  '}:  mean squared error "
            f"{losses[0]:.4f} at first, {losses[-1]:.6f} after {STEPS} steps"
        )
