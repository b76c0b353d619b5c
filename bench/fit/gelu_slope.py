"""Fit gelu'(-t) = exp(-t^2/2) (R(t) - t / sqrt(2 pi)) for t >= 0 so that it keeps its zero.

R(t) - t / sqrt(2 pi) = (t0 - t) N / Q with the zero t0 taken out, where Q = w t B + A is the
denominator of R in normal_tail.py, so that gelu and gelu' share the division. N = v t B + C with
the B of R as well: for large t the errors of t B in N and Q cancel. C has the degree of A. N(0) = 9/4 and t0 N(0) = B(0) = Q(0) / 2 make gelu'(0) = 1/2 exact.
Run: python bench/fit/gelu_slope.py
"""

import mpmath as mp
from normal_tail import FITS, N0, fit_tail, gelu_slope_zero, tail
from rational import grid, minimax, rounded, rounded_polynomial, show


def fit_slope(w, a, b, bits, points, zero):
    """Fit N for the rounded w, A, B: v, C and the maximum relative error."""
    tb = [t * mp.polyval(b[::-1], t) for t in points]
    target = [
        (tail(t) - t / mp.sqrt(2 * mp.pi)) / (zero - t) * (w * u + mp.polyval(a[::-1], t))
        for t, u in zip(points, tb, strict=True)
    ]
    weight = [1 / y for y in target]
    n, _, _ = minimax(target, weight, points, len(b), 0)
    v = rounded(n[-1] / b[-1], bits)
    rest = [y - v * u for y, u in zip(target, tb, strict=True)]
    c = rounded_polynomial(rest, weight, points, len(a) - 1, bits, constant=N0)
    error = max(
        abs((mp.polyval(c[::-1], t) - y) * p) for t, y, p in zip(points, rest, weight, strict=True)
    )
    return v, c, error


if __name__ == "__main__":
    for label, (m, bits, end, count, digits) in FITS.items():
        mp.mp.dps = digits
        points = grid(end, count)
        zero = gelu_slope_zero()
        w, a, b, _ = fit_tail(m, bits, points)
        v, c, error = fit_slope(w, a, b, bits, points, zero)
        print(f"N, {label}: 0 <= t <= {float(end)}, relative error 2^{float(mp.log(error, 2)):.2f}")
        print(f"    t0 = {mp.nstr(zero, 45)}")
        show("t0_hi", rounded(zero, bits))
        show("t0_lo", rounded(zero - rounded(zero, bits), bits))
        show("v", v)
        for k, value in enumerate(c):
            show(f"c{k}", value)
