/* The leaves of the formula language in C99, for exported headers: one paragraph each, of which a
 * header gets those that it needs, under names of its own.
 *
 * Nothing here needs a library: no libm, no memcpy.  Each leaf rounds once or not at all.  Unions
 * read bits, which C99 allows (6.5.2.3, with Technical Corrigendum 3).
 */

#include <stdint.h>

static inline uint32_t bits_f32(float x)
{
    union { float number; uint32_t bits; } u;
    u.number = x;
    return u.bits;
}

static inline float from_bits_f32(uint32_t bits)
{
    union { uint32_t bits; float number; } u;
    u.bits = bits;
    return u.number;
}

static inline uint64_t bits_f64(double x)
{
    union { double number; uint64_t bits; } u;
    u.number = x;
    return u.bits;
}

static inline double from_bits_f64(uint64_t bits)
{
    union { uint64_t bits; double number; } u;
    u.bits = bits;
    return u.number;
}

static inline float fabs_f32(float x)
{
#ifdef __GNUC__
    return __builtin_fabsf(x); /* never a call */
#else
    return from_bits_f32(bits_f32(x) & 0x7fffffffu);
#endif
}

static inline double fabs_f64(double x)
{
#ifdef __GNUC__
    return __builtin_fabs(x);
#else
    return from_bits_f64(bits_f64(x) & ~(UINT64_C(1) << 63));
#endif
}

static inline float copysign_f32(float x, float sign)
{
    return from_bits_f32((bits_f32(x) & 0x7fffffffu) | (bits_f32(sign) & 0x80000000u));
}

static inline double copysign_f64(double x, double sign)
{
    const uint64_t top = UINT64_C(1) << 63;
    return from_bits_f64((bits_f64(x) & ~top) | (bits_f64(sign) & top));
}

/* n stands in the lowest bits of its argument; what is above it falls out of the shift. */
static inline float exp2_shifted_f32(float n)
{
    return from_bits_f32((bits_f32(n) + 127u) << 23);
}

static inline double exp2_shifted_f64(double n)
{
    return from_bits_f64((bits_f64(n) + 1023u) << 52);
}

/* The exponent as the lowest digits of 2^23, which is subtracted with the bias. */
static inline float exponent_f32(float x)
{
    return from_bits_f32(bits_f32(x) >> 23 | 0x4b000000u) - (8388608.0f + 127.0f);
}

static inline double exponent_f64(double x)
{
    return from_bits_f64(bits_f64(x) >> 52 | UINT64_C(0x4330000000000000)) -
           (4503599627370496.0 + 1023.0);
}

/* How many zeros are above the highest bit of x, which is not 0. */
static inline int leading_zeros(uint64_t x)
{
#ifdef __GNUC__
    return __builtin_clzll(x);
#else
    int zeros = 0;
    while (!(x >> 63)) {
        x <<= 1;
        ++zeros;
    }
    return zeros;
#endif
}

/* x / 2^shift, with a 1 in the last place where a bit was lost: that is all a later rounding has
 * to know of them. */
static inline uint64_t shift_right_sticky(uint64_t x, int shift)
{
    if (shift >= 64)
        return x != 0;
    return shift ? x >> shift | (x << (64 - shift) != 0) : x;
}

/* The float nearest to digits·2^exponent, ties to even, with 0 or 1 as the sign.  The digits are
 * not 0; where bits were lost, the last one is sticky. */
static inline float round_f32(uint32_t sign, uint64_t digits, int exponent)
{
    int zeros = leading_zeros(digits);
    int biased = exponent - zeros + (63 + 127); /* of a normal result */
    uint32_t high, kept, lost;
    digits <<= zeros;
    if (biased >= 255)
        return from_bits_f32(sign << 31 | 0x7f800000u);
    if (biased < 1) { /* subnormal; rounding may carry into a normal number */
        digits = shift_right_sticky(digits, 1 - biased);
        biased = 0;
    }
    high = (uint32_t)(digits >> 31); /* the implicit digit falls out */
    lost = (high & 0x1ffu) << 1 | (uint32_t)((uint32_t)(digits & 0x7fffffffu) != 0);
    kept = ((uint32_t)biased << 23) + (high >> 9);
    kept += (uint32_t)(lost > 0x200u) | ((uint32_t)(lost == 0x200u) & kept);
    return from_bits_f32(sign << 31 | kept);
}

