/* Results go to standard output. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>

void put(const void *bytes, size_t n)
{
    if (fwrite(bytes, 1, n, stdout) != n)
        exit(4);
}
