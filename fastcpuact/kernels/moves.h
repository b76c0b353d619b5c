/* Copies of elements of 2, 4 or 8 bytes between contiguous and strided memory, and transposes of
 * those of 4 and 8. */
#ifndef FASTCPUACT_MOVES_H
#define FASTCPUACT_MOVES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copy rows of n elements, which are so far apart within them, to contiguous ones.  Compilers
 * vectorise a stride that they know. */
#define GATHER(bits)                                                                               \
    static inline void gather_##bits(char *restrict to, ptrdiff_t to_pitch,                        \
                                     const char *restrict from, ptrdiff_t pitch, ptrdiff_t rows,   \
                                     ptrdiff_t step, ptrdiff_t n)                                  \
    {                                                                                              \
        for (; rows > 0; rows--, to += to_pitch, from += pitch) {                                  \
            uint##bits##_t *t = (uint##bits##_t *)to;                                              \
            if (step == 2 * sizeof *t)                                                             \
                for (ptrdiff_t i = 0; i < n; i++)                                                  \
                    t[i] = ((const uint##bits##_t *)from)[2 * i];                                  \
            else                                                                                   \
                for (ptrdiff_t i = 0; i < n; i++)                                                  \
                    t[i] = *(const uint##bits##_t *)(from + i * step);                             \
        }                                                                                          \
    }

/* Copy rows of n contiguous elements to those that are so far apart. */
#define SCATTER(bits)                                                                              \
    static inline void scatter_##bits(char *restrict to, ptrdiff_t to_pitch, ptrdiff_t step,       \
                                      const char *restrict from, ptrdiff_t pitch, ptrdiff_t rows,  \
                                      ptrdiff_t n)                                                 \
    {                                                                                              \
        for (; rows > 0; rows--, to += to_pitch, from += pitch) {                                  \
            const uint##bits##_t *f = (const uint##bits##_t *)from;                                \
            if (step == 2 * sizeof *f)                                                             \
                for (ptrdiff_t i = 0; i < n; i++)                                                  \
                    ((uint##bits##_t *)to)[2 * i] = f[i];                                          \
            else                                                                                   \
                for (ptrdiff_t i = 0; i < n; i++)                                                  \
                    *(uint##bits##_t *)(to + i * step) = f[i];                                     \
        }                                                                                          \
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

/* A mask of the first n lanes. */
static inline uint32_t first_lanes(ptrdiff_t n)
{
    return n <= 0 ? 0 : n < 32 ? (1u << n) - 1 : ~0u;
}

/* Every other element, between two vectors and one.  No more is touched than from the first to the
 * last. */
#define PAIRS(bits, lanes, every_other, low_half, high_half)                                       \
    __attribute__((target("avx512f")))                                                             \
    static inline void gather_pairs_##bits(char *restrict to, ptrdiff_t to_pitch,                  \
                                           const char *restrict from, ptrdiff_t pitch,             \
                                           ptrdiff_t rows, ptrdiff_t n)                            \
    {                                                                                              \
        const __m512i chosen = every_other;                                                        \
        const ptrdiff_t whole = (n - 1) / lanes, left = n - whole * lanes, span = 2 * left - 1;    \
        const uint32_t low_lanes = first_lanes(span), high_lanes = first_lanes(span - lanes);      \
        for (; rows > 0; rows--, to += to_pitch, from += pitch) {                                  \
            char *t = to;                                                                          \
            const char *f = from;                                                                  \
            for (ptrdiff_t k = whole; k > 0; k--, f += 128, t += 64) {                             \
                const __m512i low = _mm512_loadu_si512(f), high = _mm512_loadu_si512(f + 64);      \
                _mm512_storeu_si512(t, _mm512_permutex2var_epi##bits(low, chosen, high));          \
            }                                                                                      \
            const __m512i low = _mm512_maskz_loadu_epi##bits(low_lanes, f);                        \
            const __m512i high = _mm512_maskz_loadu_epi##bits(high_lanes, f + 64);                 \
            _mm512_mask_storeu_epi##bits(t, first_lanes(left),                                     \
                                         _mm512_permutex2var_epi##bits(low, chosen, high));        \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    __attribute__((target("avx512f")))                                                             \
    static inline void scatter_pairs_##bits(char *restrict to, ptrdiff_t to_pitch,                 \
                                            const char *restrict from, ptrdiff_t pitch,            \
                                            ptrdiff_t rows, ptrdiff_t n)                           \
    {                                                                                              \
        const __m512i low = low_half, high = high_half;                                            \
        const ptrdiff_t whole = (n - 1) / lanes, left = n - whole * lanes;                         \
        const uint32_t even = 0x5555 >> (16 - lanes), low_lanes = even & first_lanes(2 * left);    \
        const uint32_t high_lanes = even & first_lanes(2 * left - lanes);                          \
        for (; rows > 0; rows--, to += to_pitch, from += pitch) {                                  \
            char *t = to;                                                                          \
            const char *f = from;                                                                  \
            for (ptrdiff_t k = whole; k > 0; k--, f += 64, t += 128) {                             \
                const __m512i v = _mm512_loadu_si512(f);                                           \
                _mm512_mask_storeu_epi##bits(t, even, _mm512_permutexvar_epi##bits(low, v));       \
                _mm512_mask_storeu_epi##bits(t + 64, even, _mm512_permutexvar_epi##bits(high, v)); \
            }                                                                                      \
            const __m512i v = _mm512_maskz_loadu_epi##bits(first_lanes(left), f);                  \
            _mm512_mask_storeu_epi##bits(t, low_lanes, _mm512_permutexvar_epi##bits(low, v));      \
            _mm512_mask_storeu_epi##bits(t + 64, high_lanes, _mm512_permutexvar_epi##bits(high, v));\
        }                                                                                          \
    }

PAIRS(32, 16, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
      _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),
      _mm512_setr_epi32(8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15))
PAIRS(64, 8, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14),
      _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3),
      _mm512_setr_epi64(4, 4, 5, 5, 6, 6, 7, 7))

#undef PAIRS

#endif

/* Rows of n elements of `size` bytes; `wide` says whether the processor has AVX-512. */
static inline void gather_rows(char *to, ptrdiff_t to_pitch, const char *from, ptrdiff_t pitch,
                               ptrdiff_t rows, ptrdiff_t step, ptrdiff_t n, int size, int wide)
{
    (void)wide;
    if (step == size)
        for (; rows > 0; rows--, to += to_pitch, from += pitch)
            memcpy(to, from, n * size);
    else if (size == 2)
        gather_16(to, to_pitch, from, pitch, rows, step, n);
#if defined(__x86_64__) && defined(__GNUC__)
    else if (wide && size == 4 && step == 8 && n > 0)
        gather_pairs_32(to, to_pitch, from, pitch, rows, n);
    else if (wide && size == 8 && step == 16 && n > 0)
        gather_pairs_64(to, to_pitch, from, pitch, rows, n);
#endif
    else if (size == 4)
        gather_32(to, to_pitch, from, pitch, rows, step, n);
    else
        gather_64(to, to_pitch, from, pitch, rows, step, n);
}

static inline void scatter_rows(char *to, ptrdiff_t to_pitch, ptrdiff_t step, const char *from,
                                ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t n, int size, int wide)
{
    (void)wide;
    if (step == size)
        for (; rows > 0; rows--, to += to_pitch, from += pitch)
            memcpy(to, from, n * size);
    else if (size == 2)
        scatter_16(to, to_pitch, step, from, pitch, rows, n);
#if defined(__x86_64__) && defined(__GNUC__)
    else if (wide && size == 4 && step == 8 && n > 0)
        scatter_pairs_32(to, to_pitch, from, pitch, rows, n);
    else if (wide && size == 8 && step == 16 && n > 0)
        scatter_pairs_64(to, to_pitch, from, pitch, rows, n);
#endif
    else if (size == 4)
        scatter_32(to, to_pitch, step, from, pitch, rows, n);
    else
        scatter_64(to, to_pitch, step, from, pitch, rows, n);
}

static inline void gather(char *to, const char *from, ptrdiff_t step, ptrdiff_t n, int size,
                          int wide)
{
    gather_rows(to, 0, from, 0, 1, step, n, size, wide);
}

static inline void scatter(char *to, ptrdiff_t step, const char *from, ptrdiff_t n, int size,
                           int wide)
{
    scatter_rows(to, 0, step, from, 0, 1, n, size, wide);
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
