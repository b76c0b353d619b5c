# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Kernels on contiguous arrays, for Cython by `cimport` and for C and C++ by the header.

They are those of the level that was chosen at import, run as the ufuncs run them: any overlap of
the arrays is allowed, and long calls are spread over the threads of the package.
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc

from ..formulas import ACTIVATIONS, GATED
from .select import KERNELS, LEVEL

from .driver cimport DTYPES, MAX_OPERANDS, Kernel, describe, run_kernel
from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state

# By activation, form, dtype and whether parameters are constants; never freed: others hold them.
_found = {}


cdef object record_of(str name):
    for registry in (ACTIVATIONS, GATED):
        canonical = registry.aliases.get(name)
        if canonical is not None:
            return registry[canonical]
    raise ValueError(f"no activation is called {name!r}")


cdef object form_of(object record, str form):
    """The form of a record by its name, and whether it is one of the fast tier."""
    fast = form.startswith("fast_")
    forms = record.forms_in(fast)
    plain = form.removeprefix("fast_")
    if plain not in forms:
        raise ValueError(f"{record.name} has no form {form!r}: it has {', '.join(forms)}")
    return forms[plain], fast


cdef const Kernel* find(str name, str form, str dtype, bint at_defaults) except NULL:
    record = record_of(name)
    chosen, fast = form_of(record, form)
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    at_defaults = at_defaults and record.defaults is not None
    place = (record.name, form, dtype, bool(at_defaults))
    if place not in _found:
        _found[place] = make(record, chosen, chosen.key(fast, at_defaults), dtype, at_defaults)
    return <const Kernel*><void*><uintptr_t>_found[place]


cdef object make(object record, object form, str key, str dtype, bint at_defaults):
    cdef Kernel* kernels = <Kernel*>malloc(DTYPES * sizeof(Kernel))
    if kernels == NULL:
        raise MemoryError
    cdef int params = 0 if at_defaults else len(record.params)
    both = [KERNELS[record.name, key, precision] for precision in ("float32", "float64")]
    try:
        describe(kernels, len(form.operands) + params, len(form.results), both[0], both[1])
    except BaseException:
        free(kernels)
        raise
    return <uintptr_t><void*>&kernels[1 if dtype == "float32" else 2]


cdef void run(
    const Kernel* kernel, void** arrays, Py_ssize_t n, const double* params, int count
) noexcept nogil:
    cdef char* data[MAX_OPERANDS]
    cdef Py_ssize_t steps[MAX_OPERANDS]
    cdef float singles[MAX_OPERANDS]
    cdef int inputs = kernel.nin - count
    cdef fpenv_state caller
    cdef int k
    for k in range(kernel.nin + kernel.nout):
        steps[k] = kernel.itemsize
        if k < inputs:
            data[k] = <char*>arrays[k]
        elif k >= kernel.nin:
            data[k] = <char*>arrays[k - count]
    caller = fpenv_enter()
    for k in range(count):
        steps[inputs + k] = 0
        if kernel.itemsize == sizeof(float):
            singles[k] = <float>params[k]
            data[inputs + k] = <char*>&singles[k]
        else:
            data[inputs + k] = <char*>&params[k]
    fpenv_leave(caller)
    run_kernel(kernel, data, n, steps)


cdef class Contiguous:
    """One form of one activation in one precision, with its parameters."""

    cdef int choose(self, str name, str form, str dtype, dict params) except -1:
        record = record_of(name)
        if unknown := params.keys() - record.params.keys():
            raise TypeError(f"{record.name} has no parameter {sorted(unknown)[0]!r}")
        values = {**record.params, **params}
        for param, value in values.items():
            if value is None:
                raise TypeError(f"{record.name} needs the parameter {param!r}")
        self.kernel = find(name, form, dtype, not params)
        self.count = 0 if not params and record.defaults is not None else len(values)
        for k, value in enumerate(values.values()):
            self.params[k] = value
        self.operands = self.kernel.nin - self.count
        self.results = self.kernel.nout
        self.name = f"{record.name}.{form}"
        return 0

    cdef int apply(
        self, int operands, int results, const void* a, const void* b, const void* c, Py_ssize_t n
    ) except -1 nogil:
        cdef void* arrays[3]
        if operands != self.operands or results != self.results:
            with gil:
                raise TypeError(
                    f"{self.name} reads {self.operands} arrays and writes {self.results}, "
                    f"not {operands} and {results}"
                )
        arrays[0], arrays[1], arrays[2] = <void*>a, <void*>b, <void*>c
        run(self.kernel, arrays, n, self.params, self.count)
        return 0

    def __repr__(self):
        return f"<{type(self).__name__} kernel of {self.name}>"


