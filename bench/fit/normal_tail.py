"""Fit R(t) = Phi(-t) exp(t^2/2), the scaled tail of the normal distribution, for t >= 0.

R = B / ((w t + w0) B + A) with polynomials B of degree m and A of degree m - 1: any rational
function of degrees m and m + 1 can be written so. 1/R = w t + w0 + A/B grows like sqrt(2 pi) t
while A/B falls, hence the rounding errors of A and B fade as t grows; in the plain quotient of two
polynomials they would add up. All coefficients are positive.
Run: python bench/fit/normal_tail.py
"""

import mpmath as mp
from mpmath import mpf
from rational import grid, minimax, rounded, rounded_polynomial, show

# B(0) = 53/32, a free factor. B(0) and A(0), about 2 B(0), are far above a power of two: just above
# one, the relative rounding errors are largest.
B0, B0_BITS = mpf(53) / 32, 5  # binary digits after the point

# Degree m, significant bits, end of the range, grid points and working digits. Beyond the end
# Phi(-t) and its products underflow to zero; m is the least degree for 2^-26 and 2^-56.
FITS = {"float32": (4, 24, mpf("14.6"), 600, 60), "float64": (10, 53, mpf(39), 1200, 90)}


def tail(t):
    """Evaluate R in the working precision of mpmath."""
    return mp.erfc(t / mp.sqrt(2)) * mp.exp(t * t / 2) / 2


def fit_tail(m, bits, points):
    """Fit R on the points: w, w0, A, B in `bits` bits, and the maximum relative error."""
    r = [tail(t) for t in points]
    numerator, b, _ = minimax([1 / y for y in r], r, points, m + 1, m)
    w = rounded(numerator[-1] / b[-1], bits)
    rest = [1 / y - w * t for t, y in zip(points, r, strict=True)]
    numerator, b, _ = minimax(rest, r, points, m, m)
    # So few bits that A(0) = (2 - w0) B(0) is exact, which makes R(0) = 1/2 exact.
    unit = mpf(2) ** (2 + B0_BITS - bits)
    w0 = unit * mp.nint(numerator[-1] / b[-1] / unit)
    rest = [y - w0 for y in rest]
    _, b, _ = minimax(rest, r, points, m - 1, m)
    b = [rounded(B0 * c, bits) for c in b]

    # A = (1/R - w t - w0) B
    values = [mp.polyval(b[::-1], t) for t in points]
    rest = [y * v for y, v in zip(rest, values, strict=True)]
    weight = [y / v for y, v in zip(r, values, strict=True)]
    a = rounded_polynomial(rest, weight, points, m - 1, bits, constant=(2 - w0) * B0)
    error = max(
        abs((mp.polyval(a[::-1], t) - y) * v) for t, y, v in zip(points, rest, weight, strict=True)
    )
    return w, w0, a, b, error


if __name__ == "__main__":
    for label, (m, bits, end, count, digits) in FITS.items():
        mp.mp.dps = digits
        w, w0, a, b, error = fit_tail(m, bits, grid(end, count))
        print(f"R, {label}: 0 <= t <= {float(end)}, relative error 2^{float(mp.log(error, 2)):.2f}")
        show("w", w)
        show("w0", w0)
        for k, c in enumerate(a):
            show(f"a{k}", c)
        for k, c in enumerate(b):
            show(f"b{k}", c)
