# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The block driver: runs contiguous kernels on operands of any stride, and makes the ufuncs.

An operand that is not contiguous, a parameter that is one number for all elements, an output
that lies on an input, and every operand in float16 pass through a small buffer, a block at a time.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
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
    elif itemsize == 2:
        for i in range(n):
            (<uint16_t*>to)[i] = (<const uint16_t*>(source + i * step))[0]
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
    elif itemsize == 2:
        for i in range(n):
            (<uint16_t*>(to + i * step))[0] = (<const uint16_t*>source)[i]
    elif itemsize == 4:
        for i in range(n):
            (<uint32_t*>(to + i * step))[0] = (<const uint32_t*>source)[i]
    else:
        for i in range(n):
            (<uint64_t*>(to + i * step))[0] = (<const uint64_t*>source)[i]


# Between float16 and float32, of the level that runs.
cdef kernel_function widen = NULL
cdef kernel_function narrow = NULL


def set_half_conversions(uintptr_t widen_address, uintptr_t narrow_address):
    """Use a level's conversions, given by their addresses."""
    global widen, narrow
    widen = <kernel_function><void*>widen_address
    narrow = <kernel_function><void*>narrow_address


cdef void load(
    const Kernel* kernel, char* to, const char* source, Py_ssize_t step, Py_ssize_t n
) noexcept nogil:
    """Bring at most a block of an input into a buffer, in the type that the kernel computes in."""
    cdef uint16_t[BLOCK] halves
    cdef char* arrays[2]
    if not kernel.half:
        gather(to, source, step, n, kernel.itemsize)
        return
    arrays[0], arrays[1] = <char*>source, to
    if step != kernel.itemsize:
        gather(<char*>halves, source, step, n, kernel.itemsize)
        arrays[0] = <char*>halves
    widen(arrays, n)


cdef void store(
    const Kernel* kernel, char* to, Py_ssize_t step, const char* source, Py_ssize_t n
) noexcept nogil:
    """Take at most a block of an output from its buffer to where it belongs."""
    cdef uint16_t[BLOCK] halves
    cdef char* arrays[2]
    if not kernel.half:
        scatter(to, step, source, n, kernel.itemsize)
        return
    arrays[0], arrays[1] = <char*>source, to
    if step == kernel.itemsize:
        narrow(arrays, n)
        return
    arrays[1] = <char*>halves
    narrow(arrays, n)
    scatter(to, step, <const char*>halves, n, kernel.itemsize)


cdef inline bint apart(
    const char* a, Py_ssize_t step_a, const char* b, Py_ssize_t step_b, Py_ssize_t n, int size
) noexcept nogil:
    """Whether two strided operands of n elements have no byte in common."""
    cdef Py_ssize_t gap
    cdef const char* low_a = a if step_a >= 0 else a + (n - 1) * step_a
    cdef const char* low_b = b if step_b >= 0 else b + (n - 1) * step_b
    cdef Py_ssize_t length_a = (n - 1) * (step_a if step_a >= 0 else -step_a) + size
    cdef Py_ssize_t length_b = (n - 1) * (step_b if step_b >= 0 else -step_b) + size
    if low_a + length_a <= low_b or low_b + length_b <= low_a:
        return True
    if step_a != step_b or step_a == 0:
        return False
    # Columns of one table: the elements of one lie between those of the other.
    step_a = step_a if step_a >= 0 else -step_a
    gap = (low_a - low_b if low_a >= low_b else low_b - low_a) % step_a
    return size <= gap <= step_a - size


