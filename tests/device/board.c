/* Start-up code of a Cortex-M without any library, and its ways out: semihosting calls to the
 * emulator (Arm IHI 0100).  Results go to the file that is called by the macro RESULTS.
 */
#include "run.h"

#include <stdint.h>

enum { SYS_OPEN = 1, SYS_WRITE = 5, SYS_EXIT_EXTENDED = 0x20 };

static int semihost(int operation, const uintptr_t *arguments)
{
    register int r0 __asm__("r0") = operation;
    register const uintptr_t *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(int status)
{
    uintptr_t arguments[2] = {0x20026, (uintptr_t)status}; /* ADP_Stopped_ApplicationExit */
    semihost(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

void put(const void *bytes, size_t n)
{
    static const char name[] = RESULTS;
    static int file = -1;
    if (file < 0) {
        uintptr_t arguments[3] = {(uintptr_t)name, 5 /* wb */, sizeof name - 1};
        file = semihost(SYS_OPEN, arguments);
    }
    {
        uintptr_t arguments[3] = {(uintptr_t)file, (uintptr_t)bytes, n};
        if (file < 0 || semihost(SYS_WRITE, arguments) != 0)
            leave(4);
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
void reset(void);

/* What compilers may call even without a library. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    while (n--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    unsigned char *t = to;
    while (n--)
        *t++ = (unsigned char)byte;
    return to;
}

void reset(void)
{
#ifdef __ARM_FP
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: the floating-point unit is on */
    __asm__ volatile("dsb\n\tisb");
#endif
    leave(main());
}

static void fault(void)
{
    leave(5);
}

extern uint32_t stack_top[];

/* Initial stack pointer, reset, NMI, hard fault and the other faults. */
typedef union { uint32_t *pointer; void (*handler)(void); } vector;
__attribute__((section(".vectors"), used)) static const vector vectors[] = {
    {.pointer = stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},     {.handler = fault}, {.handler = fault},
};
