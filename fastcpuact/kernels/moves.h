/* Copies of elements of 2, 4 or 8 bytes between contiguous and strided memory, and transposes of
 * those of 4 and 8. */
#ifndef FASTCPUACT_MOVES_H
#define FASTCPUACT_MOVES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copy n strided elements to contiguous ones.  Compilers vectorise a stride that they know. */
#define GATHER(bits)                                                                               \
    static inline void gather_##bits(char *restrict to, const char *restrict from, ptrdiff_t step, \
                              ptrdiff_t n)                                                         \
    {                                                                                              \
        uint##bits##_t *t = (uint##bits##_t *)to;                                                  \
        if (step == 2 * sizeof *t)                                                                 \
            for (ptrdiff_t i = 0; i < n; i++)                                                      \
                t[i] = ((const uint##bits##_t *)from)[2 * i];                                      \
        else                                                                                       \
            for (ptrdiff_t i = 0; i < n; i++)                                                      \
                t[i] = *(const uint##bits##_t *)(from + i * step);                                 \
    }

/* Copy n contiguous elements to strided ones. */
#define SCATTER(bits)                                                                              \
    static inline void scatter_##bits(char *restrict to, ptrdiff_t step, const char *restrict from,\
                               ptrdiff_t n)                                                        \
    {                                                                                              \
        const uint##bits##_t *f = (const uint##bits##_t *)from;                                    \
        for (ptrdiff_t i = 0; i < n; i++)                                                          \
            *(uint##bits##_t *)(to + i * step) = f[i];                                             \
    }

GATHER(16)
GATHER(32)
GATHER(64)
SCATTER(16)
SCATTER(32)
SCATTER(64)

#undef GATHER
#undef SCATTER

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

/* Every other element: half of a vector is spread over one, and stored without what is between. */
__attribute__((target("avx512f")))
static inline void scatter_pairs_32(char *restrict to, const char *restrict from, ptrdiff_t n)
{
    const __m512i low = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    ptrdiff_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m512i v = _mm512_loadu_si512(from + 4 * i);
        _mm512_mask_storeu_epi32(to + 8 * i, 0x5555, _mm512_permutexvar_epi32(low, v));
        _mm512_mask_storeu_epi32(to + 8 * i + 64, 0x5555, _mm512_permutexvar_epi32(high, v));
    }
    scatter_32(to + 8 * i, 8, from + 4 * i, n - i);
}

__attribute__((target("avx512f")))
static inline void scatter_pairs_64(char *restrict to, const char *restrict from, ptrdiff_t n)
{
    const __m512i low = _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3);
    const __m512i high = _mm512_add_epi64(low, _mm512_set1_epi64(4));
    ptrdiff_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m512i v = _mm512_loadu_si512(from + 8 * i);
        _mm512_mask_storeu_epi64(to + 16 * i, 0x55, _mm512_permutexvar_epi64(low, v));
        _mm512_mask_storeu_epi64(to + 16 * i + 64, 0x55, _mm512_permutexvar_epi64(high, v));
    }
    scatter_64(to + 16 * i, 16, from + 8 * i, n - i);
}

#endif

static inline void gather(char *to, const char *from, ptrdiff_t step, ptrdiff_t n, int size)
{
    if (step == size)
        memcpy(to, from, n * size);
    else if (size == 2)
        gather_16(to, from, step, n);
    else if (size == 4)
        gather_32(to, from, step, n);
    else
        gather_64(to, from, step, n);
}

/* `wide` says whether the processor has AVX-512. */
static inline void scatter(char *to, ptrdiff_t step, const char *from, ptrdiff_t n, int size,
                           int wide)
{
    (void)wide;
    if (step == size)
        memcpy(to, from, n * size);
    else if (size == 2)
        scatter_16(to, step, from, n);
#if defined(__x86_64__) && defined(__GNUC__)
    else if (wide && size == 4 && step == 8)
        scatter_pairs_32(to, from, n);
    else if (wide && size == 8 && step == 16)
        scatter_pairs_64(to, from, n);
#endif
    else if (size == 4)
        scatter_32(to, step, from, n);
    else
        scatter_64(to, step, from, n);
}

