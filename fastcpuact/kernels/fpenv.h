/* The floating-point environment around a kernel.
 *
 * Kernels run with round-to-nearest, gradual underflow and no traps, whatever the caller has set,
 * and leave the caller's state as it was.  So results do not depend on that state, and the flags
 * that the arithmetic raises on the way (an exponential that underflows where 1 is added to it)
 * are not reported as if they were the user's.
 */
#ifndef FASTCPUACT_FPENV_H
#define FASTCPUACT_FPENV_H

#if defined(__x86_64__) || defined(_M_X64)

#include <xmmintrin.h>
typedef unsigned int fpenv_state;
static inline fpenv_state fpenv_enter(void)
{
    fpenv_state saved = _mm_getcsr();
    _mm_setcsr(0x1f80); /* the state of a new process: all exceptions masked */
    return saved;
}
static inline void fpenv_leave(fpenv_state saved) { _mm_setcsr(saved); }

#elif defined(__aarch64__)

#include <stdint.h>
typedef struct { uint64_t control, status; } fpenv_state;
static inline fpenv_state fpenv_enter(void)
{
    fpenv_state saved;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(saved.control));
    __asm__ __volatile__("mrs %0, fpsr" : "=r"(saved.status));
    __asm__ __volatile__("msr fpcr, %0" : : "r"((uint64_t)0));
    return saved;
}
static inline void fpenv_leave(fpenv_state saved)
{
    __asm__ __volatile__("msr fpsr, %0" : : "r"(saved.status));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(saved.control));
}

#else

#include <fenv.h>
typedef fenv_t fpenv_state;
static inline fpenv_state fpenv_enter(void)
{
    fpenv_state saved;
    fegetenv(&saved);
    fesetenv(FE_DFL_ENV);
    return saved;
}
static inline void fpenv_leave(fpenv_state saved) { fesetenv(&saved); }

#endif
#endif
