/* Settings that any thread may read while another changes them: each access whole, in no order. */
#ifndef FASTCPUACT_RELAXED_H
#define FASTCPUACT_RELAXED_H

#include <stddef.h>

#if defined(__GNUC__)
#define relaxed_load(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define relaxed_store(place, value) __atomic_store_n(place, value, __ATOMIC_RELAXED)
#else
#define relaxed_load(place) (*(place))
#define relaxed_store(place, value) ((void)(*(place) = (value)))
#endif
#endif
