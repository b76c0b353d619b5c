"""Fit R(t) = Phi(-t) exp(t^2/2), the scaled tail of the normal distribution, for t >= 0.

R = B / ((w t + w0) B + A) with polynomials B of degree m and A of degree m - 1, both positive:
any rational function of degrees m and m + 1 can be written so. 1/R = w t + w0 + A/B grows like
sqrt(2 pi) t while A/B falls, hence the rounding errors of A and B fade as t grows; in the plain
quotient of two polynomials they would add up, to 5 ULP instead of 2.
Run: python bench/fit/normal_tail.py
"""

import mpmath as mp
from mpmath import mpf
from rational import grid, minimax, rounded, rounded_polynomial, show

# B(0). Horner sums that start just above a power of two have the largest relative errors; these
# start well above one, and 1/R(0) = 2 still gives R(0) = 1/2 exactly.
SCALE, SCALE_UNIT = mpf(53) / 32, 32


def tail(t):
    """Evaluate R in the working precision of mpmath."""
    return mp.erfc(t / mp.sqrt(2)) * mp.exp(t * t / 2) / 2


def fit_tail(m, bits, points):
    """Fit R on the points: w, w0, B, A in `bits` bits, and the maximum relative error."""
    r = [tail(t) for t in points]
    inverse = [1 / y for y in r]
    numerator, b, _ = minimax(inverse, r, points, m + 1, m)
    w = rounded(numerator[-1] / b[-1], bits)
    rest = [y - w * t for t, y in zip(points, inverse, strict=True)]
    numerator, b, _ = minimax(rest, r, points, m, m)
    # So few bits that a0 = (2 - w0) b0 is exact, which makes R(0) = b0 / (w0 b0 + a0) exact.
    unit = SCALE_UNIT * 2 ** (2 - bits)
    w0 = unit * mp.nint(numerator[-1] / b[-1] / unit)
    rest = [y - w0 for y in rest]
    _, b, _ = minimax(rest, r, points, m - 1, m)
    b = [rounded(SCALE * c, bits) for c in b]

    values = [mp.polyval(b[::-1], t) for t in points]
    a0 = (2 - w0) * b[0]
    rest = [y * v for y, v in zip(rest, values, strict=True)]
    weight = [y / v for y, v in zip(r, values, strict=True)]
    a = [
        a0,
        *rounded_polynomial(
            [(y - a0) / t for t, y in zip(points[1:], rest[1:])],
            [t * v for t, v in zip(points[1:], weight[1:])],
            points[1:],
            m - 2,
            bits,
        ),
    ]
    error = max(
        abs(weight[i] * (mp.polyval(a[::-1], points[i]) - rest[i])) for i in range(len(points))
    )
    return w, w0, b, a, error


# The ends: beyond them Phi(-t) and its products underflow to zero. 4 and 10 are the least degrees
# for 2^-27 and 2^-57.
FITS = {"float32": (4, 24, mpf("14.6"), 600, 60), "float64": (10, 53, mpf(39), 1200, 90)}

if __name__ == "__main__":
    for label, (m, bits, end, count, digits) in FITS.items():
        mp.mp.dps = digits
        w, w0, b, a, error = fit_tail(m, bits, grid(end, count))
        print(f"R, {label}: 0 <= t <= {end}, relative error 2^{float(mp.log(error, 2)):.2f}")
        show("w", w)
        show("w0", w0)
        for k, c in enumerate(b):
            show(f"b{k}", c)
        for k, c in enumerate(a):
            show(f"a{k}", c)
