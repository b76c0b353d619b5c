# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Kernels of the approximants in floating point; `fastcpuact.edge.engine` describes a curve.

Arrays are contiguous; an output is its input or does not overlap it. Long calls run on several
threads.
"""

from cython cimport floating

from .driver cimport spread
from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state

cdef extern from "curves.h" nogil:
    ctypedef struct curve_f32:
        int method, symmetry, identity, degree
        int folded, clipped, uniform, square, times_t, negated
        int segments
        float start, end, total
        float* below
        float* above
        float low, high, origin, width, scale
        const float* knots
        const float* data
        const float* denominator
        int terms, denominator_terms
        float offset, rise, center
    ctypedef struct curve_f64:
        int method, symmetry, identity, degree
        int folded, clipped, uniform, square, times_t, negated
        int segments
        double start, end, total
        double* below
        double* above
        double low, high, origin, width, scale
        const double* knots
        const double* data
        const double* denominator
        int terms, denominator_terms
        double offset, rise, center
    void values_f32(const curve_f32*, const float*, float*, size_t) noexcept
    void slopes_f32(const curve_f32*, const float*, float*, size_t) noexcept
    void values_f64(const curve_f64*, const double*, double*, size_t) noexcept
    void slopes_f64(const curve_f64*, const double*, double*, size_t) noexcept

ctypedef void (*function_f32)(const curve_f32*, const float*, float*, size_t) noexcept nogil
ctypedef void (*function_f64)(const curve_f64*, const double*, double*, size_t) noexcept nogil

ctypedef fused curve:
    curve_f32
    curve_f64

cdef enum:
    # Estimated picoseconds for an element on one thread.
    COST = 1500


cdef struct Work:
    const void* curve
    const char* x
    char* y
    Py_ssize_t n
    int itemsize
    int slope


cdef void run_part(void* data, int part, int parts) noexcept nogil:
    cdef const Work* work = <const Work*>data
    cdef Py_ssize_t start = work.n * part // parts
    cdef Py_ssize_t n = work.n * (part + 1) // parts - start
    cdef const char* x = work.x + start * work.itemsize
    cdef char* y = work.y + start * work.itemsize
    cdef function_f32 evaluate_f32
    cdef function_f64 evaluate_f64
    cdef fpenv_state caller = fpenv_enter()
    if work.itemsize == 4:
        evaluate_f32 = slopes_f32 if work.slope else values_f32
        evaluate_f32(<const curve_f32*>work.curve, <const float*>x, <float*>y, n)
    else:
        evaluate_f64 = slopes_f64 if work.slope else values_f64
        evaluate_f64(<const curve_f64*>work.curve, <const double*>x, <double*>y, n)
    fpenv_leave(caller)


cdef void describe(curve* c, tuple choices, tuple numbers):
    """Fill in all but the arrays."""
    (
        c.method, c.symmetry, c.identity, c.degree,
        c.folded, c.clipped, c.uniform, c.square, c.times_t, c.negated,
        c.segments,
    ) = choices
    (
        c.start, c.end, c.total,
        c.below[0], c.below[1], c.above[0], c.above[1],
        c.low, c.high, c.origin, c.width, c.scale,
        c.offset, c.rise, c.center,
    ) = numbers


def evaluate(
    tuple choices,
    tuple numbers,
    const floating[::1] knots,
    const floating[::1] data,
    const floating[::1] denominator,
    const floating[::1] x,
    floating[::1] y,
    bint slope,
):
    """Evaluate a curve, or its slope, on x into y."""
    cdef curve_f32 single
    cdef curve_f64 double_
    cdef Work work
    if x.shape[0] != y.shape[0]:
        raise ValueError("arrays of one length are needed")
    if x.shape[0] == 0:
        return
    if floating is float:
        describe(&single, choices, numbers)
        single.knots, single.data, single.denominator = &knots[0], &data[0], &denominator[0]
        single.terms, single.denominator_terms = data.shape[0], denominator.shape[0]
        work.curve, work.itemsize = &single, 4
    else:
        describe(&double_, choices, numbers)
        double_.knots, double_.data, double_.denominator = &knots[0], &data[0], &denominator[0]
        double_.terms, double_.denominator_terms = data.shape[0], denominator.shape[0]
        work.curve, work.itemsize = &double_, 8
    work.x, work.y, work.n, work.slope = <const char*>&x[0], <char*>&y[0], x.shape[0], slope
    with nogil:
        if not spread(run_part, &work, work.n * COST):
            run_part(&work, 0, 1)
