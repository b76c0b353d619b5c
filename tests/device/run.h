#ifndef RUN_H
#define RUN_H
#include <stddef.h>

/* Supplied by host.c or board.c. */
void put(const void *bytes, size_t n);
int main(void);

#endif
