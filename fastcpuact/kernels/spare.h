/* Large buffers, which calls leave to the next ones: C libraries return them to the system, and to
 * get their pages anew takes longer than many a call. */
#ifndef FASTCPUACT_SPARE_H
#define FASTCPUACT_SPARE_H

#include <stdlib.h>

/* Smaller ones are kept by C libraries themselves. */
#define SPARE_LEAST (1 << 16)
#define SPARE_BYTES (1 << 19)
/* So many are kept: of that many threads at once. */
#define SPARE_COUNT 4

/* A sanitizer is to see the end of each buffer. */
#if defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
#define SPARE_KEPT(bytes) ((bytes) >= SPARE_LEAST && (bytes) <= SPARE_BYTES)

static char *spare_buffers[SPARE_COUNT];

static inline char *spare_take(size_t bytes)
{
    if (!SPARE_KEPT(bytes))
        return malloc(bytes);
    for (int k = 0; k < SPARE_COUNT; k++) {
        char *found = __atomic_exchange_n(&spare_buffers[k], NULL, __ATOMIC_ACQUIRE);
        if (found != NULL)
            return found;
    }
    return malloc(SPARE_BYTES);
}

static inline void spare_leave(char *buffer, size_t bytes)
{
    for (int k = 0; buffer != NULL && SPARE_KEPT(bytes) && k < SPARE_COUNT; k++) {
        char *none = NULL;
        if (__atomic_compare_exchange_n(&spare_buffers[k], &none, buffer, 0, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return;
    }
    free(buffer);
}

#else
#define spare_take(bytes) ((char *)malloc(bytes))
#define spare_leave(buffer, bytes) free(buffer)
#endif
#endif