/* a·b + c, rounded once. */
static inline float fma_f32(float a, float b, float c)
{
#if defined(__FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA) || \
    (defined(__riscv_flen) && defined(__GNUC__))
    return __builtin_fmaf(a, b, c);
#elif defined(__SSE2_MATH__) && !defined(FASTCPUACT_SOFT_FMA)
    /* The product is exact.  The sum is rounded to odd, which makes the second rounding right
     * (Boldo, Melquiond 2008); its error is after Knuth (TAOCP 4.2.2). */
    double product = (double)a * (double)b;
    double sum = product + (double)c;
    double part = sum - product;
    double error = (product - (sum - part)) + ((double)c - part);
    uint64_t bits = bits_f64(sum);
    if ((error < 0.0 || error > 0.0) && !(bits & 1u)) /* of an infinite sum it is NaN */
        bits = (error > 0.0) == (sum > 0.0) ? bits + 1u : bits - 1u;
    return (float)from_bits_f64(bits);
#else
    /* In integers: far faster than double where both are software. */
    uint32_t ua = bits_f32(a), ub = bits_f32(b), uc = bits_f32(c);
    uint32_t sign = (ua ^ ub) >> 31, sign_c = uc >> 31;
    int ea = (int)(ua >> 23 & 255u), eb = (int)(ub >> 23 & 255u), ec = (int)(uc >> 23 & 255u);
    uint64_t product, other;
    int exponent, distance;
    if (ea == 255 || eb == 255 || !(ua << 1) || !(ub << 1))
        return a * b + c; /* the product needs no rounding */
    if (ec == 255)
        return c;
    ua = (ua & 0x7fffffu) | (uint32_t)(ea != 0) << 23;
    ub = (ub & 0x7fffffu) | (uint32_t)(eb != 0) << 23;
    uc = (uc & 0x7fffffu) | (uint32_t)(ec != 0) << 23;
    /* Both terms below 2^62, so that their sum fits.  What the shorter one loses lies under the
     * last place of any result: one subnormal factor at most counts beside c. */
    product = (uint64_t)ua * ub << 14;
    other = (uint64_t)uc << 38;
    exponent = ea + !ea + eb + !eb - (2 * 150 + 14);
    distance = ec + !ec - (150 + 38) - exponent;
    if (!uc)
        return round_f32(sign, product, exponent);
    if (distance > 0) {
        product = shift_right_sticky(product, distance);
        exponent += distance;
    } else {
        other = shift_right_sticky(other, -distance);
    }
    if (sign == sign_c) {
        product += other;
    } else if (product >= other) {
        product -= other;
    } else {
        product = other - product;
        sign = sign_c;
    }
    return product ? round_f32(sign, product, exponent) : 0.0f;
#endif
}

/* The square root, rounded: digit by digit where there is no instruction for it.  A compiler calls
 * libm for negative numbers unless it is told -fno-math-errno. */
static inline float sqrt_f32(float x)
{
#if defined(__NO_MATH_ERRNO__) && \
    (defined(__SSE2_MATH__) || defined(__aarch64__) || defined(__riscv_flen) || \
     defined(__s390x__) || (defined(__ARM_FP) && (__ARM_FP & 4)))
    return __builtin_sqrtf(x);
#else
    uint32_t digits = bits_f32(x), root = 0, rest = 0;
    int exponent = (int)(digits >> 23), i;
    if (!(digits << 1) || x != x || digits == 0x7f800000u)
        return x;
    if (digits >> 31)
        return (x - x) / (x - x);
    digits &= 0x7fffffu;
    if (exponent) {
        digits |= 0x800000u;
    } else {
        for (exponent = 1; !(digits >> 23); --exponent)
            digits <<= 1;
    }
    if (!(exponent & 1)) { /* the bias is odd */
        digits <<= 1;
        --exponent;
    }
    for (i = 0; i < 25; ++i) { /* one digit more than the result has: that one rounds */
        uint32_t trial = root << 2 | 1u;
        rest = rest << 2 | (digits >> 23 & 3u);
        digits <<= 2;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1u;
        }
    }
    return from_bits_f32(((uint32_t)((exponent + 127) / 2 - 1) << 23) + ((root + 1u) >> 1));
#endif
}

/* The number high·2^64 + low over 2^shift, sticky as above. */
static inline void shift_pair_right_sticky(uint64_t *high, uint64_t *low, int shift)
{
    if (shift >= 64) {
        *low = shift_right_sticky(*high, shift - 64) | (*low != 0);
        *high = 0;
    } else if (shift) {
        *low = (*high << (64 - shift)) | shift_right_sticky(*low, shift);
        *high >>= shift;
    }
}