cdef void run_kernel(
    const Kernel* kernel, char** args, Py_ssize_t n, const Py_ssize_t* steps
) noexcept nogil:
    """Run a kernel on n elements, as if on one after the other, whatever overlaps what."""
    cdef fpenv_state caller
    cdef int count = kernel.nin + kernel.nout
    cdef int size = kernel.itemsize
    cdef bint buffered[MAX_OPERANDS]
    cdef bint any_buffered = False
    cdef bint one_by_one = False
    cdef char memory[MAX_OPERANDS * BLOCK * 8]
    cdef char* block[MAX_OPERANDS]
    cdef Py_ssize_t start, length, most
    cdef int k, j
    if n <= 0:
        return
    for k in range(count):
        # One element has no stride to speak of, whatever NumPy passes.
        buffered[k] = kernel.half or (steps[k] != size and n > 1)
        if k >= kernel.nin:
            one_by_one = one_by_one or (steps[k] == 0 and n > 1)
            for j in range(kernel.nin):
                if apart(args[k], steps[k], args[j], steps[j], n, size):
                    continue
                # An output that does not run ahead of the input waits in a buffer for its block.
                buffered[k] = True
                if steps[k] != steps[j] or (args[k] - args[j]) * (1 if steps[j] > 0 else -1) > 0:
                    one_by_one = True
        any_buffered = any_buffered or buffered[k]
    if one_by_one:  # reduce, accumulate: each element needs the one before
        any_buffered = True
        for k in range(count):
            buffered[k] = True
    caller = fpenv_enter()
    if not any_buffered:
        kernel.run(args, n)
    else:
        for k in range(count):
            if buffered[k]:
                block[k] = memory + k * BLOCK * 8
                if k < kernel.nin and steps[k] == 0:
                    load(kernel, block[k], args[k], 0, n if n < BLOCK else BLOCK)
        most = 1 if one_by_one else BLOCK
        start = 0
        while start < n:
            length = n - start if n - start < most else most
            for k in range(count):
                if not buffered[k]:
                    block[k] = args[k] + start * size
                elif k < kernel.nin and (steps[k] != 0 or one_by_one):
                    load(kernel, block[k], args[k] + start * steps[k], steps[k], length)
            kernel.run(block, length)
            for k in range(kernel.nin, count):
                if buffered[k]:
                    store(kernel, args[k] + start * steps[k], steps[k], block[k], length)
            start += most
    fpenv_leave(caller)


cdef void ufunc_loop(
    char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data
) noexcept nogil:
    run_kernel(<const Kernel*>data, args, dimensions[0], <const Py_ssize_t*>steps)


cdef int describe(
    Kernel* kernels, int nin, int nout, uintptr_t float32, uintptr_t float64
) except -1:
    """Fill in the float16, float32 and float64 kernels of a form."""
    if nin + nout > MAX_OPERANDS:
        raise ValueError(f"{nin + nout} operands; the block driver takes {MAX_OPERANDS}")
    for k in range(DTYPES):
        kernels[k].run = <kernel_function><void*>(float64 if k == 2 else float32)
        kernels[k].nin = nin
        kernels[k].nout = nout
        kernels[k].itemsize = 2 << k
        kernels[k].half = k == 0
    return 0


# NumPy keeps pointers to what a ufunc is made of for as long as the ufunc lives.
_alive = []


def make_ufunc(str name, str doc, int nin, int nout, uintptr_t float32, uintptr_t float64):
    """Make the NumPy ufunc of two kernels, given by their addresses."""
    cdef int nargs = nin + nout
    cdef Kernel* kernels = <Kernel*>malloc(DTYPES * sizeof(Kernel))
    cdef void** data = <void**>malloc(DTYPES * sizeof(void*))
    cdef cnp.PyUFuncGenericFunction* loops = <cnp.PyUFuncGenericFunction*>malloc(
        DTYPES * sizeof(cnp.PyUFuncGenericFunction)
    )
    cdef char* types = <char*>malloc(DTYPES * nargs)
    cdef int k
    if kernels == NULL or data == NULL or loops == NULL or types == NULL:
        free(kernels)
        free(data)
        free(loops)
        free(types)
        raise MemoryError
    describe(kernels, nin, nout, float32, float64)
    for k in range(DTYPES):
        data[k] = &kernels[k]
        loops[k] = <cnp.PyUFuncGenericFunction>ufunc_loop
    for k in range(nargs):
        types[k] = cnp.NPY_FLOAT16
        types[nargs + k] = cnp.NPY_FLOAT32
        types[2 * nargs + k] = cnp.NPY_FLOAT64
    texts = (name.encode(), doc.encode())
    _alive.append(texts)
    return cnp.PyUFunc_FromFuncAndData(
        loops, data, types, DTYPES, nin, nout, cnp.PyUFunc_None, texts[0], texts[1], 0
    )
