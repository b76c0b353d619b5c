/* The highest x86-64 micro-architecture level that the processor and the operating system offer:
 * 2, 3 or 4 after the x86-64 psABI; 0 on other architectures. */
#ifndef FASTCPUACT_CPU_H
#define FASTCPUACT_CPU_H

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdint.h>

static int cpu_level(void)
{
    unsigned eax, ebx, ecx, edx, ecx1, ebx7 = 0, ecx8 = 0, xcr0 = 0;
    const unsigned osxsave = 1u << 27;
    /* FMA, MOVBE, AVX, F16C | BMI1, AVX2, BMI2 | LZCNT */
    const unsigned v3_1 = 1u << 12 | 1u << 22 | 1u << 28 | 1u << 29;
    const unsigned v3_7 = 1u << 3 | 1u << 5 | 1u << 8, v3_8 = 1u << 5;
    /* AVX512F, DQ, CD, BW, VL */
    const unsigned v4_7 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;

    if (!__get_cpuid(1, &eax, &ebx, &ecx1, &edx))
        return 2;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        ebx7 = ebx;
    if (__get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx))
        ecx8 = ecx;
    if (ecx1 & osxsave) {
        unsigned high;
        __asm__ __volatile__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    }
    /* The system saves SSE and AVX state; for AVX-512 also masks and the upper registers. */
    if ((xcr0 & 0x06) != 0x06 || (ecx1 & v3_1) != v3_1 || (ebx7 & v3_7) != v3_7 ||
        (ecx8 & v3_8) != v3_8)
        return 2;
    if ((xcr0 & 0xe6) != 0xe6 || (ebx7 & v4_7) != v4_7)
        return 3;
    return 4;
}

#else
static int cpu_level(void) { return 0; }
#endif
#endif
