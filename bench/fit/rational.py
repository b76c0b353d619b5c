"""Minimax fits by rational functions, which Sollya lacks: the Remez exchange in mpmath."""

from itertools import pairwise

import mpmath as mp
from mpmath import mpf


def minimax(f, weight, points, m, n):
    """Fit P/Q of degrees m and n, Q(0) = 1, so that max |P/Q - f| * weight is least.

    `f` and `weight` hold the values at `points`, a dense ascending grid. Returns the coefficients
    of P and of Q, lowest first, and the maximum.
    """
    size = m + n + 2
    last = len(points) - 1
    powers = [[x**k for k in range(max(m, n) + 1)] for x in points]
    reference = [round(last * (1 - mp.cos(mp.pi * i / (size - 1))) / 2) for i in range(size)]
    while True:
        p, q = _level(f, weight, powers, reference, m, n)
        errors = [
            (mp.polyval(p[::-1], x) / mp.polyval(q[::-1], x) - y) * w
            for x, y, w in zip(points, f, weight, strict=True)
        ]
        previous, reference = reference, _alternating_peaks(errors, size)
        peaks = [abs(errors[i]) for i in reference]
        if reference == previous or max(peaks) < 1.001 * min(peaks):
            return p, q, max(peaks)


def _level(f, weight, powers, reference, m, n):
    """Solve (P - f Q) weight = +-E Q on the reference: the eigenvector with the smallest E."""
    size = len(reference)
    lhs, rhs = mp.zeros(size), mp.zeros(size)
    for row, i in enumerate(reference):
        for k in range(m + 1):
            lhs[row, k] = powers[i][k] * weight[i]
        for k in range(n + 1):
            lhs[row, m + 1 + k] = -f[i] * powers[i][k] * weight[i]
            rhs[row, m + 1 + k] = (-1) ** row * powers[i][k]
    inverse_levels, vectors = mp.eig(lhs**-1 * rhs)
    best = None
    for column, inverse in enumerate(inverse_levels):
        vector = [vectors[row, column] for row in range(size)]
        if vector[m + 1] == 0 or abs(mp.im(inverse)) > abs(inverse) * mpf("1e-12"):
            continue
        vector = [mp.re(v / vector[m + 1]) for v in vector]
        p, q = vector[: m + 1], vector[m + 1 :]
        has_pole = any(mp.fdot(q, powers[i][: n + 1]) <= 0 for i in reference)
        if not has_pole and (best is None or abs(inverse) > best[0]):
            best = abs(inverse), p, q
    if best is None:
        raise ArithmeticError("no fit without a pole: try other degrees")
    return best[1:]


def _alternating_peaks(errors, size):
    """Choose `size` points where the error peaks with alternating sign, the largest ones."""
    changes = [i for i in range(1, len(errors)) if (errors[i] > 0) != (errors[i - 1] > 0)]
    runs = pairwise([0, *changes, len(errors)])
    peaks = [max(range(*run), key=lambda i: abs(errors[i])) for run in runs]
    if len(peaks) < size:
        raise ArithmeticError(f"only {len(peaks)} of {size} alternations: try other degrees")
    height = [abs(errors[i]) for i in peaks]
    while len(peaks) > size:
        low = height.index(min(height))
        if len(peaks) == size + 1:  # only an end can go without breaking the alternation
            low = 0 if height[0] < height[-1] else len(peaks) - 1
        elif 0 < low < len(peaks) - 1:  # a peak inside goes with its lower neighbour
            other = low + 1 if height[low + 1] < height[low - 1] else low - 1
            low = min(low, other)
            del peaks[low + 1], height[low + 1]
        del peaks[low], height[low]
    return peaks


def rounded(value, bits):
    """Round to nearest with `bits` significant bits."""
    with mp.workprec(bits):
        return +mpf(value)


def rounded_polynomial(f, weight, points, degree, bits, constant=None):
    """Fit a polynomial with rounded coefficients, lowest first, the constant being given or not.

    Rounds the highest coefficient, fits the others again to what it leaves, and so on down.
    """
    if constant is not None:  # points[0] is 0, where such a fit has no freedom
        quotient = [(y - constant) / x for x, y in zip(points[1:], f[1:], strict=True)]
        slack = [x * w for x, w in zip(points[1:], weight[1:], strict=True)]
        return [constant, *rounded_polynomial(quotient, slack, points[1:], degree - 1, bits)]
    if degree < 0:
        return []
    p, _, _ = minimax(f, weight, points, degree, 0)
    top = rounded(p[-1], bits)
    rest = [y - top * x**degree for x, y in zip(points, f, strict=True)]
    return [*rounded_polynomial(rest, weight, points, degree - 1, bits), top]


def grid(end, count):
    """Points on [0, end], dense towards 0 and towards the end."""
    middle = mpf(3)  # half of the points lie below
    limit = (end - middle) / (end + middle)
    steps = [mp.cos(mp.pi * i / (count - 1)) for i in range(1, count - 1)]
    mapped = [((limit - 1) - (limit + 1) * c) / 2 for c in steps]
    return [mpf(0), *(middle * (1 + q) / (1 - q) for q in mapped), mpf(end)]


def show(name, value):
    """Print a number that is already rounded to its format."""
    print(f"    {name} = {float(value).hex()}  = {float(value)!r}")
