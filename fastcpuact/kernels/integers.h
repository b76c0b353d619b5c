/* Integer kernels on arrays of codes: the 16-bit tables and softmax, as a device computes them. */
#ifndef FASTCPUACT_INTEGERS_H
#define FASTCPUACT_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

/* Entries of every 128th code, and the straight lines between them. */
static void interpolate_int16(const int16_t *table, const int16_t *x, int16_t *y, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const int32_t v = x[k], i = 256 + (v >> 7), r = v & 127;
        const int32_t base = table[i], slope = table[i + 1] - base;
        y[k] = (int16_t)(base + ((slope * r + 64) >> 7));
    }
}

/* The fields of fastcpuact.edge.compact16.Cubics. */
typedef struct {
    int32_t width, start, stop, origin, reflected, centre, low, high, guard;
    int32_t shifts[3];
    const int32_t *constant;
    const int16_t *linear, *quadratic, *cubic;
} cubics;

/* Every piece is evaluated, also in the place of a constant result: choices are cheaper than branches
 * that codes in no order take. */
static void evaluate_cubics(const cubics *data, const int16_t *x, int16_t *y, size_t n)
{
    const int32_t half = 1 << (data->width - 1), rounding = (1 << data->guard) >> 1;
    const int32_t last = ((data->stop - data->start) >> data->width) - 1;
    for (size_t k = 0; k < n; k++) {
        const int32_t v = x[k] - data->origin, sign = data->reflected ? v >> 31 : 0;
        const int32_t u = (v ^ sign) - sign;
        const int32_t inside = u < data->start ? data->start : u >= data->stop ? data->stop - 1 : u;
        const int32_t piece = (inside - data->start) >> data->width, i = piece > last ? last : piece;
        const int32_t t = inside - data->start - (i << data->width) - half;
        int32_t p = data->cubic[i];
        p = data->quadratic[i] + ((p * t) >> data->shifts[0]);
        p = data->linear[i] + ((p * t) >> data->shifts[1]);
        p = (data->constant[i] + ((p * t) >> data->shifts[2]) + rounding) >> data->guard;
        p = u < data->start ? data->low : u >= data->stop ? data->high : p;
        p = data->centre + ((p ^ sign) - sign);
        y[k] = (int16_t)(p < INT16_MIN ? INT16_MIN : p > INT16_MAX ? INT16_MAX : p);
    }
}

/* The fields of fastcpuact.edge.integer_softmax.IntegerSoftmax. */
typedef struct {
    const uint32_t *high, *low;
    int32_t split;
    uint32_t multiplier;
    int32_t exponent, zero_point, highest;
} softmax_data;

typedef void (*softmax_row)(const softmax_data *data, const void *x, void *y, size_t n);

/* exp of a distance from the largest code, in units of 2^-31. */
static inline uint32_t exp_of(const softmax_data *data, int32_t distance)
{
    const uint64_t high = data->high[distance >> data->split];
    const uint64_t low = data->low[distance & ((1 << data->split) - 1)];
    return (uint32_t)((high * low + ((uint64_t)1 << 30)) >> 31);
}

/* The reciprocal of a sum over the scale of the output, as 32 bits to multiply with, and by how many
 * bits the product is shifted. */
static inline uint64_t reciprocal(const softmax_data *data, uint64_t sum, int32_t *shift)
{
    const uint64_t all = ~(uint64_t)0;
    int32_t bits = 32;
    while (sum >> bits > 0 && bits < 63)
        bits++;
    *shift = bits + data->exponent - 1;
    return ((all >> 1) / (sum >> (bits - 32)) * data->multiplier + (1u << 31)) >> 32;
}

#define SOFTMAX_ROW(NAME, INPUT, OUTPUT)                                                            \
    static void NAME(const softmax_data *data, const void *input, void *output, size_t n)          \
    {                                                                                              \
        const INPUT *x = (const INPUT *)input;                                                     \
        OUTPUT *y = (OUTPUT *)output;                                                              \
        int32_t largest = x[0], shift;                                                             \
        uint64_t sum = 0, factor;                                                                  \
        for (size_t k = 1; k < n; k++)                                                             \
            largest = x[k] > largest ? x[k] : largest;                                             \
        for (size_t k = 0; k < n; k++)                                                             \
            sum += exp_of(data, largest - x[k]);                                                   \
        factor = reciprocal(data, sum, &shift);                                                    \
        for (size_t k = 0; k < n; k++) {                                                           \
            const uint64_t product = exp_of(data, largest - x[k]) * factor;                        \
            const uint64_t rounded =                                                               \
                shift > 63 ? 0 : (product + ((uint64_t)1 << (shift - 1))) >> shift;                \
            const int64_t code = (int64_t)rounded + data->zero_point;                              \
            y[k] = (OUTPUT)(code > data->highest ? data->highest : code);                          \
        }                                                                                          \
    }

SOFTMAX_ROW(softmax_i8_i8, int8_t, int8_t)
SOFTMAX_ROW(softmax_i8_u8, int8_t, uint8_t)
SOFTMAX_ROW(softmax_i8_i16, int8_t, int16_t)
SOFTMAX_ROW(softmax_u8_i8, uint8_t, int8_t)
SOFTMAX_ROW(softmax_u8_u8, uint8_t, uint8_t)
SOFTMAX_ROW(softmax_u8_i16, uint8_t, int16_t)
SOFTMAX_ROW(softmax_i16_i8, int16_t, int8_t)
SOFTMAX_ROW(softmax_i16_u8, int16_t, uint8_t)
SOFTMAX_ROW(softmax_i16_i16, int16_t, int16_t)

#undef SOFTMAX_ROW

#endif
