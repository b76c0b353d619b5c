/* The leaves of the formula language in C: what the printed kernels are made of.
 *
 * Nothing here calls libm.  Each leaf rounds once or not at all, so that kernels give the same
 * bits on every processor with fused multiply-add (FMA).  Compile with -ffp-contract=off.
 */
#ifndef FASTCPUACT_LEAVES_H
#define FASTCPUACT_LEAVES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__F16C__)
#include <immintrin.h>
#endif

/* A leaf that is called stops the vectorisation of the loop around it. */
#define LEAF static inline __attribute__((always_inline))

/* An output never overlaps an input: the block driver works through a buffer where it would. */
typedef const float *restrict in_f32;
typedef const double *restrict in_f64;
typedef float *restrict out_f32;
typedef double *restrict out_f64;

LEAF uint32_t bits_f32(float x) { uint32_t u; memcpy(&u, &x, sizeof u); return u; }
LEAF uint64_t bits_f64(double x) { uint64_t u; memcpy(&u, &x, sizeof u); return u; }
LEAF float from_bits_f32(uint32_t u) { float x; memcpy(&x, &u, sizeof x); return x; }
LEAF double from_bits_f64(uint64_t u) { double x; memcpy(&x, &u, sizeof x); return x; }

LEAF float select_f32(int condition, float a, float b) { return condition ? a : b; }
LEAF double select_f64(int condition, double a, double b) { return condition ? a : b; }

/* float16, as its bits.  Scaling by 2^112 sets the exponent right, of subnormals too. */
LEAF float widen_f16(uint16_t half)
{
    uint32_t magnitude = (uint32_t)(half & 0x7fffu) << 13;
    uint32_t bits = bits_f32(from_bits_f32(magnitude) * 0x1p112f);
    bits |= (int32_t)magnitude >= 0x0f800000 ? 0x7f800000u : 0u; /* infinities and NaN */
    return from_bits_f32(bits | (uint32_t)(half & 0x8000u) << 16);
}

/* Rounds to nearest, ties to even; a NaN becomes the quiet one of its sign. */
LEAF uint16_t narrow_f16(float x)
{
    uint32_t sign = bits_f32(x) & 0x80000000u;
    uint32_t magnitude = bits_f32(x) ^ sign;
    /* Normal results: shift the exponent and add just under half of a last place. */
    uint32_t normal = (magnitude + 0xc8000fffu + (magnitude >> 13 & 1u)) >> 13;
    /* Subnormal results: adding 1/2 leaves a number of 2^-24 in the lowest bits. */
    uint32_t subnormal = bits_f32(from_bits_f32(magnitude) + 0.5f) - 0x3f000000u;
    /* Masks of signed comparisons: SSE has no others. */
    uint32_t is_small = -(uint32_t)((int32_t)magnitude < 0x38800000);
    uint32_t is_large = -(uint32_t)((int32_t)magnitude >= 0x47800000);
    uint32_t is_nan = -(uint32_t)((int32_t)magnitude > 0x7f800000);
    uint32_t large = 0x7c00u | (is_nan & 0x200u);
    uint32_t half = (subnormal & is_small) | (normal & ~is_small);
    half = (large & is_large) | (half & ~is_large) | sign >> 16;
    return (uint16_t)half;
}

/* Arrays of float16, by the instructions for it where the level has them. */
LEAF void widen_all_f16(const uint16_t *restrict halves, float *restrict floats, ptrdiff_t n)
{
    ptrdiff_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(floats + i,
                         _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(halves + i))));
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(floats + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + i))));
#endif
    for (; i < n; i++)
        floats[i] = widen_f16(halves[i]);
}

