# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The block driver: runs contiguous kernels on operands of any stride, and makes the ufuncs.

An operand that is not contiguous, a parameter that is one number for all elements, and an output
that lies on an input pass through a small buffer, a block at a time.
"""

from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy

cimport numpy as cnp

cnp.import_array()
cnp.import_umath()

cdef extern from "fpenv.h" nogil:
    ctypedef struct fpenv_state:
        pass
    fpenv_state fpenv_enter()
    void fpenv_leave(fpenv_state)

cdef extern from "cpu.h" nogil:
    int c_cpu_level "cpu_level"()


cdef enum:
    # Elements in a block: 4 operands of 8 bytes stay within half of a 32 KiB first-level cache.
    BLOCK = 512


def cpu_level():
    """Return the x86-64 level of this processor (2, 3 or 4), or 0 on other architectures."""
    return c_cpu_level()


cdef void gather(
    char* to, const char* source, Py_ssize_t step, Py_ssize_t n, int itemsize
) noexcept nogil:
    """Copy n strided elements to a contiguous buffer."""
    cdef Py_ssize_t i
    if step == itemsize:
        memcpy(to, source, n * itemsize)
    elif itemsize == 4:
        for i in range(n):
            (<uint32_t*>to)[i] = (<const uint32_t*>(source + i * step))[0]
    else:
        for i in range(n):
            (<uint64_t*>to)[i] = (<const uint64_t*>(source + i * step))[0]


cdef void scatter(
    char* to, Py_ssize_t step, const char* source, Py_ssize_t n, int itemsize
) noexcept nogil:
    """Copy a contiguous buffer to n strided elements."""
    cdef Py_ssize_t i
    if step == itemsize:
        memcpy(to, source, n * itemsize)
    elif itemsize == 4:
        for i in range(n):
            (<uint32_t*>(to + i * step))[0] = (<const uint32_t*>source)[i]
    else:
        for i in range(n):
            (<uint64_t*>(to + i * step))[0] = (<const uint64_t*>source)[i]


cdef void run_kernel(
    const Kernel* kernel, char** args, Py_ssize_t n, const Py_ssize_t* steps
) noexcept nogil:
    """Run a kernel on n elements; an output may be exactly an input, and not overlap it else."""
    cdef fpenv_state caller
    cdef int count = kernel.nin + kernel.nout
    cdef int size = kernel.itemsize
    cdef bint buffered[MAX_OPERANDS]
    cdef bint any_buffered = False
    cdef char memory[MAX_OPERANDS * BLOCK * 8]
    cdef char* block[MAX_OPERANDS]
    cdef Py_ssize_t start, length
    cdef int k, j
    if n <= 0:
        return
    for k in range(count):
        # One element has no stride to speak of, whatever NumPy passes.
        buffered[k] = steps[k] != size and n > 1
        if k >= kernel.nin:
            for j in range(kernel.nin):
                buffered[k] = buffered[k] or args[k] == args[j]
        any_buffered = any_buffered or buffered[k]
    caller = fpenv_enter()
    if not any_buffered:
        kernel.run(args, n)
    else:
        for k in range(count):
            if buffered[k]:
                block[k] = memory + k * BLOCK * 8
                if k < kernel.nin and steps[k] == 0:
                    gather(block[k], args[k], 0, n if n < BLOCK else BLOCK, size)
        start = 0
        while start < n:
            length = n - start if n - start < BLOCK else BLOCK
            for k in range(count):
                if not buffered[k]:
                    block[k] = args[k] + start * size
                elif k < kernel.nin and steps[k] != 0:
                    gather(block[k], args[k] + start * steps[k], steps[k], length, size)
            kernel.run(block, length)
            for k in range(kernel.nin, count):
                if buffered[k]:
                    scatter(args[k] + start * steps[k], steps[k], block[k], length, size)
            start += BLOCK
    fpenv_leave(caller)


cdef void ufunc_loop(
    char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data
) noexcept nogil:
    run_kernel(<const Kernel*>data, args, dimensions[0], <const Py_ssize_t*>steps)


# NumPy keeps pointers to what a ufunc is made of for as long as the ufunc lives.
_alive = []


def make_ufunc(str name, str doc, int nin, int nout, uintptr_t float32, uintptr_t float64):
    """Make the NumPy ufunc of two kernels, given by their addresses."""
    cdef int nargs = nin + nout
    cdef Kernel* kernels = <Kernel*>malloc(2 * sizeof(Kernel))
    cdef void** data = <void**>malloc(2 * sizeof(void*))
    cdef cnp.PyUFuncGenericFunction* loops = <cnp.PyUFuncGenericFunction*>malloc(
        2 * sizeof(cnp.PyUFuncGenericFunction)
    )
    cdef char* types = <char*>malloc(2 * nargs)
    cdef int k
    if nargs > MAX_OPERANDS:
        raise ValueError(f"{name} has {nargs} operands; the block driver takes {MAX_OPERANDS}")
    if kernels == NULL or data == NULL or loops == NULL or types == NULL:
        raise MemoryError
    for k in range(2):
        kernels[k].run = <kernel_function><void*>(float32 if k == 0 else float64)
        kernels[k].nin = nin
        kernels[k].nout = nout
        kernels[k].itemsize = 4 if k == 0 else 8
        data[k] = &kernels[k]
        loops[k] = <cnp.PyUFuncGenericFunction>ufunc_loop
    for k in range(nargs):
        types[k] = cnp.NPY_FLOAT32
        types[nargs + k] = cnp.NPY_FLOAT64
    texts = (name.encode(), doc.encode())
    _alive.append(texts)
    return cnp.PyUFunc_FromFuncAndData(
        loops, data, types, 2, nin, nout, cnp.PyUFunc_None, texts[0], texts[1], 0
    )
