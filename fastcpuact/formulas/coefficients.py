"""Fitted coefficients, lowest power first, and the constants of argument reduction.

Each table was printed by the script in bench/fit/ that its comment names; float32 and float64 have
their own degree.  The errors given are those of the approximation in exact arithmetic with
these very coefficients.
"""

from .language import per_precision

# 1.5·2^(p-1), p the digits of the precision: adding it rounds a small number to an integer.
ROUND = per_precision(float32=12582912.0, float64=6755399441055744.0)

# bench/fit/exp.sollya.  ln 2 in two parts, the first so short that its product with the exponent
# is exact also without FMA.
LOG2_E = per_precision(float32=1.4426950216293335, float64=1.4426950408889634)
LN2_HI = per_precision(float32=0.693145751953125, float64=0.6931471805598903)
LN2_LO = per_precision(float32=1.428606765330187e-06, float64=5.497923018708371e-14)

# bench/fit/exp.sollya: e^r = 1 + r + r² P(r) for |r| <= 1.01 ln(2)/2.
# Relative error 2^-28.1 in float32, 2^-57.7 in float64.
EXP = per_precision(
    float32=(
        0.49999991059303284,
        0.16666515171527863,
        0.04166892543435097,
        0.008369384333491325,
        0.0013787493808194995,
    ),
    float64=(
        0.5000000000000012,
        0.166666666666664,
        0.04166666666651586,
        0.008333333333499646,
        0.0013888888947630933,
        0.00019841269502991586,
        2.480148872213537e-05,
        2.7557582566558577e-06,
        2.7631884576215947e-07,
        2.5003500482380042e-08,
    ),
)

# bench/fit/expm1.sollya: e^r - 1 = r + r² P(r) for |r| <= 1.01 ln(2)/2.
# Relative error 2^-30.9 in float32, 2^-61.5 in float64.
EXPM1 = per_precision(
    float32=(
        0.5,
        0.1666666567325592,
        0.04166647046804428,
        0.008333561941981316,
        0.001393456943333149,
        0.0001974894112208858,
    ),
    float64=(
        0.5,
        0.16666666666666677,
        0.041666666666666595,
        0.008333333333321181,
        0.0013888888888932008,
        0.00019841269887721345,
        2.4801587221685992e-05,
        2.7557242224855584e-06,
        2.755736512837328e-07,
        2.510984140015191e-08,
        2.088626654686158e-09,
    ),
)

# bench/fit/log1p.sollya: log(1+e) = 2s + s³ Q(s²), s = e/(2+e), for 0 <= e <= 1.
# Relative error 2^-27.7 in float32, 2^-59.4 in float64.
LOG1P = per_precision(
    float32=(
        0.666664183139801,
        0.4002143442630768,
        0.2800309658050537,
        0.2800637185573578,
    ),
    float64=(
        0.6666666666666631,
        0.4000000000015567,
        0.2857142854806024,
        0.22222223956733128,
        0.1818174438290832,
        0.1538655023960516,
        0.13301099205474362,
        0.12105107054186465,
        0.08344310848425682,
        0.17010906476678708,
    ),
)
