"""What activations do in a network: on plain NumPy arrays, whatever the network is made of.

`activation_stats` looks at the units of a layer, `gradient_flow` at the gradients of all layers,
`gain` says how to scale the first weights, and `depth_experiment` shows what becomes of signals
and gradients in a deep network.  Every result has a ``table()`` for the terminal (rich) and a
``plot()`` (Matplotlib).
"""

from .depth import Depth, Depths, depth_experiment
from .flow import Flow, LayerFlow, gradient_flow
from .gain import Gain, gain
from .stats import FLAT, ActivationStats, Stats, activation_stats

__all__ = [
    "FLAT",
    "ActivationStats",
    "Depth",
    "Depths",
    "Flow",
    "Gain",
    "LayerFlow",
    "Stats",
    "activation_stats",
    "depth_experiment",
    "gain",
    "gradient_flow",
]
