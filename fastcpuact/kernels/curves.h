/* Approximants in floating point on contiguous arrays: tables, piecewise polynomials, rational
 * functions, and their slopes.
 *
 * Every operation rounds once and none is fused, so that results are those of the same operations
 * in NumPy, in Numba and in exported C. Compile with -ffp-contract=off.
 */
#ifndef FASTCPUACT_CURVES_H
#define FASTCPUACT_CURVES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Elements at a time: their intermediate arrays stay in the first-level cache. */
enum { CURVE_BLOCK = 256 };

enum curve_method { CURVE_TABLE, CURVE_TAYLOR, CURVE_PIECEWISE, CURVE_RATIONAL };
enum curve_symmetry { CURVE_NONE, CURVE_ODD, CURVE_EVEN, CURVE_COMPLEMENT, CURVE_RECTIFIED };
enum curve_identity { CURVE_TANH, CURVE_SIGMOID, CURVE_EXPONENTIAL };

/* Tails are a slope and an intercept; origin, width and scale are those of equal segments, knots
 * those of others; data is a table or coefficients. */
#define CURVE_DATA(REAL)                                                                    \
    int method, symmetry, identity, degree;                                                 \
    int folded, clipped, uniform, square, times_t, negated;                                 \
    int segments;                                                                           \
    REAL start, end, total;                                                                 \
    REAL below[2], above[2];                                                                \
    REAL low, high;                                                                         \
    REAL origin, width, scale;                                                              \
    const REAL *knots;                                                                      \
    const REAL *data, *denominator;                                                         \
    int terms, denominator_terms;                                                           \
    REAL offset, rise, center;

typedef struct { CURVE_DATA(float) } curve_f32;
typedef struct { CURVE_DATA(double) } curve_f64;

#define CURVE_INLINE static inline __attribute__((always_inline))

/* The same loops for every level, of which the processor's is taken, where the compiler can. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CURVE_LEVELS 1
#pragma GCC push_options
#pragma GCC target("avx512f")
#define LEVEL_NAME(stem) stem##_avx512
#include "curve_precisions.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2")
#define LEVEL_NAME(stem) stem##_avx2
#include "curve_precisions.h"
#pragma GCC pop_options
#endif
#define LEVEL_NAME(stem) stem##_portable
#include "curve_precisions.h"

#ifdef CURVE_LEVELS
#define CURVE_CHOOSE(name, ...)                 \
    if (__builtin_cpu_supports("avx512f"))      \
        name##_avx512(__VA_ARGS__);             \
    else if (__builtin_cpu_supports("avx2"))    \
        name##_avx2(__VA_ARGS__);               \
    else                                        \
        name##_portable(__VA_ARGS__)
#else
#define CURVE_CHOOSE(name, ...) name##_portable(__VA_ARGS__)
#endif

static void values_f32(const curve_f32 *c, const float *x, float *y, size_t n)
{
    CURVE_CHOOSE(values_f32, c, x, y, n);
}
static void slopes_f32(const curve_f32 *c, const float *x, float *y, size_t n)
{
    CURVE_CHOOSE(slopes_f32, c, x, y, n);
}
static void values_f64(const curve_f64 *c, const double *x, double *y, size_t n)
{
    CURVE_CHOOSE(values_f64, c, x, y, n);
}
static void slopes_f64(const curve_f64 *c, const double *x, double *y, size_t n)
{
    CURVE_CHOOSE(slopes_f64, c, x, y, n);
}

#endif
