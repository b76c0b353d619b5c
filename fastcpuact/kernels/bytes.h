/* Tables of 256 bytes applied to arrays of bytes: y[i] = table[x[i]].
 *
 * One function for each instruction set with byte shuffles; all give the same bytes. They may read
 * and write the same array, but not overlap otherwise.
 */
#ifndef FASTCPUACT_BYTES_H
#define FASTCPUACT_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

typedef void (*byte_lookup)(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n);

/* Eight lookups for each read and write of memory. */
static void bytes_scalar(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const uint8_t a = table[x[i]], b = table[x[i + 1]], c = table[x[i + 2]];
        const uint8_t d = table[x[i + 3]], e = table[x[i + 4]], f = table[x[i + 5]];
        const uint8_t g = table[x[i + 6]], h = table[x[i + 7]];
        y[i] = a, y[i + 1] = b, y[i + 2] = c, y[i + 3] = d;
        y[i + 4] = e, y[i + 5] = f, y[i + 6] = g, y[i + 7] = h;
    }
    for (; i < n; i++)
        y[i] = table[x[i]];
}

#if defined(__x86_64__)

#include <immintrin.h>

/* A shuffle knows 16 entries, so 16 of them look up a row each. They give 0 where the highest bit of
 * an index is set: two sets of indices, of which bit 4 makes one valid, let an `or` join two rows.
 * Bits 5 to 7 choose among the pairs. That is 36 operations for 32 bytes, beside the 16 shuffles
 * few, and no more on processors where a blend is two. */
__attribute__((target("avx2")))
static inline __m256i row_pair(const __m256i rows[2], __m256i even, __m256i odd)
{
    return _mm256_or_si256(_mm256_shuffle_epi8(rows[0], even), _mm256_shuffle_epi8(rows[1], odd));
}

__attribute__((target("avx2")))
static inline __m256i avx2_lookup(const __m256i rows[16], __m256i v)
{
    /* Words shift, but of their bytes only the highest bits are looked at. */
    const __m256i bit5 = _mm256_slli_epi16(v, 2), bit6 = _mm256_slli_epi16(v, 1);
    const __m256i low = _mm256_and_si256(v, _mm256_set1_epi8(0x1f));
    const __m256i even = _mm256_adds_epu8(low, _mm256_set1_epi8(0x70));
    const __m256i odd = _mm256_sub_epi8(low, _mm256_set1_epi8(0x10));
    __m256i quarter[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        quarter[k] = _mm256_blendv_epi8(row_pair(rows + 4 * k, even, odd),
                                        row_pair(rows + 4 * k + 2, even, odd), bit5);
    return _mm256_blendv_epi8(_mm256_blendv_epi8(quarter[0], quarter[1], bit6),
                              _mm256_blendv_epi8(quarter[2], quarter[3], bit6), v);
}

__attribute__((target("avx2")))
static void bytes_avx2(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
    __m256i rows[16];
    size_t i = 0;
    for (int r = 0; r < 16; r++)
        rows[r] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table + 16 * r)));
    for (; i + 32 <= n; i += 32) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(x + i));
        _mm256_storeu_si256((__m256i *)(y + i), avx2_lookup(rows, v));
    }
    bytes_scalar(table, x + i, y + i, n - i);
}

/* 128 words of two entries each are chosen by the upper bits, in two permutations of 64, and the
 * lowest bit says which half of the word it is. */
__attribute__((target("avx512f,avx512bw")))
static inline __m512i word_lookup(const __m512i words[4], __m512i index)
{
    const __m512i one = _mm512_set1_epi16(1), byte = _mm512_set1_epi16(0xff);
    const __m512i which = _mm512_srli_epi16(index, 1);
    const __mmask32 upper = _mm512_test_epi16_mask(index, _mm512_set1_epi16(0x80));
    const __m512i low = _mm512_permutex2var_epi16(words[0], which, words[1]);
    const __m512i high = _mm512_permutex2var_epi16(words[2], which, words[3]);
    const __m512i word = _mm512_mask_blend_epi16(upper, low, high);
    const __m512i shift = _mm512_slli_epi16(_mm512_and_si512(index, one), 3);
    return _mm512_and_si512(_mm512_srlv_epi16(word, shift), byte);
}

__attribute__((target("avx512f,avx512bw")))
static inline __m512i words_lookup(const __m512i words[4], __m512i v)
{
    const __m512i even = word_lookup(words, _mm512_and_si512(v, _mm512_set1_epi16(0xff)));
    const __m512i odd = word_lookup(words, _mm512_srli_epi16(v, 8));
    return _mm512_or_si512(even, _mm512_slli_epi16(odd, 8));
}

