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

/* The same loops for every level of the processor, chosen when the module is loaded, where the
 * compiler and the C library can do that. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define CURVE_LEVELS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CURVE_LEVELS
#endif
#define CURVE_INLINE static inline __attribute__((always_inline))

#define REAL float
#define NAME(stem) stem##_f32
#define FABS __builtin_fabsf
#define COPYSIGN __builtin_copysignf
#include "curve_loops.h"
#undef REAL
#undef NAME
#undef FABS
#undef COPYSIGN

#define REAL double
#define NAME(stem) stem##_f64
#define FABS __builtin_fabs
#define COPYSIGN __builtin_copysign
#include "curve_loops.h"
#undef REAL
#undef NAME
#undef FABS
#undef COPYSIGN

#endif
