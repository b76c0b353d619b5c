/* Calls the pool from many threads at once and counts how often each part runs.
 *
 * Arguments: calling threads, calls of each.  Built with -fsanitize=thread it also shows whether
 * every access is ordered.  Exits with 1 where a part did not run exactly once. */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_PARTS = 64 };

typedef struct {
    int runs[MOST_PARTS]; /* plain: ordered by the pool, or a race */
    int parts;
} Call;

static int calls;
static int wrong, alone; /* by the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void job(void *data, int part, int parts)
{
    Call *call = data;
    volatile double work = part;
    for (int k = 0; k < 200 * (part % 3); k++)
        work = work * 0.5 + 1;
    if (parts == call->parts)
        call->runs[part]++;
}

static void *caller(void *seed)
{
    unsigned state = (unsigned)(size_t)seed;
    for (int k = 0; k < calls; k++) {
        Call call = {{0}, 0};
        int bad = 0, ran;
        state = state * 1664525u + 1013904223u;
        call.parts = 1 + (int)(state >> 16) % MOST_PARTS;
        ran = pool_run(job, &call, call.parts, 2 + (int)(state >> 24) % 6);
        for (int part = 0; part < call.parts; part++)
            bad += call.runs[part] != ran;
        pthread_mutex_lock(&lock);
        wrong += bad;
        alone += !ran;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[256];
    int count = argc == 3 ? atoi(argv[1]) : 0;
    if (count < 1 || count > 256)
        return 2;
    calls = atoi(argv[2]);
    for (int k = 0; k < count; k++)
        if (pthread_create(&threads[k], NULL, caller, (void *)(size_t)k) != 0)
            return 2;
    for (int k = 0; k < count; k++)
        pthread_join(threads[k], NULL);
    printf("%d %d\n", wrong, alone);
    return wrong != 0;
}
