"""Choose the last bits of the float32 coefficients of the scaled normal tail.

`normal_tail.py` rounds its polynomials one after another.  Here neighbouring floats of all of them
are tried, each set by the largest error of gelu on every float32 between -3 and -0.02, where this
is largest.
Run: python bench/fit/normal_rounding.py [SECONDS]
"""

import sys
import time

import numpy as np
from numba import njit

from fastcpuact.accuracy import inputs, pieces, quick
from fastcpuact.accuracy.reference import REFERENCES
from fastcpuact.formulas import ACTIVATIONS
from fastcpuact.formulas.coefficients import NORMAL_A, NORMAL_B, NORMAL_W, ROUND
from fastcpuact.formulas.elementary import STEP, STEP_DOWN
from fastcpuact.formulas.language import FLOAT32
from fastcpuact.jit.module import module_of

LOW, HIGH, SPAN = -3.0, -0.02, 2**17
# By how many ULP, and how many coefficients at a time.
REACH, AT_A_TIME = 3, 3

words = module_of(ACTIVATIONS["gelu"])
exp_terms_reduced, exp2_shifted, fma = (
    words.exp_terms_reduced_f32,
    words.exp2_shifted_f32,
    words.fma_f32,
)


def single(table):
    """Return what stands in float32."""
    return np.float32(table.choices[FLOAT32])


FROM = single(ROUND) + single(STEP)
DOWN = single(STEP_DOWN)
HALF, ONE = np.float32(0.5), np.float32(1)


@njit(error_model="numpy")
def gelu(x, y, c):
    """Gelu of negative numbers, the formula of the package with coefficients (w, a…, b…)."""
    w, a0, a1, a2, a3, b0, b1, b2, b3 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]
    for i in range(x.size):
        t = -x[i]
        half = HALF * t
        h = t * half
        r, m, shifted = exp_terms_reduced(-h, -fma(t, half, -h), FROM)
        a = fma(fma(fma(a3, t, a2), t, a1), t, a0)
        b = fma(fma(fma(b3, t, b2), t, b1), t, b0)
        n = fma(t * half, b, half)
        rise = t * a
        inverse = ONE / fma(w, n, ONE + rise)
        q = n * inverse
        low = fma(-q, rise, fma(n, fma(-w, q, ONE), -q)) * inverse
        y[i] = -(q + fma(q, r, fma(q, m, low))) * exp2_shifted(shifted) * DOWN


def spans():
    """Return the floats in parts, each with the polynomial that gelu is there."""
    curve = REFERENCES["gelu"]().value
    first, last = (inputs.rank(np.float32(x)) // SPAN for x in (LOW, HIGH))
    for k in range(first, last + 1):
        piece = pieces.KINDS[np.float32].fit(curve, k, SPAN)
        x = np.concatenate(list(inputs.every(np.float32, range(k * SPAN, (k + 1) * SPAN))))
        if piece is not None:
            yield curve, piece, x


def largest_error(parts, c, enough):
    """Return the largest error with some coefficients, or one that is enough to refuse them."""
    worst = 0.0
    for curve, piece, x in parts:
        y = np.empty_like(x)
        gelu(x, y, c)
        found = quick.judge(curve, piece, x, y, np.nan)
        worst = np.inf if found is None else max(worst, found.largest.error)
        if worst >= enough:
            break
    return worst


def search(seconds, random):
    """Print better and better coefficients."""
    parts = list(spans())
    tables = [(table.choices[FLOAT32]) for table in (NORMAL_A, NORMAL_B)]
    best = np.array([single(NORMAL_W), *tables[0], *tables[1]], np.float32)
    least = largest_error(parts, best, np.inf)
    print(f"{least:.4f} ULP", [float(c) for c in best])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tried = best.copy()
        for j in random.choice(len(best), random.integers(1, AT_A_TIME + 1), replace=False):
            tried[j] += random.integers(-REACH, REACH + 1) * np.spacing(tried[j])
        error = largest_error(parts, tried, least)
        if error < least:
            best, least = tried, error
            print(f"{least:.4f} ULP", [float(c) for c in best])


if __name__ == "__main__":
    search(float(sys.argv[1]) if len(sys.argv) > 1 else 600, np.random.default_rng(1))
