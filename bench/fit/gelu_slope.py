"""Fit gelu'(-t) = exp(-t^2/2) (R(t) - t / sqrt(2 pi)) for t >= 0 so that it keeps its zero.

R(t) - t / sqrt(2 pi) = (t0 - t) N / Q with the zero t0 taken out, where Q = (w t + w0) B + A is
the denominator of R in normal_tail.py, so that gelu and gelu' share the division.
N = (v t + v0) B + C uses the B of R as well: for large t the rounding errors of B cancel in N/Q.
Run: python bench/fit/gelu_slope.py
"""

import mpmath as mp
from mpmath import mpf
from normal_tail import FITS, fit_tail, tail
from rational import grid, minimax, rounded, rounded_polynomial, show


def fit_slope(w, w0, a, b, bits, points, zero):
    """Fit N for the rounded w, w0, A, B: v, v0, C and the maximum relative error."""
    values = [mp.polyval(b[::-1], t) for t in points]
    target = [
        (tail(t) - t / mp.sqrt(2 * mp.pi))
        / (zero - t)
        * ((w * t + w0) * u + mp.polyval(a[::-1], t))
        for t, u in zip(points, values, strict=True)
    ]
    weight = [1 / y for y in target]
    n, _, _ = minimax(target, weight, points, len(b), 0)
    v = rounded(n[-1] / b[-1], bits)
    rest = [y - v * t * u for t, y, u in zip(points, target, values, strict=True)]
    n, _, _ = minimax(rest, weight, points, len(b) - 1, 0)
    v0 = rounded(n[-1] / b[-1], bits)
    rest = [y - v0 * u for y, u in zip(rest, values, strict=True)]
    c = rounded_polynomial(rest, weight, points, len(b) - 2, bits)
    error = max(
        abs((mp.polyval(c[::-1], t) - y) * p) for t, y, p in zip(points, rest, weight, strict=True)
    )
    return v, v0, c, error


if __name__ == "__main__":
    for label, (m, bits, end, count, digits) in FITS.items():
        mp.mp.dps = digits
        points = grid(end, count)
        zero = mp.findroot(lambda t: tail(t) - t / mp.sqrt(2 * mp.pi), mpf("0.75"))
        w, w0, a, b, _ = fit_tail(m, bits, points)
        v, v0, c, error = fit_slope(w, w0, a, b, bits, points, zero)
        print(f"N, {label}: 0 <= t <= {float(end)}, relative error 2^{float(mp.log(error, 2)):.2f}")
        print(f"    t0 = {mp.nstr(zero, 45)}")
        show("v", v)
        show("v0", v0)
        for k, value in enumerate(c):
            show(f"c{k}", value)
