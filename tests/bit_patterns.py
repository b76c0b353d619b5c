"""Digests of what every kernel computes, to compare engines and instruction-set levels.

``python tests/bit_patterns.py`` prints them as JSON for the level and engine of the environment.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

import fastcpuact as act

COUNT = 1 << 20
PARAMETERS = (0.25, -1.5, 3.0)


def patterns(dtype: type[np.floating]) -> np.ndarray:
    """Bit patterns over all exponents and both signs, special values and subnormals included."""
    unsigned = np.dtype(dtype).str.replace("f", "u")
    rng = np.random.default_rng(0)
    raw = rng.integers(0, np.iinfo(unsigned).max, COUNT, unsigned, endpoint=True)
    info = np.finfo(dtype)
    special = [0.0, info.smallest_subnormal, info.tiny, 1.0, info.max, np.inf, np.nan]
    ends = np.array(special + [-value for value in special], dtype)
    return np.concatenate([raw.view(dtype), ends])


def inputs(activation: act.Activation, dtype: type[np.floating]) -> np.ndarray:
    """Bit patterns, most of which are far from 1, and numbers where the function is curved."""
    low, high = activation.record.domain
    near = np.random.default_rng(2).uniform(low, high, COUNT // 4).astype(dtype)
    return np.concatenate([patterns(dtype), near])


def forms(activation: act.Activation) -> list[act.Form]:
    """Every form of both tiers."""
    return [
        tier if name == "value" else getattr(tier, name)
        for tier in (activation, activation.fast)
        for name in activation.record.forms_in(tier.is_fast)
    ]


def parameter_sets(call: act.Form) -> list[dict[str, float]]:
    """The defaults, and other values of each parameter."""
    params = call.record.params
    required = {name: 0.5 for name, default in params.items() if default is None}
    sets = [{}] + [{name: value} for name in params for value in PARAMETERS]
    if call.form.name == "backward_from_output":
        sets = [s for s in sets if not any(v < 0 for v in s.values())]
    return [required | s for s in sets]


def digest(*arrays: np.ndarray) -> str:
    """Hash the bits; the sign and payload of a NaN are promised by nobody."""
    made = hashlib.sha256()
    for array in arrays:
        made.update(np.where(np.isnan(array), array.dtype.type(np.nan), array).tobytes())
    return made.hexdigest()


def digests() -> dict[str, str]:
    found = {}
    for dtype in (np.float32, np.float64):
        for activation in act.activations.values():
            x = inputs(activation, dtype)
            dy = np.random.default_rng(1).permutation(x)
            for call in forms(activation):
                operands = (dy, x) if "dy" in call.form.operands else (x,)
                for parameters in parameter_sets(call):
                    if call.form.name == "param_grads":
                        # The products; their sums are NumPy's.
                        result = call.ufunc(*operands, *(activation.params | parameters).values())
                    else:
                        result = call(*operands, **parameters)
                    key = f"{call.__name__} {np.dtype(dtype).name} {parameters or ''}".strip()
                    found[key] = digest(*(result if isinstance(result, tuple) else (result,)))
        value, gate = patterns(dtype), np.random.default_rng(3).normal(0, 9, COUNT).astype(dtype)
        value = value[: gate.size]
        for name in act.names("gated"):
            f = act.get(name)
            for kind, operands in (("", (value, gate)), (" any gate", (gate, value))):
                key = f"{name}%s {np.dtype(dtype).name}{kind}"
                found[key % ""] = digest(f(*operands))
                found[key % ".backward"] = digest(*f.backward(gate[::-1].copy(), *operands))
        for n in (1, 5, 32, 1000, 100_000):
            rows = np.random.default_rng(n).normal(scale=5, size=(3, n)).astype(dtype)
            # Rows of which several elements are near the largest, and whose exponentials sum to 1.
            narrow = rows / dtype(50) - dtype(np.log(n))
            for name in act.names("rowwise"):
                f = act.get(name)
                for kind, x in (("", rows), (" narrow", narrow)):
                    y = f(x)
                    operands = (y, x) if name == "logsumexp" else (x, y)
                    key = f"{name}%s {np.dtype(dtype).name} {n}{kind}"
                    found[key % ""] = digest(y)
                    found[key % ".backward"] = digest(f.backward(*operands))
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
