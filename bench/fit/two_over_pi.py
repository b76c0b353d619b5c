"""Print the digits of 2/pi, in a base that leaves one bit more than the precision to each.

2/pi = sum of n(k) base^-k / 2^p with |n(k)| <= 2^p, p the bits of the precision and base 2^(p + 1):
rounded to nearest, the digits are signed, so that every one is a number of the precision.
What is printed is n(k) / 2^p.
Run: python bench/fit/two_over_pi.py
"""

import mpmath as mp
from rational import show

if __name__ == "__main__":
    mp.mp.prec = 2000
    for label, bits, count in (("float32", 24, 12), ("float64", 53, 24)):
        rest = 2 / mp.pi
        print(f"2/pi, {label}: base 2^{bits + 1}")
        for k in range(count):
            digit = mp.nint(mp.ldexp(rest, bits))
            show(f"d{k}", mp.ldexp(digit, -bits))
            rest = mp.ldexp(rest - mp.ldexp(digit, -bits), bits + 1)