LEAF void narrow_all_f16(const float *restrict floats, uint16_t *restrict halves, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    /* The instructions keep the payload of a NaN: it is taken out before. */
#if defined(__AVX512F__)
    const __m512i sign = _mm512_set1_epi32(INT32_MIN), quiet = _mm512_set1_epi32(0x7fc00000);
    for (; i + 16 <= n; i += 16) {
        __m512 x = _mm512_loadu_ps(floats + i);
        __m512i nan = _mm512_or_si512(_mm512_and_si512(_mm512_castps_si512(x), sign), quiet);
        x = _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), _mm512_castsi512_ps(nan));
        _mm256_storeu_si256((__m256i *)(halves + i),
                            _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
#elif defined(__F16C__)
    const __m256 sign = _mm256_castsi256_ps(_mm256_set1_epi32(INT32_MIN));
    const __m256 quiet = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
    for (; i + 8 <= n; i += 8) {
        __m256 x = _mm256_loadu_ps(floats + i);
        __m256 nan = _mm256_or_ps(_mm256_and_ps(x, sign), quiet);
        x = _mm256_blendv_ps(x, nan, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
        _mm_storeu_si128((__m128i *)(halves + i), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
    }
#endif
    for (; i < n; i++)
        halves[i] = narrow_f16(floats[i]);
}

LEAF float real_f32(double x) { return (float)x; }
LEAF double real_f64(double x) { return x; }
LEAF double wide_f32(float x) { return x; }
LEAF double wide_f64(double x) { return x; }

LEAF float fabs_f32(float x) { return __builtin_fabsf(x); }
LEAF double fabs_f64(double x) { return __builtin_fabs(x); }
LEAF float copysign_f32(float x, float s) { return __builtin_copysignf(x, s); }
LEAF double copysign_f64(double x, double s) { return __builtin_copysign(x, s); }
LEAF float sqrt_f32(float x) { return __builtin_sqrtf(x); }
LEAF double sqrt_f64(double x) { return __builtin_sqrt(x); }

/* n stands in the lowest bits of its argument; what is above it falls out of the shift. */
LEAF float exp2_shifted_f32(float n) { return from_bits_f32((bits_f32(n) + 127u) << 23); }
LEAF double exp2_shifted_f64(double n) { return from_bits_f64((bits_f64(n) + 1023u) << 52); }

/* The exponent as the lowest digits of 2^(p-1), which is subtracted with the bias. */
LEAF float exponent_f32(float x)
{
    return from_bits_f32(bits_f32(x) >> 23 | 0x4b000000u) - (8388608.0f + 127);
}
LEAF double exponent_f64(double x)
{
    return from_bits_f64(bits_f64(x) >> 52 | UINT64_C(0x4330000000000000)) -
           (4503599627370496.0 + 1023);
}

#if defined(__FMA__) || defined(__aarch64__) || defined(__FP_FAST_FMA)

LEAF float fma_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LEAF double fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }

#else

/* The product of two floats is exact in double.  The sum may round twice; the tests hold the stated
 * bounds at this level too. */
LEAF float fma_f32(float a, float b, float c) { return (float)((double)a * b + c); }

/* The nearest number of 26 bits; what is left has 26 and a sign, so products of such halves are
 * exact. */
LEAF double upper_half(double x)
{
    return from_bits_f64((bits_f64(x) + (UINT64_C(1) << 26)) & ~((UINT64_C(1) << 27) - 1));
}

/* The error of a product from halves of the factors (Dekker 1971). */
LEAF double product_error(double a, double b, double product)
{
    double a1 = upper_half(a), a2 = a - a1;
    double b1 = upper_half(b), b2 = b - b1;
    return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2;
}

/* The error of the sum is after Knuth (TAOCP 4.2.2).  The result may differ from a fused one by one
 * rounding of the two errors' sum. */
LEAF double fma_f64(double a, double b, double c)
{
    /* The halves of the largest numbers would be infinite. */
    double down_a = __builtin_fabs(a) > 0x1p1000 ? 0x1p-54 : 1, up_a = down_a < 1 ? 0x1p54 : 1;
    double down_b = __builtin_fabs(b) > 0x1p1000 ? 0x1p-54 : 1, up_b = down_b < 1 ? 0x1p54 : 1;
    double product = a * b;
    double error = product_error(a * down_a, b * down_b, product * down_a * down_b);
    double sum = product + c;
    double part = sum - product;
    double sum_error = (product - (sum - part)) + (c - part);
    double errors = sum_error + error * up_a * up_b;
    double result = sum + errors;
    /* The errors of an infinite sum are NaN, that of a product next to infinity may be infinite, and
     * those that are 0 would change the sign of -0.
     * Masks: GCC does not if-convert that many branches. */
    uint64_t good = -(uint64_t)((result - result == 0) & (errors != 0));
    return from_bits_f64((bits_f64(result) & good) | (bits_f64(sum) & ~good));
}

#endif
#endif