/* As round_f32, of (high·2^64 + low)·2^exponent. */
static inline double round_f64(uint32_t sign, uint64_t high, uint64_t low, int exponent)
{
    const uint64_t top = (uint64_t)sign << 63;
    int zeros = high ? leading_zeros(high) : 64 + leading_zeros(low);
    int biased = exponent - zeros + (127 + 1023);
    uint64_t digits, kept;
    uint32_t lost;
    if (zeros >= 64)
        digits = low << (zeros - 64);
    else
        digits = zeros ? (high << zeros) | low >> (64 - zeros) | (low << zeros != 0)
                       : high | (low != 0);
    if (biased >= 2047)
        return from_bits_f64(top | UINT64_C(0x7ff0000000000000));
    if (biased < 1) {
        digits = shift_right_sticky(digits, 1 - biased);
        biased = 0;
    }
    lost = (uint32_t)(digits & 0x7ffu);
    kept = ((uint64_t)biased << 52) + (digits << 1 >> 12);
    kept += (uint64_t)(lost > 0x400u) | ((uint64_t)(lost == 0x400u) & kept);
    return from_bits_f64(top | kept);
}

/* a·b + c, rounded once. */
static inline double fma_f64(double a, double b, double c)
{
#if defined(__FP_FAST_FMA) || defined(__FMA__) || defined(__aarch64__) || \
    (defined(__riscv_flen) && __riscv_flen >= 64 && defined(__GNUC__))
    return __builtin_fma(a, b, c);
#else
    const uint64_t fraction = (UINT64_C(1) << 52) - 1;
    uint64_t ua = bits_f64(a), ub = bits_f64(b), uc = bits_f64(c);
    uint32_t sign = (uint32_t)((ua ^ ub) >> 63), sign_c = (uint32_t)(uc >> 63);
    int ea = (int)(ua >> 52 & 2047u), eb = (int)(ub >> 52 & 2047u), ec = (int)(uc >> 52 & 2047u);
    uint64_t a1, a2, b1, b2, middle, high, low, high_c, low_c = 0;
    int exponent, distance;
    if (ea == 2047 || eb == 2047 || !(ua << 1) || !(ub << 1))
        return a * b + c; /* the product needs no rounding */
    if (ec == 2047)
        return c;
    ua = ((ua & fraction) | (uint64_t)(ea != 0) << 52) << 10;
    ub = ((ub & fraction) | (uint64_t)(eb != 0) << 52) << 10;
    uc = (uc & fraction) | (uint64_t)(ec != 0) << 52;
    /* Both terms below 2^126; see fma_f32. */
    a1 = ua >> 32;
    a2 = ua & 0xffffffffu;
    b1 = ub >> 32;
    b2 = ub & 0xffffffffu;
    low = a2 * b2;
    middle = a1 * b2 + (low >> 32);
    high = a1 * b1 + (middle >> 32);
    middle = a2 * b1 + (middle & 0xffffffffu);
    high += middle >> 32;
    low = middle << 32 | (low & 0xffffffffu);
    high_c = uc << 9;
    exponent = ea + !ea + eb + !eb - (2 * 1075 + 20);
    distance = ec + !ec - (1075 + 73) - exponent;
    if (!uc)
        return round_f64(sign, high, low, exponent);
    if (distance > 0) {
        shift_pair_right_sticky(&high, &low, distance);
        exponent += distance;
    } else {
        shift_pair_right_sticky(&high_c, &low_c, -distance);
    }
    if (sign == sign_c) {
        low += low_c;
        high += high_c + (low < low_c);
    } else if (high > high_c || (high == high_c && low >= low_c)) {
        high -= high_c + (low < low_c);
        low -= low_c;
    } else {
        high = high_c - high - (low_c < low);
        low = low_c - low;
        sign = sign_c;
    }
    return high | low ? round_f64(sign, high, low, exponent) : 0.0;
#endif
}

/* The square root, rounded; see sqrt_f32. */
static inline double sqrt_f64(double x)
{
#if defined(__NO_MATH_ERRNO__) && \
    (defined(__SSE2_MATH__) || defined(__aarch64__) || \
     (defined(__riscv_flen) && __riscv_flen >= 64) || \
     defined(__s390x__) || (defined(__ARM_FP) && (__ARM_FP & 8)))
    return __builtin_sqrt(x);
#else
    uint64_t digits = bits_f64(x), root = 0, rest = 0;
    int exponent = (int)(digits >> 52), i;
    if (!(digits << 1) || x != x || digits == UINT64_C(0x7ff0000000000000))
        return x;
    if (digits >> 63)
        return (x - x) / (x - x);
    digits &= (UINT64_C(1) << 52) - 1;
    if (exponent) {
        digits |= UINT64_C(1) << 52;
    } else {
        for (exponent = 1; !(digits >> 52); --exponent)
            digits <<= 1;
    }
    if (!(exponent & 1)) {
        digits <<= 1;
        --exponent;
    }
    for (i = 0; i < 54; ++i) {
        uint64_t trial = root << 2 | 1u;
        rest = rest << 2 | (digits >> 52 & 3u);
        digits <<= 2;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1u;
        }
    }
    return from_bits_f64(((uint64_t)((exponent + 1023) / 2 - 1) << 52) + ((root + 1u) >> 1));
#endif
}
