"""Fit R(t) = Phi(-t) exp(t^2/2), the scaled tail of the normal distribution, for t >= 0.

1/R = w t + 2 (1 + t A)/(1 + t B) with polynomials A and B: both constants are exact, and 1/R grows
like sqrt(2 pi) t while the quotient falls, hence the rounding errors of A and B fade as t grows; in
the plain quotient of two polynomials they would add up. All coefficients are positive.
Run: python bench/fit/normal_tail.py
"""

import mpmath as mp
from mpmath import mpf
from rational import grid, minimax, rounded, rounded_polynomial, show

# Degrees of 1 + t A and 1 + t B, significant bits, end of the range, grid points and working
# digits. Beyond the end Phi(-t) and its products underflow to zero; the degrees are the least for
# about 2^-26 and 2^-55, and for 2^-13 in the fast tier.
FITS = {
    "float32": (4, 4, 24, mpf("14.6"), 600, 60),
    "float64": (10, 10, 53, mpf(39), 1200, 90),
    "fast": (2, 2, 24, mpf(39), 600, 60),
}


def tail(t):
    """Evaluate R in the working precision of mpmath."""
    return mp.erfc(t / mp.sqrt(2)) * mp.exp(t * t / 2) / 2


def fit_tail(m, n, bits, points):
    """Fit R on the points in `bits` bits: w, 2 (1 + t A), 1 + t B, the maximum relative error."""
    r = [tail(t) for t in points]
    w = mp.sqrt(2 * mp.pi)
    if m == n:  # the highest coefficient of A can make up for another w
        numerator, b, _ = minimax([1 / y for y in r], r, points, n + 1, n)
        w = numerator[-1] / b[-1]
    w = rounded(w, bits)
    rest = [1 / y - w * t for t, y in zip(points, r, strict=True)]
    _, b, _ = minimax(rest, r, points, m, n)
    b = [rounded(c, bits) for c in b]

    # 2 (1 + t A) = (1/R - w t) (1 + t B)
    values = [mp.polyval(b[::-1], t) for t in points]
    rest = [y * v for y, v in zip(rest, values, strict=True)]
    weight = [y / v for y, v in zip(r, values, strict=True)]
    a = rounded_polynomial(rest, weight, points, m, bits, constant=mpf(2))
    error = max(
        abs((mp.polyval(a[::-1], t) - y) * v) for t, y, v in zip(points, rest, weight, strict=True)
    )
    return w, a, b, error


if __name__ == "__main__":
    for label, (m, n, bits, end, count, digits) in FITS.items():
        mp.mp.dps = digits
        w, a, b, error = fit_tail(m, n, bits, grid(end, count))
        print(f"R, {label}: 0 <= t <= {float(end)}, relative error 2^{float(mp.log(error, 2)):.2f}")
        show("w", w)
        for k, c in enumerate(a[1:]):
            show(f"a{k}", c / 2)
        for k, c in enumerate(b[1:]):
            show(f"b{k}", c)
