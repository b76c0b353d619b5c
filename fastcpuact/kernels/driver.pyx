# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The block driver: runs contiguous kernels on operands of any stride, and makes the ufuncs.

An operand that is not contiguous, an output that lies on an input, and every operand in float16
pass through a small buffer, a block at a time.  So do parameters that are one number for all
elements, unless all are and the kernel has a loop for that.
"""

from libc.stdint cimport uint16_t, uintptr_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state
from .relaxed cimport relaxed_load, relaxed_store

cnp.import_array()
cnp.import_umath()

cdef extern from "cpu.h" nogil:
    int c_cpu_level "cpu_level"()

cdef extern from "moves.h" nogil:
    void gather(char* to, const char* source, Py_ssize_t step, Py_ssize_t n, int size, bint wide)
    void scatter(char* to, Py_ssize_t step, const char* source, Py_ssize_t n, int size, bint wide)

cdef extern from "pool.h" nogil:
    int pool_run(pool_job job, void* data, int parts, int threads)

cdef extern from *:
    """
    #ifndef _WIN32
    /* By this symbol threadpoolctl knows the library (fastcpuact.threadpools). */
    __attribute__((visibility("default"))) int fastcpuact_threads(void) { return 1; }
    #endif
    """

cdef enum:
    # More parts than threads: who starts late, or is interrupted, takes fewer.
    PARTS_PER_THREAD = 4
    # Bytes of a result from which storing aligned vectors is worth another call of the kernel.
    LONG = 8192
    # Bytes that strided operands extend over from which they are taken to come from memory, and
    # the bytes of a block of one of them then: so few that all loads and stores of a block, and of
    # the next, are on their way at once.  Measured at strides of 2 to 8 elements.
    FAR = 16 << 20
    FAR_BLOCK = 512


cdef Py_ssize_t num_threads = 1
# Nanoseconds that a call has to take on one thread for others to help, by the estimate of `cost`
# (bench/parallel_threshold.py).
cdef Py_ssize_t parallel_ns = 40_000


def set_thread_count(int count):
    """Run long calls on so many threads, the calling one among them."""
    relaxed_store(&num_threads, count)


def set_parallel_ns(Py_ssize_t nanoseconds):
    """Let other threads help with calls that take longer than that; return what it was."""
    before = relaxed_load(&parallel_ns)
    relaxed_store(&parallel_ns, nanoseconds)
    return before


def thread_count():
    """Return on how many threads long calls run."""
    return relaxed_load(&num_threads)


def cpu_level():
    """Return the x86-64 level of this processor (2, 3 or 4), or 0 on other architectures."""
    return c_cpu_level()


# Of the level that runs: conversions between float16 and float32, and the bytes of a vector.
cdef kernel_function widen = NULL
cdef kernel_function narrow = NULL
vector_bytes = 16


def set_level(uintptr_t widen_address, uintptr_t narrow_address, int vector):
    """Use a level's conversions, given by their addresses, and vectors of so many bytes."""
    global widen, narrow, vector_bytes
    vector_bytes = vector
    widen = <kernel_function><void*>widen_address
    narrow = <kernel_function><void*>narrow_address


cdef void load(
    const Kernel* kernel, char* to, const char* source, Py_ssize_t step, Py_ssize_t n
) noexcept nogil:
    """Bring at most a block of an input into a buffer, in the type that the kernel computes in."""
    cdef uint16_t[BLOCK] halves
    cdef char* arrays[2]
    if not kernel.half:
        gather(to, source, step, n, kernel.itemsize, vector_bytes == 64)
        return
    arrays[0], arrays[1] = <char*>source, to
    if step != kernel.itemsize:
        gather(<char*>halves, source, step, n, kernel.itemsize, False)
        arrays[0] = <char*>halves
    widen(arrays, n)


cdef void store(
    const Kernel* kernel, char* to, Py_ssize_t step, const char* source, Py_ssize_t n, bint far
) noexcept nogil:
    """Take at most a block of an output from its buffer to where it belongs, which may be far."""
    cdef uint16_t[BLOCK] halves
    cdef char* arrays[2]
    if not kernel.half:
        # Stores under a mask wait for memory much longer than others.
        scatter(to, step, source, n, kernel.itemsize, vector_bytes == 64 and not far)
        return
    arrays[0], arrays[1] = <char*>source, to
    if step == kernel.itemsize:
        narrow(arrays, n)
        return
    arrays[1] = <char*>halves
    narrow(arrays, n)
    scatter(to, step, <const char*>halves, n, kernel.itemsize, False)


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