/* to[r][c] = from[c][r], of matrices whose rows are `to_pitch` and `from_pitch` bytes apart, in
 * squares whose sides are a vector of 16 bytes. */
#define TRANSPOSE_EDGE(bits)                                                                       \
    static inline void transpose_edge_##bits(char *to, ptrdiff_t to_pitch, const char *from,       \
                                      ptrdiff_t from_pitch, ptrdiff_t rows, ptrdiff_t columns)     \
    {                                                                                              \
        for (ptrdiff_t c = 0; c < columns; c++)                                                    \
            for (ptrdiff_t r = 0; r < rows; r++)                                                   \
                ((uint##bits##_t *)(to + r * to_pitch))[c] =                                       \
                    ((const uint##bits##_t *)(from + c * from_pitch))[r];                          \
    }

TRANSPOSE_EDGE(32)
TRANSPOSE_EDGE(64)

#undef TRANSPOSE_EDGE

#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)

typedef uint32_t moves_4x32 __attribute__((vector_size(16)));
typedef uint64_t moves_2x64 __attribute__((vector_size(16)));

static inline void transpose_square_32(char *to, ptrdiff_t to_pitch, const char *from,
                                       ptrdiff_t from_pitch)
{
    moves_4x32 a, b, c, d, low1, low2, high1, high2;
    memcpy(&a, from, 16);
    memcpy(&b, from + from_pitch, 16);
    memcpy(&c, from + 2 * from_pitch, 16);
    memcpy(&d, from + 3 * from_pitch, 16);
    low1 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    low2 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    high1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    high2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(low1, low2, 0, 1, 4, 5);
    b = __builtin_shufflevector(low1, low2, 2, 3, 6, 7);
    c = __builtin_shufflevector(high1, high2, 0, 1, 4, 5);
    d = __builtin_shufflevector(high1, high2, 2, 3, 6, 7);
    memcpy(to, &a, 16);
    memcpy(to + to_pitch, &b, 16);
    memcpy(to + 2 * to_pitch, &c, 16);
    memcpy(to + 3 * to_pitch, &d, 16);
}

static inline void transpose_square_64(char *to, ptrdiff_t to_pitch, const char *from,
                                       ptrdiff_t from_pitch)
{
    moves_2x64 a, b, left, right;
    memcpy(&a, from, 16);
    memcpy(&b, from + from_pitch, 16);
    left = __builtin_shufflevector(a, b, 0, 2);
    right = __builtin_shufflevector(a, b, 1, 3);
    memcpy(to, &left, 16);
    memcpy(to + to_pitch, &right, 16);
}

#define TRANSPOSE(bits, side)                                                                      \
    static inline void transpose_##bits(char *to, ptrdiff_t to_pitch, const char *from,            \
                                 ptrdiff_t from_pitch, ptrdiff_t rows, ptrdiff_t columns)          \
    {                                                                                              \
        const ptrdiff_t whole_rows = rows - rows % side, whole = columns - columns % side;         \
        /* The shorter way within the longer one: lines of cache are used up at once. */           \
        for (ptrdiff_t i = 0; i < (rows < columns ? whole : whole_rows); i += side)                \
            for (ptrdiff_t j = 0; j < (rows < columns ? whole_rows : whole); j += side) {          \
                const ptrdiff_t r = rows < columns ? j : i, c = rows < columns ? i : j;            \
                transpose_square_##bits(to + r * to_pitch + c * (bits / 8), to_pitch,              \
                                        from + c * from_pitch + r * (bits / 8), from_pitch);       \
            }                                                                                      \
        transpose_edge_##bits(to + whole * (bits / 8), to_pitch, from + whole * from_pitch,        \
                              from_pitch, whole_rows, columns - whole);                            \
        transpose_edge_##bits(to + whole_rows * to_pitch, to_pitch,                                \
                              from + whole_rows * (bits / 8), from_pitch, rows - whole_rows,       \
                              columns);                                                            \
    }

TRANSPOSE(32, 4)
TRANSPOSE(64, 2)

#undef TRANSPOSE

#else
#define transpose_32 transpose_edge_32
#define transpose_64 transpose_edge_64
#endif
#endif
