# cython: language_level=3, boundscheck=False, wraparound=False
"""A layer and its gradient, written against an installed fastcpuact; no step holds the interpreter."""

from fastcpuact.kernels.contiguous cimport Float32, Float64

cdef Float32 gelu = Float32("gelu")
cdef Float32 gelu_backward = Float32("gelu", "backward")
cdef Float64 both = Float64("elu", "value_and_grad", alpha=0.5)
cdef Float64 fast_leaky = Float64("leaky_relu", "fast_value", negative_slope=0.25)


def forward(const float[::1] x, const float[::1] bias):
    """gelu(x + bias)."""
    cdef float[::1] y = x.copy()
    cdef Py_ssize_t i
    with nogil:
        for i in range(x.shape[0]):
            y[i] = x[i] + bias[i]
        gelu.map(&y[0], &y[0], y.shape[0])
    return y


def backward(const float[::1] dy, const float[::1] x):
    """dy·gelu'(x)."""
    cdef float[::1] dx = x.copy()
    with nogil:
        gelu_backward.combine(&dy[0], &x[0], &dx[0], x.shape[0])
    return dx


def elu(const double[::1] x):
    """elu and its gradient."""
    cdef double[::1] y = x.copy()
    cdef double[::1] d = x.copy()
    with nogil:
        both.split(&x[0], &y[0], &d[0], x.shape[0])
    return y, d


def leaky(const double[::1] x):
    """leaky_relu of the fast tier."""
    cdef double[::1] y = x.copy()
    with nogil:
        fast_leaky.map(&x[0], &y[0], x.shape[0])
    return y


def misused(const float[::1] x):
    """A method for one array, of a kernel that reads two."""
    cdef float[::1] dx = x.copy()
    with nogil:
        gelu_backward.map(&x[0], &dx[0], x.shape[0])


def refused(str name, str form, **params):
    """What a kernel of a name and a form is, or why there is none."""
    return Float32(name, form, **params)