# One call of a kernel on n elements of strided operands.
cdef struct Work:
    const Kernel* kernel
    char** args
    const Py_ssize_t* steps
    Py_ssize_t n
    kernel_function run  # one of the kernel's
    int first_number  # from which input on the elements are one number each, without a buffer
    bint buffered[MAX_OPERANDS]  # which operands pass through a buffer
    bint any_buffered
    bint far  # whether strided operands come from memory rather than from the cache
    Py_ssize_t block  # how many elements at a time, if any do


cdef bint prepare(Work* work) noexcept nogil:
    """Decide what is buffered; return whether the order of the elements does not matter."""
    cdef const Kernel* kernel = work.kernel
    cdef char** args = work.args
    cdef const Py_ssize_t* steps = work.steps
    cdef Py_ssize_t n = work.n
    cdef int size = kernel.itemsize
    cdef bint one_by_one = False
    cdef bint any_order = True
    cdef bint numbers = kernel.run_of_numbers != NULL and not kernel.half and n > 1
    cdef Py_ssize_t extent = 0
    cdef int k, j
    work.run = kernel.run
    work.first_number = kernel.nin
    for k in range(kernel.nin + kernel.nout):
        # One element has no stride to speak of, whatever NumPy passes.
        work.buffered[k] = kernel.half or (steps[k] != size and n > 1)
        if steps[k] != size:
            extent += n * (steps[k] if steps[k] >= 0 else -steps[k])
        if k >= kernel.nin:
            one_by_one = one_by_one or (steps[k] == 0 and n > 1)
            for j in range(kernel.nin):
                if apart(args[k], steps[k], args[j], steps[j], n, size):
                    continue
                # An output that does not run ahead of the input waits in a buffer for its block.
                work.buffered[k] = True
                if steps[k] != steps[j] or args[k] != args[j]:
                    any_order = False
                if steps[k] != steps[j] or (args[k] - args[j]) * (1 if steps[j] > 0 else -1) > 0:
                    one_by_one = True
        if kernel.nin - kernel.params <= k < kernel.nin:
            numbers = numbers and steps[k] == 0
    if numbers and not one_by_one:
        work.run = kernel.run_of_numbers
        work.first_number = kernel.nin - kernel.params
        for k in range(work.first_number, kernel.nin):
            work.buffered[k] = False
    work.far = extent > FAR and not kernel.half
    work.block = 1 if one_by_one else FAR_BLOCK // size if work.far else BLOCK
    work.any_buffered = one_by_one
    for k in range(kernel.nin + kernel.nout):
        # Reduce, accumulate: each element needs the one before.
        work.buffered[k] = work.buffered[k] or one_by_one
        work.any_buffered = work.any_buffered or work.buffered[k]
    return any_order and not one_by_one


cdef inline bint number(const Work* work, int k) noexcept nogil:
    """Whether an operand is one number that needs no buffer."""
    return work.first_number <= k < work.kernel.nin