__attribute__((target("avx512f,avx512bw")))
static void bytes_avx512bw(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
    __m512i words[4];
    size_t i = 0;
    for (int k = 0; k < 4; k++)
        words[k] = _mm512_loadu_si512(table + 64 * k);
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(y + i, words_lookup(words, _mm512_loadu_si512(x + i)));
    if (i < n) {
        const __mmask64 rest = ~(uint64_t)0 >> (64 - (n - i));
        const __m512i v = _mm512_maskz_loadu_epi8(rest, x + i);
        _mm512_mask_storeu_epi8(y + i, rest, words_lookup(words, v));
    }
}

/* Two permutations of 128 entries, chosen between by the highest bit. */
__attribute__((target("avx512f,avx512bw,avx512vbmi")))
static inline __m512i vbmi_lookup(const __m512i part[4], __m512i v)
{
    const __m512i low = _mm512_permutex2var_epi8(part[0], v, part[1]);
    const __m512i high = _mm512_permutex2var_epi8(part[2], v, part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), low, high);
}

__attribute__((target("avx512f,avx512bw,avx512vbmi")))
static void bytes_vbmi(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
    __m512i part[4];
    size_t i = 0;
    for (int k = 0; k < 4; k++)
        part[k] = _mm512_loadu_si512(table + 64 * k);
    for (; i + 128 <= n; i += 128) {
        const __m512i a = vbmi_lookup(part, _mm512_loadu_si512(x + i));
        const __m512i b = vbmi_lookup(part, _mm512_loadu_si512(x + i + 64));
        _mm512_storeu_si512(y + i, a);
        _mm512_storeu_si512(y + i + 64, b);
    }
    for (; i < n; i += 64) {
        const __mmask64 rest = n - i < 64 ? ~(uint64_t)0 >> (64 - (n - i)) : ~(uint64_t)0;
        const __m512i v = _mm512_maskz_loadu_epi8(rest, x + i);
        _mm512_mask_storeu_epi8(y + i, rest, vbmi_lookup(part, v));
    }
}

static int cpu_has_vbmi(void)
{
    unsigned eax, ebx, ecx, edx;
    return cpu_level() == 4 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx >> 1 & 1);
}

#elif defined(__aarch64__)

#include <arm_neon.h>

/* Four lookups of 64 entries; one whose index is beyond leaves the result as it was. */
static void bytes_neon(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
    uint8x16x4_t part[4];
    size_t i = 0;
    for (int k = 0; k < 4; k++)
        part[k] = vld1q_u8_x4(table + 64 * k);
    for (; i + 16 <= n; i += 16) {
        const uint8x16_t v = vld1q_u8(x + i);
        uint8x16_t result = vqtbl4q_u8(part[0], v);
        result = vqtbx4q_u8(result, part[1], veorq_u8(v, vdupq_n_u8(0x40)));
        result = vqtbx4q_u8(result, part[2], veorq_u8(v, vdupq_n_u8(0x80)));
        result = vqtbx4q_u8(result, part[3], veorq_u8(v, vdupq_n_u8(0xc0)));
        vst1q_u8(y + i, result);
    }
    bytes_scalar(table, x + i, y + i, n - i);
}

#endif

/* What can be chosen here, the fastest first. */
typedef struct {
    const char *name;
    byte_lookup run;
    int level;     /* of the processor, by cpu_level */
    int available; /* set by byte_kernels */
} byte_kernel;

static byte_kernel byte_kernel_list[] = {
#if defined(__x86_64__)
    {"avx512vbmi", bytes_vbmi, 4, 0},
    {"avx512bw", bytes_avx512bw, 4, 0},
    {"avx2", bytes_avx2, 3, 0},
#elif defined(__aarch64__)
    {"neon", bytes_neon, 0, 0},
#endif
    {"scalar", bytes_scalar, 0, 0},
};

/* Say which of them this processor has; return how many there are. */
static int byte_kernels(void)
{
    const int count = (int)(sizeof byte_kernel_list / sizeof *byte_kernel_list);
    for (int k = 0; k < count; k++)
        byte_kernel_list[k].available = cpu_level() >= byte_kernel_list[k].level;
#if defined(__x86_64__)
    byte_kernel_list[0].available = cpu_has_vbmi();
#endif
    return count;
}

#endif
