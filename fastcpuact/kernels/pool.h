/* A small pool of threads for long calls.
 *
 * The work is split into parts whose bounds do not depend on who runs them, so the bits of a result
 * do not depend on the number of threads.  The caller takes parts as the workers do: a worker that
 * could not be started, or that wakes late, costs time but never a result.
 *
 * Workers are started by the first call that needs them and end when they have been idle for a
 * while.  The child of a fork starts anew.  Whoever finds the pool busy works alone: nobody waits,
 * and no call inside a call can block.
 */
#ifndef FASTCPUACT_POOL_H
#define FASTCPUACT_POOL_H

typedef void (*pool_job)(void *data, int part, int parts);

#if defined(_WIN32)

static inline int pool_run(pool_job job, void *data, int parts, int threads)
{
    (void)job, (void)data, (void)parts, (void)threads;
    return 0;
}

#else

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* musl's default stack is 128 KiB; a part needs one block of every operand. */
#define POOL_STACK (512 * 1024)
/* Who waits looks out for so long before it sleeps: to wake a thread takes as long as much of the work
 * that is worth sharing, and one call often follows another. */
#ifndef POOL_SPIN_NS
#define POOL_SPIN_NS 200000
#endif
/* After so many seconds without work a worker ends, so that a process that forks later has one
 * thread again. */
#define POOL_IDLE 1

static struct {
    pthread_mutex_t busy; /* held by the one call that uses the pool */
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t wake, done;
    pool_job job;
    void *data;
    int parts, next, finished, workers;
    int open;  /* for how many workers there is room in this call */
    int calls; /* counts them */
} pool = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
    PTHREAD_COND_INITIALIZER, NULL, NULL, 0, 0, 0, 0, 0, 0,
};

/* Let go of the lock until a number is another one, or for a while. */
static void pool_spin(const int *number, int known)
{
    struct timespec start, now;
    long passed = 0;
    pthread_mutex_unlock(&pool.lock);
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (passed < POOL_SPIN_NS && __atomic_load_n(number, __ATOMIC_RELAXED) == known) {
        for (int k = 0; k < 16; k++) {
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ __volatile__("isb");
#endif
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        passed = (now.tv_sec - start.tv_sec) * 1000000000L + (now.tv_nsec - start.tv_nsec);
    }
    pthread_mutex_lock(&pool.lock);
}

/* In the child of a fork there is one thread: no lock is held and no worker lives. */
static void pool_forget(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    memcpy(&pool.busy, &mutex, sizeof mutex);
    memcpy(&pool.lock, &mutex, sizeof mutex);
    memcpy(&pool.wake, &cond, sizeof cond);
    memcpy(&pool.done, &cond, sizeof cond);
    pool.parts = pool.next = pool.finished = pool.workers = pool.open = 0;
}

/* Take parts until none is left.  The lock is held on entry and on return. */
static void pool_take_parts(void)
{
    while (pool.next < pool.parts) {
        int part = pool.next++;
        pthread_mutex_unlock(&pool.lock);
        pool.job(pool.data, part, pool.parts);
        pthread_mutex_lock(&pool.lock);
        __atomic_store_n(&pool.finished, pool.finished + 1, __ATOMIC_RELAXED);
        if (pool.finished == pool.parts)
            pthread_cond_signal(&pool.done);
    }
}

static void *pool_worker(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        struct timespec until;
        int late = 0;
        if (pool.open > 0) {
            pool.open--;
            pool_take_parts();
        }
        pool_spin(&pool.calls, pool.calls);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += POOL_IDLE;
        while (pool.open == 0 && !late)
            late = pthread_cond_timedwait(&pool.wake, &pool.lock, &until) == ETIMEDOUT;
        if (late && pool.open == 0)
            break;
    }
    pool.workers--;
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* Start what is missing of so many workers; a container may allow fewer.  The lock is held. */
static void pool_start(int workers)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pool.workers >= workers || pthread_attr_init(&attributes) != 0)
        return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, POOL_STACK);
    /* Signals are for the threads of the program. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.workers < workers) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, pool_worker, NULL) != 0)
            break;
        pool.workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* Run all parts of a job on at most so many threads, the caller's among them.  Returns 0, and has
 * done nothing, where the pool is busy. */
static int pool_run(pool_job job, void *data, int parts, int threads)
{
    static int watches_forks = 0;
    if (pthread_mutex_trylock(&pool.busy) != 0)
        return 0;
    if (!watches_forks) {
        watches_forks = 1;
        pthread_atfork(NULL, NULL, pool_forget);
    }
    pthread_mutex_lock(&pool.lock);
    pool_start(threads - 1);
    pool.job = job;
    pool.data = data;
    pool.finished = 0;
    pool.next = 0;
    pool.parts = parts;
    pool.open = threads - 1;
    __atomic_store_n(&pool.calls, pool.calls + 1, __ATOMIC_RELAXED);
    for (int k = 1; k < threads; k++)
        pthread_cond_signal(&pool.wake);
    pool_take_parts();
    while (pool.finished < pool.parts) {
        int known = pool.finished;
        pool_spin(&pool.finished, known);
        if (pool.finished == known)
            pthread_cond_wait(&pool.done, &pool.lock);
    }
    pool.open = 0;
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.busy);
    return 1;
}

#endif
#endif
