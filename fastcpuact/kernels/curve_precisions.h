/* The loops of one level in both precisions; curves.h includes this for each level. */

#define REAL float
#define CURVE curve_f32
#define NAME(stem) LEVEL_NAME(stem##_f32)
#define FABS __builtin_fabsf
#define COPYSIGN __builtin_copysignf
#include "curve_loops.h"
#undef REAL
#undef CURVE
#undef NAME
#undef FABS
#undef COPYSIGN

#define REAL double
#define CURVE curve_f64
#define NAME(stem) LEVEL_NAME(stem##_f64)
#define FABS __builtin_fabs
#define COPYSIGN __builtin_copysign
#include "curve_loops.h"
#undef REAL
#undef CURVE
#undef NAME
#undef FABS
#undef COPYSIGN

#undef LEVEL_NAME
