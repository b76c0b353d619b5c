/* Computes with an exported header and writes the bytes of all results.
 *
 * HEADER, INPUT and OUTPUT are its file and types, CALLS its functions of arrays, as CALL(name)…,
 * SELFTEST calls its self-test.  Floats of COUNT bit patterns as those of the self-test, all integers.
 */
#include HEADER

#include "run.h"

#define BLOCK 4096

static INPUT x[BLOCK];
static OUTPUT y[BLOCK];

#ifdef PATTERN /* the unsigned type of the bits */
static const PATTERN special[] = {SPECIAL};

static INPUT input(long k)
{
    union { PATTERN bits; INPUT number; } u;
    u.bits = (PATTERN)((PATTERN)k * GOLDEN);
    if (k < (long)(sizeof special / sizeof *special))
        u.bits = special[k];
    else if (k % 4 == 1)
        u.bits = (u.bits & KEEP) | SMALL;
    else if (k % 4 == 3)
        u.bits = (u.bits & KEEP) | LARGE;
    return u.number;
}
#else
static INPUT input(long k)
{
    return (INPUT)(k + FIRST);
}
#endif

typedef void function(const INPUT *, OUTPUT *, size_t);

static void run(function *compute)
{
    long start, k;
    for (start = 0; start < COUNT; start += BLOCK) {
        long n = COUNT - start < BLOCK ? COUNT - start : BLOCK;
        for (k = 0; k < n; ++k)
            x[k] = input(start + k);
        compute(x, y, (size_t)n);
        put(y, (size_t)n * sizeof(OUTPUT));
    }
}

int main(void)
{
#define CALL(name) run(name);
    CALLS
    return SELFTEST ? 0 : 3;
}
