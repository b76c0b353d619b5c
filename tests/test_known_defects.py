"""What went wrong elsewhere: one test for each defect that users of other libraries have met.

The numbers are those of the reports; the exact values come from mpmath.
"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import fastcpuact as act

mp = mpmath.MPContext()
mp.prec = 400
DTYPES = (np.float32, np.float64)
pytestmark = pytest.mark.usefixtures("engine")


def assert_close(result, exact, ulp: float) -> None:
    """Compare one float with an mpmath number."""
    spacing = mp.mpf(float(np.spacing(np.abs(np.asarray(float(exact), result.dtype)))))
    assert abs(mp.mpf(float(result)) - exact) <= ulp * spacing, (float(result), float(exact))


def cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


@pytest.mark.parametrize(
    ("dtype", "points"),
    [(np.float32, (-5.5, -6.0, -8.0, -12.0, -14.0)), (np.float64, (-5.5, -9.0, -20.0, -38.0))],
)
def test_gelu_keeps_its_tail(dtype, points):
    """1 + erf(x/√2) is 0 below -6 in float32 and off by half at -5.5 (PyTorch)."""
    for point in points:
        x = dtype(point)
        assert_close(act.gelu(x), mp.mpf(point) * cdf(mp.mpf(point)), 2)
        assert act.gelu(x) < 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_of_gelu_keeps_its_tail(dtype):
    """A tail error of 3.3e-2 (PyTorch on other processors)."""
    for point in (-4.0, -6.0, -10.0, -12.5):
        t = mp.mpf(point)
        exact = cdf(t) + t * mp.npdf(t)
        assert_close(act.gelu.grad(dtype(point)), exact, 4)


@pytest.mark.parametrize(
    ("dtype", "points"), [(np.float32, (-6.0, -7.5, -10.0)), (np.float64, (-6.0, -9.0, -20.0))]
)
def test_gelu_tanh_keeps_its_tail(dtype, points):
    """1 + tanh(u) is 0 below -6 in float32 (several libraries); x·σ(2u) is not."""
    for point in points:
        t = mp.mpf(point)
        u = mp.sqrt(2 / mp.pi) * (t + mp.mpf("0.044715") * t**3)
        assert_close(act.gelu_tanh(dtype(point)), t * sigmoid(2 * u), 2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_arguments_keep_their_digits(dtype):
    """An erf of absolute error 1.5e-7 is 0 at 1e-7 (vectorised PyTorch)."""
    for point in (1e-7, -1e-7, 1e-5, 1e-20, -1e-30):
        x = dtype(point)
        t = mp.mpf(float(x))
        assert_close(act.serf(x), t * mp.erf(mp.log1p(mp.exp(t))), 2)
        assert_close(act.gelu(x), t * cdf(t), 2)
        assert_close(act.tanh(x), mp.tanh(t), 2)
        assert_close(act.tanhshrink(np.asarray(x)[()]), t - mp.tanh(t), 2)


@pytest.mark.parametrize("dtype", (np.float16, *DTYPES))
def test_nothing_leaves_its_range_at_saturation(dtype):
    """erf(3.9) = 1.0000001 (XLA); tanh of float16 saturated at 1.044, gelu(-100) was 2.2 (ncnn)."""
    x = np.linspace(-120, 120, 48_001).astype(dtype)
    assert np.abs(act.tanh(x)).max() == 1
    assert act.sigmoid(x).min() >= 0 and act.sigmoid(x).max() == 1
    positive = x[x > 0]
    assert np.all(act.gelu(positive) <= positive)
    assert np.all(act.serf(positive) <= positive)
    assert np.all(act.gelu(x[x < 0]) <= 0)
    assert act.gelu(dtype(-100)) == 0 and np.signbit(act.gelu(dtype(-100)))


def test_softplus_has_no_threshold():
    """Above 20 the rest of log1p(e^x) was dropped, which jumps; a large beta gave inf (PyTorch)."""
    for point in (19.9, 20.0, 20.1, 25.0, 30.0, 36.0):
        assert_close(act.softplus(np.float64(point)), mp.log1p(mp.exp(mp.mpf(point))), 2)
    x = np.linspace(19.999, 20.001, 10_001)
    assert np.all(np.diff(act.softplus(x)) >= 0)
    for dtype in DTYPES:
        assert act.softplus(dtype(3.0), 1e4) == 3
        assert act.softplus(dtype(-3.0), 1e4) == 0
        assert np.isfinite(act.softplus(dtype(3e30), 1e10))


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_of_softplus_from_output_has_no_threshold(dtype):
    """The threshold was applied to the output, where the input was meant (PyTorch)."""
    for point in (5.0, 15.0, 20.5):
        y = act.softplus(dtype(point))
        exact = -mp.expm1(-mp.mpf(float(y)))
        assert_close(act.softplus.backward_from_output(dtype(1), y), exact, 2)


@pytest.mark.parametrize("name", act.names())
def test_a_result_does_not_depend_on_the_number_of_elements(name):
    """The last elements went another way than those in vectors (PyTorch's softplus)."""
    f = act.activations[name]
    required = {p: 0.5 for p, default in f.params.items() if default is None}
    x = np.full(67, 0.7310585, np.float32)
    for n in range(1, 68):
        for form in (f, f.grad):
            assert np.unique(form(x[:n], **required)).size == 1
            assert form(x[:n], **required)[0] == form(x, **required)[0]


def test_gradient_of_silu_in_the_far_tail():
    """0 at -709 in float64, where it is -8.6e-306 (JAX): a factor had underflowed."""
    for dtype, points in ((np.float64, (-709.0, -740.0)), (np.float32, (-88.0, -100.0))):
        for point in points:
            t = mp.mpf(point)
            exact = sigmoid(t) * (1 + t * sigmoid(-t))
            assert_close(act.silu.grad(dtype(point)), exact, 4)
    assert act.silu.grad(-709.0) == pytest.approx(-8.6e-306, rel=0.01)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", ("sigmoid", "silu", "swish", "mish", "softplus", "logsigmoid", "gelu", "gelu_tanh")
)
def test_gradients_far_out_are_never_nan(name, dtype):
    """inf/inf in the backward of sigmoid and silu (candle, snnTorch, nequip)."""
    f = act.activations[name]
    largest = np.finfo(dtype).max
    x = np.array([-largest, -1e30, -1e4, -1000, -100, 100, 1000, 1e4, 1e30, largest], dtype)
    for result in (f(x), f.grad(x), f.backward(np.ones_like(x), x)):
        assert np.all(np.isfinite(result))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_numbers_are_no_infinities(dtype):
    """log1p was inf beyond 1e307, or 1e38 in float32 (SLEEF)."""
    largest = np.finfo(dtype).max
    assert act.softplus(largest) == largest
    assert act.logsigmoid(-largest) == -largest
    assert act.gelu(largest) == act.silu(largest) == act.mish(largest) == largest
    assert act.softsign(largest) == 1
    assert act.squareplus(largest) == act.dish(largest) == largest


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_does_not_overflow_early(dtype):
    """inf for millions of arguments below log(max) (SLEEF)."""
    end = dtype(float(mp.log(mp.mpf(float(np.finfo(dtype).max)))))
    for _ in range(1000):
        exact = mp.exp(mp.mpf(float(end)))
        if exact < mp.mpf(float(np.finfo(dtype).max)):
            assert_close(act.exponential(end), exact, 2)
        end = np.nextafter(end, dtype(0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_arguments_come_back(dtype):
    """tanh and erf lost ULPs near the smallest numbers (SLEEF without FMA)."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = tiny * np.array([1, 2, 3, 17, 1000, -1, -12345], dtype)
    for name in ("tanh", "softsign", "identity", "elu", "selu"):
        result = act.activations[name](x)
        if name != "selu":
            np.testing.assert_array_equal(result, x)
        assert np.array_equal(np.sign(result), np.sign(x))
    np.testing.assert_array_equal(act.silu(x[3:]), act.gelu(x[3:]))  # both x/2, rounded once


def test_sigmoid_is_not_zero_before_it_must():
    """e^-x overflows at -88.7 and -709.8, where σ is still a subnormal number (SciPy)."""
    for dtype, points in ((np.float32, (-88.8, -95.0, -103.5)), (np.float64, (-709.9, -745.0))):
        for point in points:
            x = dtype(point)
            assert act.sigmoid(x) > 0
            assert_close(act.sigmoid(x), sigmoid(mp.mpf(float(x))), 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logsigmoid_keeps_both_tails(dtype):
    """log(σ) is -inf where σ is 0, and 0 where it rounds to 1."""
    for point in (-1000.0, -50.0, -1.0, 1.0, 30.0, 80.0):
        assert_close(act.logsigmoid(dtype(point)), -mp.log1p(mp.exp(-mp.mpf(point))), 2)


def test_float16_does_not_overflow_on_the_way():
    """x³ overflows, and the gradient is NaN (fairseq); 1 - σ(-x) is 0 (tiny-llm)."""
    x = np.array([-60000.0, -300.0, -50.0, 50.0, 300.0, 60000.0], np.float16)
    np.testing.assert_array_equal(act.gelu_tanh.grad(x), [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(act.gelu_tanh(x), [0, 0, 0, 50, 300, 60000])
    assert act.sigmoid(np.float16(-16)) > 0
    assert np.isfinite(act.squareplus(x)).all() and np.isfinite(act.dish(x)).all()


@pytest.mark.parametrize("dtype", (np.float16, *DTYPES))
def test_landmarks_are_exact(dtype):
    """cos(π) = -0.9999999999999998 was within its bound, and still taken back (NumPy)."""
    for zero in (dtype(0), dtype(-0.0)):
        assert act.sigmoid(zero) == 0.5 and act.sigmoid.grad(zero) == 0.25
        assert act.exponential(zero) == act.gaussian(zero) == act.tanh.grad(zero) == 1
        assert act.gelu.grad(zero) == act.silu.grad(zero) == 0.5
        assert act.softplus(zero) == dtype(float(mp.log(2)))
        assert act.squareplus(zero) == 1
        for odd in (act.tanh, act.softsign, act.tanhshrink, act.identity, act.gelu, act.silu):
            assert odd(zero) == 0 and np.signbit(odd(zero)) == np.signbit(zero)
    assert act.hardswish(dtype(3)) == 3 and act.hardswish(dtype(-3)) == 0


@pytest.mark.parametrize("name", act.names())
def test_nan_raises_no_warning(name):
    """ "invalid" for a quiet NaN (NumPy's expm1 with AVX-512)."""
    f = act.activations[name]
    required = {p: 0.5 for p, default in f.params.items() if default is None}
    with np.errstate(all="raise"):
        for n in (1, 33):
            assert np.isnan(f(np.full(n, np.nan), **required)).all()
            assert np.isnan(f.grad(np.full(n, np.nan), **required)).all()


def test_gelu_has_a_sign_where_it_underflows():
    """-1.65e-7 in one mode and -0.0 in another: the sign is that of the limit (PyTorch)."""
    x = np.array([-14.5, -20.0, -1e4, -np.inf], np.float32)
    for f in (act.gelu, act.silu, act.mish, act.gelu_tanh):
        assert np.signbit(f(x)).all()