cdef class Float32(Contiguous):
    """A kernel on float32; its methods are for Cython alone."""

    def __init__(self, str name, str form="value", **params):
        self.choose(name, form, "float32", params)

    cdef int map(self, const float* x, float* y, Py_ssize_t n) except -1 nogil:
        return self.apply(1, 1, x, y, NULL, n)

    cdef int combine(
        self, const float* a, const float* b, float* y, Py_ssize_t n
    ) except -1 nogil:
        return self.apply(2, 1, a, b, y, n)

    cdef int split(self, const float* x, float* y, float* d, Py_ssize_t n) except -1 nogil:
        return self.apply(1, 2, x, y, d, n)


cdef class Float64(Contiguous):
    """A kernel on float64; its methods are for Cython alone."""

    def __init__(self, str name, str form="value", **params):
        self.choose(name, form, "float64", params)

    cdef int map(self, const double* x, double* y, Py_ssize_t n) except -1 nogil:
        return self.apply(1, 1, x, y, NULL, n)

    cdef int combine(
        self, const double* a, const double* b, double* y, Py_ssize_t n
    ) except -1 nogil:
        return self.apply(2, 1, a, b, y, n)

    cdef int split(self, const double* x, double* y, double* d, Py_ssize_t n) except -1 nogil:
        return self.apply(1, 2, x, y, d, n)


# For C and C++: see fastcpuact.h, which says the same.


cdef extern from *:
    """
    #define FASTCPUACT_NO_IMPORT
    """

cdef extern from "../include/fastcpuact.h":
    ctypedef struct fastcpuact_kernel:
        pass
    ctypedef struct fastcpuact_table:
        int version
        const char* level
        const fastcpuact_kernel* (*find)(const char*, const char*, const char*) except NULL
        int (*operands)(const fastcpuact_kernel*) noexcept
        int (*results)(const fastcpuact_kernel*) noexcept
        int (*itemsize)(const fastcpuact_kernel*) noexcept
        int (*run)(
            const fastcpuact_kernel*, void**, Py_ssize_t, const double*, int
        ) noexcept nogil
    int FASTCPUACT_VERSION
    const char* FASTCPUACT_CAPSULE


cdef const fastcpuact_kernel* c_find(
    const char* name, const char* form, const char* dtype
) except NULL:
    if name == NULL or form == NULL or dtype == NULL:
        raise TypeError("find: name, form and dtype must be strings, got NULL")
    return <const fastcpuact_kernel*>find(name.decode(), form.decode(), dtype.decode(), False)


cdef int c_operands(const fastcpuact_kernel* kernel) noexcept:
    return -1 if kernel == NULL else (<const Kernel*>kernel).nin


cdef int c_results(const fastcpuact_kernel* kernel) noexcept:
    return -1 if kernel == NULL else (<const Kernel*>kernel).nout


cdef int c_itemsize(const fastcpuact_kernel* kernel) noexcept:
    return -1 if kernel == NULL else (<const Kernel*>kernel).itemsize


cdef int c_run(
    const fastcpuact_kernel* kernel, void** arrays, Py_ssize_t n, const double* params, int count
) noexcept nogil:
    if kernel == NULL or n < 0 or count < 0 or count >= (<const Kernel*>kernel).nin:
        return -1
    run(<const Kernel*>kernel, arrays, n, params, count)
    return 0


cdef bytes level = LEVEL.encode()
cdef fastcpuact_table table
table.version = FASTCPUACT_VERSION
table.level = level
table.find = c_find
table.operands = c_operands
table.results = c_results
table.itemsize = c_itemsize
table.run = c_run
_C_API = PyCapsule_New(&table, FASTCPUACT_CAPSULE, NULL)