cdef void run_aligned(const Work* work, char** arrays, Py_ssize_t n) noexcept nogil:
    """Run the kernel on n elements of contiguous arrays, and store long results in aligned vectors.

    NumPy's arrays begin at any multiple of 16 bytes, and a longer vector that lies on two lines of
    the cache costs two accesses.  The first one is computed apart; the elements that it shares with
    the second one are computed twice.
    """
    cdef const Kernel* kernel = work.kernel
    cdef int size = kernel.itemsize
    cdef Py_ssize_t lead
    cdef int k
    if n * size >= LONG:
        lead = (-<uintptr_t>arrays[kernel.nin]) % vector_bytes // size
        if lead:
            work.run(arrays, vector_bytes // size)
            n -= lead
            for k in range(kernel.nin + kernel.nout):
                if not number(work, k):
                    arrays[k] += lead * size
    work.run(arrays, n)


cdef void run_range(const Work* work, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """Run the kernel on some of the elements."""
    cdef const Kernel* kernel = work.kernel
    cdef char** args = work.args
    cdef const Py_ssize_t* steps = work.steps
    cdef int count = kernel.nin + kernel.nout
    cdef double memory[MAX_OPERANDS * BLOCK]
    cdef char* block[MAX_OPERANDS]
    cdef fpenv_state caller
    cdef Py_ssize_t length
    cdef int k
    for k in range(count):
        block[k] = args[k] + (0 if number(work, k) else start * kernel.itemsize)
    caller = fpenv_enter()
    if not work.any_buffered:
        run_aligned(work, block, stop - start)
        fpenv_leave(caller)
        return
    length = stop - start if stop - start < BLOCK else BLOCK
    for k in range(count):
        if work.buffered[k]:
            block[k] = <char*>(memory + k * BLOCK)
            if k < kernel.nin and steps[k] == 0:
                load(kernel, block[k], args[k], 0, length)
    while start < stop:
        length = stop - start if stop - start < work.block else work.block
        for k in range(count):
            if number(work, k):
                continue
            if not work.buffered[k]:
                block[k] = args[k] + start * kernel.itemsize
            elif k < kernel.nin and (steps[k] != 0 or work.block == 1):
                load(kernel, block[k], args[k] + start * steps[k], steps[k], length)
        work.run(block, length)
        for k in range(kernel.nin, count):
            if work.buffered[k]:
                store(kernel, args[k] + start * steps[k], steps[k], block[k], length, work.far)
        start += length
    fpenv_leave(caller)


cdef void run_part(void* data, int part, int parts) noexcept nogil:
    """Run one of the parts that a long call is split into, at multiples of a block."""
    cdef const Work* work = <const Work*>data
    cdef Py_ssize_t blocks = (work.n + BLOCK - 1) // BLOCK
    cdef Py_ssize_t start = blocks * part // parts * BLOCK
    cdef Py_ssize_t stop = blocks * (part + 1) // parts * BLOCK
    run_range(work, start, stop if part + 1 < parts else work.n)


cdef bint spread(pool_job job, void* data, Py_ssize_t picoseconds) noexcept nogil:
    """Run all parts of a call on several threads, if it is long enough and they are free."""
    cdef int threads
    if picoseconds < relaxed_load(&parallel_ns) * 1000:
        return False
    threads = <int>relaxed_load(&num_threads)
    return threads > 1 and pool_run(job, data, threads * PARTS_PER_THREAD, threads)


cdef void run_kernel(
    const Kernel* kernel, char** args, Py_ssize_t n, const Py_ssize_t* steps
) noexcept nogil:
    """Run a kernel on n elements, as if on one after the other, whatever overlaps what."""
    cdef Work work
    if n <= 0:
        return
    work.kernel = kernel
    work.args = args
    work.steps = steps
    work.n = n
    if not (prepare(&work) and spread(run_part, &work, n * kernel.cost)):
        run_range(&work, 0, n)


cdef void ufunc_loop(
    char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data
) noexcept nogil:
    run_kernel(<const Kernel*>data, args, dimensions[0], <const Py_ssize_t*>steps)


cdef int cost(int operations, int operands, int itemsize):
    """Estimate the picoseconds that an element takes: arithmetic, and bytes moved."""
    return 3 * itemsize * operations + 5 * itemsize * operands


cdef int describe(Kernel* kernels, int nin, int nout, tuple float32, tuple float64) except -1:
    """Fill in the float16, float32 and float64 kernels of a form, entries of `select.KERNELS`."""
    if nin + nout > MAX_OPERANDS:
        raise ValueError(f"{nin + nout} operands; the block driver takes {MAX_OPERANDS}")
    for k in range(DTYPES):
        kernels[k].nin = nin
        kernels[k].nout = nout
        kernels[k].itemsize = 2 << k
        kernels[k].half = k == 0
        enter(&kernels[k], float64 if k == 2 else float32)
    return 0


cdef int enter(Kernel* kernel, tuple entry) except -1:
    """Fill in an entry; the address is last, and may be waited for."""
    address, operations, params, of_numbers = entry
    kernel.run_of_numbers = <kernel_function><void*><uintptr_t>of_numbers
    kernel.params = params
    kernel.cost = cost(operations, kernel.nin + kernel.nout, max(kernel.itemsize, 4))
    relaxed_store(<Py_ssize_t*>&kernel.run, <Py_ssize_t><uintptr_t>address)
    return 0


# NumPy keeps pointers to what a ufunc is made of for as long as the ufunc lives.
_alive = []


def make_ufunc(str name, str doc, int nin, int nout, tuple float32, tuple float64):
    """Make the NumPy ufunc of two kernels, entries of `select.KERNELS`."""
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
