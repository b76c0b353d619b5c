/* Holds the leaves that C compilers do not supply against libm: fused multiply-add and square root.
 * LEAVES is the file, COUNT how many triples of numbers to try.
 */
#include LEAVES

#include <math.h>
#include <stdio.h>

static uint64_t state = UINT64_C(88172645463325252);

/* Marsaglia's xorshift (2003). */
static uint64_t any(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Any bits; or subnormal, near 1, with few digits, or small. */
static float any_f32(void)
{
    uint32_t bits = (uint32_t)(any() >> 16), kind = (uint32_t)(any() >> 40);
    switch (kind & 7u) {
    case 0: bits &= 0x807fffffu; break;
    case 1: bits = (bits & 0x80ffffffu) | 0x3f000000u; break;
    case 2: bits &= 0xff800000u | 1u << (kind >> 3 & 31u); break;
    case 3: bits &= 0xff800007u; break;
    case 4: bits = (bits & 0x83ffffffu) | 0x30000000u; break;
    default: break;
    }
    return from_bits_f32(bits);
}

static double any_f64(void)
{
    uint64_t bits = any();
    uint32_t kind = (uint32_t)(any() >> 40);
    switch (kind & 7u) {
    case 0: bits &= UINT64_C(0x800fffffffffffff); break;
    case 1: bits = (bits & UINT64_C(0x801fffffffffffff)) | UINT64_C(0x3fe0000000000000); break;
    case 2: bits &= UINT64_C(0xfff0000000000000) | UINT64_C(1) << (kind >> 3 & 63u); break;
    case 3: bits &= UINT64_C(0xfff0000000000007); break;
    case 4: bits = (bits & UINT64_C(0x803fffffffffffff)) | UINT64_C(0x3000000000000000); break;
    default: break;
    }
    return from_bits_f64(bits);
}

static int differ_f32(float a, float b)
{
    return bits_f32(a) != bits_f32(b) && (a == a || b == b);
}

static int differ_f64(double a, double b)
{
    return bits_f64(a) != bits_f64(b) && (a == a || b == b);
}

int main(void)
{
    long k;
    for (k = 0; k < COUNT; ++k) {
        uint32_t kind = (uint32_t)(any() >> 40);
        float a = any_f32(), b = any_f32(), c = any_f32();
        double x = any_f64(), y = any_f64(), z = any_f64();
        /* The sum cancels, nearly cancels, or its terms are of like size. */
        if ((kind & 3u) == 1u) {
            c = -(a * b);
            z = -(x * y);
        } else if ((kind & 3u) == 2u) {
            c = from_bits_f32(bits_f32(a * b) ^ 0x80000000u ^ (kind >> 20));
            z = from_bits_f64(bits_f64(x * y) ^ UINT64_C(0x8000000000000000) ^ (kind >> 20));
        } else if ((kind & 3u) == 3u) {
            c = from_bits_f32(bits_f32(a * b) + ((kind >> 8 & 63u) << 23) - (32u << 23));
            z = from_bits_f64(bits_f64(x * y) + ((uint64_t)(kind >> 8 & 127u) << 52) -
                              ((uint64_t)64u << 52));
        }
        if (differ_f32(fma_f32(a, b, c), fmaf(a, b, c))) {
            printf("fma_f32 %a %a %a\n", (double)a, (double)b, (double)c);
            return 1;
        }
        if (differ_f64(fma_f64(x, y, z), fma(x, y, z))) {
            printf("fma_f64 %a %a %a\n", x, y, z);
            return 1;
        }
        if (differ_f32(sqrt_f32(a), sqrtf(a))) {
            printf("sqrt_f32 %a\n", (double)a);
            return 1;
        }
        if (differ_f64(sqrt_f64(x), sqrt(x))) {
            printf("sqrt_f64 %a\n", x);
            return 1;
        }
    }
    return 0;
}
