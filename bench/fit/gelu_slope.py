"""Fit gelu'(-t) = exp(-t^2/2) (R(t) - t / sqrt(2 pi)) for t >= 0, keeping relative accuracy at its zero.

R(t) - t / sqrt(2 pi) = (t0 - t) N / Q with the zero t0 taken out, where Q is the denominator of
R in normal_tail.py, so that gelu and gelu' share the division. N = (m t + m0) B + C uses the B of
R as well: N/Q is then close to 1 for large t, where the rounding errors of B cancel.
Run: python bench/fit/gelu_slope.py
"""

import mpmath as mp
from mpmath import mpf
from normal_tail import FITS, fit_tail, tail
from rational import grid, minimax, rounded, rounded_polynomial, show


def fit_slope(fit, bits, points, zero):
    """Fit N for the rounded w, w0, B, A of R: m, m0, C and the maximum relative error."""
    w, w0, b, a, _ = fit
    n = len(b) - 1
    b_values = [mp.polyval(b[::-1], t) for t in points]
    q_values = [
        (w * t + w0) * v + mp.polyval(a[::-1], t) for t, v in zip(points, b_values, strict=True)
    ]
    target = [
        (tail(t) - t / mp.sqrt(2 * mp.pi)) / (zero - t) * q
        for t, q in zip(points, q_values, strict=True)
    ]
    weight = [1 / y for y in target]

    p, _, _ = minimax(target, weight, points, n + 1, 0)
    m = rounded(p[-1] / b[-1], bits)
    rest = [y - m * t * v for t, y, v in zip(points, target, b_values, strict=True)]
    p, _, _ = minimax(rest, weight, points, n, 0)
    m0 = rounded(p[-1] / b[-1], bits)
    rest = [y - m0 * v for y, v in zip(rest, b_values, strict=True)]
    c = rounded_polynomial(rest, weight, points, n - 1, bits)
    error = max(
        abs(v * (mp.polyval(c[::-1], t) - y)) for t, y, v in zip(points, rest, weight, strict=True)
    )
    return m, m0, c, error


if __name__ == "__main__":
    for label, (degree, bits, end, count, digits) in FITS.items():
        mp.mp.dps = digits
        points = grid(end, count)
        zero = mp.findroot(lambda t: tail(t) - t / mp.sqrt(2 * mp.pi), mpf("0.75"))
        fit = fit_tail(degree, bits, points)
        m, m0, c, error = fit_slope(fit, bits, points, zero)
        print(f"N, {label}: 0 <= t <= {end}, relative error 2^{float(mp.log(error, 2)):.2f}")
        print(f"    t0 = {mp.nstr(zero, 45)}")
        show("t0_hi", rounded(zero, bits))
        show("t0_lo", rounded(zero - rounded(zero, bits), bits))
        show("m", m)
        show("m0", m0)
        for k, value in enumerate(c):
            show(f"c{k}", value)
