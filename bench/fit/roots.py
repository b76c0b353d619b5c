"""Fit brackets of gradients and second gradients around their zeros: f(r + d) = d (f'(r) + d S(d)).

A bracket is what is left of a derivative when a sigmoid or a density is taken out as a factor.
Farther from the zero it is summed as it stands; near it, only a form that has the zero in it keeps
the relative accuracy. S is minimax for the error relative to f on |d| <= width, of the least degree
that meets the goal.
Run: python bench/fit/roots.py [NAME ...]
"""

import sys

import mpmath as mp
from mpmath import mpf
from rational import minimax, rounded_polynomial, show

mp.mp.dps = 70

BITS = {"float32": 24, "float64": 53, "fast": 24}
GOAL = {"float32": mpf(2) ** -27, "float64": mpf(2) ** -56, "fast": mpf(2) ** -13}


def sigmoid(x):
    """1/(1 + e^-x)."""
    return 1 / (1 + mp.exp(-x))


def silu_slope(t):
    """silu'(-t) = s(-t) f(t), s the logistic function."""
    return 1 - t * sigmoid(t)


def silu_bend(t):
    """silu''(t) = s(t) s(-t) f(t)."""
    return 2 - t * mp.tanh(t / 2)


def gelu_slope(t):
    """gelu'(-t) = e^(-t^2/2) f(t)."""
    return mp.erfc(t / mp.sqrt(2)) * mp.exp(t * t / 2) / 2 - t / mp.sqrt(2 * mp.pi)


def cubic(t):
    """The argument 2 sqrt(2/pi) (t + 0.044715 t^3) of gelu_tanh, and two derivatives."""
    k, c = 2 * mp.sqrt(2 / mp.pi), mpf("0.044715")
    return k * t * (1 + c * t * t), k * (1 + 3 * c * t * t), 6 * k * c * t


def gelu_tanh_slope(t):
    """gelu_tanh'(-t) = s(-v) f(t), v = v(t) the cubic."""
    v, v1, _ = cubic(t)
    return 1 - t * v1 * sigmoid(v)


def gelu_tanh_bend(t):
    """gelu_tanh''(t) = s(v) s(-v) f(t)."""
    v, v1, v2 = cubic(t)
    return 2 * v1 + t * v2 - t * v1 * v1 * mp.tanh(v / 2)


def mish_slope(x):
    """mish'(x) = e^x f(x)/(1 + e^x + e^2x/2)^2."""
    e = mp.exp(x)
    return (x + 1) + e * (x + mpf(3) / 2) + e**2 + e**3 / 4


def mish_bend_left(x):
    """mish''(x) = e^x f(x)/(2 (1 + e^x + e^2x/2)^3)."""
    e = mp.exp(x)
    return 4 + 8 * e + 6 * e**2 + 2 * e**3 + x * (2 + 2 * e - 3 * e**2 - 2 * e**3)


def mish_bend_right(x):
    """mish''(x) = 4 e^2 f(x)/(1 + 2 e + 2 e^2)^3, e = e^-x."""
    e = mp.exp(-x)
    return 2 + 6 * e + 8 * e**2 + 4 * e**3 - x * (2 + 3 * e - 2 * e**2 - 2 * e**3)


def serf_slope(x):
    """serf'(x) = e^x f(x)."""
    e = mp.exp(x)
    s = mp.log1p(e)
    return mp.erf(s) / e + x * 2 / mp.sqrt(mp.pi) * mp.exp(-s * s) / (1 + e)


def serf_bend(x):
    """serf''(x) = 2/sqrt(pi) e^(-s^2) s(x) f(x), s = log(1 + e^x)."""
    e = mp.exp(x)
    return 2 + x * (1 - 2 * mp.log1p(e) * e) / (1 + e)


# Name: (f, a point near the zero, width).
BRACKETS = {
    "silu_slope": (silu_slope, 1.28, mpf(3) / 8),
    "silu_bend": (silu_bend, 2.4, mpf(1) / 2),
    "gelu_slope": (gelu_slope, 0.75, mpf("0.753")),
    "gelu_tanh_slope": (gelu_tanh_slope, 0.75, mpf(1) / 4),
    "gelu_tanh_bend": (gelu_tanh_bend, 1.4, mpf(1) / 2),
    "mish_slope": (mish_slope, -1.2, mpf(3) / 8),
    "mish_bend_left": (mish_bend_left, -2.25, mpf(1) / 2),
    "mish_bend_right": (mish_bend_right, 1.5, mpf(1) / 2),
    "serf_slope": (serf_slope, -1.1, mpf(3) / 8),
    "serf_bend_left": (serf_bend, -2.2, mpf(1) / 2),
    "serf_bend_right": (serf_bend, 1.1, mpf(3) / 8),
}


def fit(f, zero, slope, width, bits, goal):
    """Fit S, lowest coefficient first: the coefficients and the error."""
    count = 200
    points = [-width * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    quotients = [f(zero + d) / d for d in points]
    values = [(y - slope) / d for y, d in zip(quotients, points, strict=True)]
    weight = [abs(d / y) for y, d in zip(quotients, points, strict=True)]
    degree = 0
    while minimax(values, weight, points, degree, 0)[2] > goal:
        degree += 1
    s = rounded_polynomial(values, weight, points, degree, bits)
    error = max(
        abs(mp.polyval(s[::-1], d) - y) * w for d, y, w in zip(points, values, weight, strict=True)
    )
    return s, error


if __name__ == "__main__":
    for name in sys.argv[1:] or BRACKETS:
        f, guess, width = BRACKETS[name]
        zero = mp.findroot(f, guess)
        slope = mp.diff(f, zero)
        print(f"{name}, |d| <= {float(width)}")
        print(f"    root = {mp.nstr(zero, 50)}")
        print(f"    slope = {mp.nstr(slope, 50)}")
        for label, bits in BITS.items():
            s, error = fit(f, zero, slope, width, bits, GOAL[label])
            print(f"  {label}, relative error 2^{float(mp.log(error, 2)):.2f}")
            for k, c in enumerate(s):
                show(f"c{k}", c)
