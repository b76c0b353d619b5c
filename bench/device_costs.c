/* Counts the instructions of an array function: on an emulator that executes one a nanosecond, by the
 * 25 MHz of its system timer.
 *
 * HEADER and INPUTS are files, the latter with the array `inputs` of COUNT numbers; CALL is the
 * function, OUTPUT the type of its results.
 */
#include HEADER
#include INPUTS

#include "run.h"

#include <stdint.h>

/* The system timer (Armv7-M Architecture Reference Manual, B3.3); it counts down. */
#define CONTROL (*(volatile uint32_t *)0xe000e010)
#define RELOAD (*(volatile uint32_t *)0xe000e014)
#define CURRENT (*(volatile uint32_t *)0xe000e018)

static OUTPUT results[COUNT];

int main(void)
{
    uint32_t start, ticks;
    RELOAD = 0xffffff;
    CURRENT = 0;
    CONTROL = 5; /* on, by the clock of the processor, without interrupts */
    start = CURRENT;
    CALL(inputs, results, COUNT);
    ticks = (start - CURRENT) & 0xffffff;
    put(&ticks, sizeof ticks);
    put(results, sizeof results);
    return 0;
}
