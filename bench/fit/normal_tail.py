"""Fit R(t) = Phi(-t) exp(t^2/2), the scaled tail of the normal distribution, for t >= 0.

R = B / (w t B + A) with polynomials A and B of degree m: any rational function of degrees m and
m + 1 can be written so. 1/R = w t + A/B grows like sqrt(2 pi) t while A/B falls, hence the
rounding errors of t B and A fade as t grows; in the plain quotient of two polynomials they would
add up. All coefficients are positive.
Run: python bench/fit/normal_tail.py
"""

import mpmath as mp
from mpmath import mpf
from rational import grid, minimax, rounded, rounded_polynomial, show

# B(0) = 9/4 t0, a free factor. With the zero t0 of gelu', N(0) of gelu_slope.py is then 9/4, exact.
# A(0) = 2 B(0) and B(0) are well above a power of two, just above which rounding errors are largest.
N0 = mpf(9) / 4

# Degree m, significant bits, end of the range, grid points and working digits. Beyond the end
# Phi(-t) and its products underflow to zero; m is the least degree for 2^-26 and 2^-56.
FITS = {"float32": (4, 24, mpf("14.6"), 600, 60), "float64": (10, 53, mpf(39), 1200, 90)}


def tail(t):
    """Evaluate R in the working precision of mpmath."""
    return mp.erfc(t / mp.sqrt(2)) * mp.exp(t * t / 2) / 2


def gelu_slope_zero():
    """Find t0 with gelu'(-t0) = 0."""
    return mp.findroot(lambda t: tail(t) - t / mp.sqrt(2 * mp.pi), mpf("0.75"))


def fit_tail(m, bits, points):
    """Fit R on the points: w, A, B in `bits` bits, and the maximum relative error."""
    r = [tail(t) for t in points]
    numerator, b, _ = minimax([1 / y for y in r], r, points, m + 1, m)
    w = rounded(numerator[-1] / b[-1], bits)
    rest = [1 / y - w * t for t, y in zip(points, r, strict=True)]
    _, b, _ = minimax(rest, r, points, m, m)
    b = [rounded(N0 * gelu_slope_zero() * c, bits) for c in b]

    # A = (1/R - w t) B with the constant 2 B(0), which makes R(0) = 1/2 exact.
    rest = [y * mp.polyval(b[::-1], t) for t, y in zip(points, rest, strict=True)]
    weight = [y / mp.polyval(b[::-1], t) for t, y in zip(points, r, strict=True)]
    a = rounded_polynomial(rest, weight, points, m, bits, constant=2 * b[0])
    error = max(
        abs((mp.polyval(a[::-1], t) - y) * v) for t, y, v in zip(points, rest, weight, strict=True)
    )
    return w, a, b, error


if __name__ == "__main__":
    for label, (m, bits, end, count, digits) in FITS.items():
        mp.mp.dps = digits
        w, a, b, error = fit_tail(m, bits, grid(end, count))
        print(f"R, {label}: 0 <= t <= {float(end)}, relative error 2^{float(mp.log(error, 2)):.2f}")
        show("w", w)
        for k, c in enumerate(a):
            show(f"a{k}", c)
        for k, c in enumerate(b):
            show(f"b{k}", c)
