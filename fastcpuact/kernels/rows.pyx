# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Runs row kernels along any axis of arrays of any stride, and the short way for small arrays.

Operands that are not contiguous along the axis, that hold float16, or that are an output in the
place of an input pass through a buffer, several rows at a time: neighbours often share their cache
lines.
"""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from .driver cimport BLOCK, MAX_OPERANDS, Kernel, load, spread, store

cnp.import_array()

cdef extern from "fpenv.h" nogil:
    ctypedef struct fpenv_state:
        pass
    fpenv_state fpenv_enter()
    void fpenv_leave(fpenv_state)

cdef extern from "relaxed.h" nogil:
    void relaxed_store(Py_ssize_t*, Py_ssize_t)

cdef extern from "moves.h" nogil:
    void transpose_32(
        char* to, Py_ssize_t to_pitch, const char* source, Py_ssize_t pitch, Py_ssize_t rows,
        Py_ssize_t columns
    )
    void transpose_64(
        char* to, Py_ssize_t to_pitch, const char* source, Py_ssize_t pitch, Py_ssize_t rows,
        Py_ssize_t columns
    )

cdef extern from "numpy/arrayobject.h":
    int PyArray_CheckExact(object)
    bint PyArray_ISCARRAY_RO(cnp.ndarray)
    bint PyArray_ISCARRAY(cnp.ndarray)
    int PyArray_CompareLists(cnp.npy_intp*, cnp.npy_intp*, int)

# A loop over one row of each array.
ctypedef void (*row_function)(char** arrays, const Py_ssize_t* lengths) noexcept nogil

cdef enum:
    MAX_NDIM = 64  # NumPy's
    # Bytes of a cache line: of so many neighbours rows are buffered together.
    LINE = 64
    TILE = LINE // 2
    # Elements of a row whose lines stay in a first-level cache for the rows beside it.
    STRIP = BLOCK // 2
    # Bytes of buffers that stay in the second-level cache.
    TILE_BYTES = 1 << 18
    # Estimated picoseconds for a byte of the longest row on one thread.
    COST = 150
    # Bytes of an operand up to which a call is short: other threads neither help nor wait for long.
    SHORT = 1 << 17

# One array: its rows in memory, and how they are buffered.
cdef struct Operand:
    Kernel type  # its itemsize, and whether it is float16
    char* data
    Py_ssize_t n  # length of a row
    Py_ssize_t step
    Py_ssize_t strides[MAX_NDIM]  # of the other axes
    bint buffered
    Py_ssize_t row_bytes  # in the buffer
    Py_ssize_t offset  # of its buffer, in rows of all buffers together

cdef struct Rows:
    row_function run
    int count
    int inputs
    Operand operands[MAX_OPERANDS]
    Py_ssize_t lengths[MAX_OPERANDS]
    Py_ssize_t rows
    int ndim  # of the other axes, those of length 1 left out
    Py_ssize_t shape[MAX_NDIM]
    Py_ssize_t tile  # how many rows are buffered at a time
    Py_ssize_t tile_bytes
    Py_ssize_t failed  # for want of memory


cdef Py_ssize_t neighbours(const Operand* operand, char** row, Py_ssize_t rows) noexcept nogil:
    """How many of some rows, from the first one on, lie side by side as columns of a matrix."""
    cdef Py_ssize_t r = 1
    while r < rows and row[r] == row[0] + r * operand.type.itemsize:
        r += 1
    return r


cdef void move(
    const Operand* operand, char* buffer, char** row, Py_ssize_t rows, bint back
) noexcept nogil:
    """Bring rows of an operand into its buffer, or back to where they belong."""
    cdef Py_ssize_t n = operand.n, step = operand.step, pitch = operand.row_bytes
    cdef Py_ssize_t size = 4 if operand.type.half else operand.type.itemsize
    cdef Py_ssize_t r = 0, together, start, length, k
    cdef char* strided
    cdef char* contiguous
    while r < rows:
        together = neighbours(operand, row + r, rows - r)
        if together > 1 and not operand.type.half:
            if size == 4 and back:
                transpose_32(row[r], step, buffer, pitch, n, together)
            elif size == 4:
                transpose_32(buffer, pitch, row[r], step, together, n)
            elif back:
                transpose_64(row[r], step, buffer, pitch, n, together)
            else:
                transpose_64(buffer, pitch, row[r], step, together, n)
        else:
            start = 0
            while start < n:
                length = n - start if n - start < STRIP else STRIP
                for k in range(together):
                    strided = row[r + k] + start * step
                    contiguous = buffer + k * pitch + start * size
                    if back:
                        store(&operand.type, strided, step, contiguous, length)
                    else:
                        load(&operand.type, contiguous, strided, step, length)
                start += length
        buffer += together * pitch
        r += together


cdef void run_range(Rows* job, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """Run the kernel on some of the rows."""
    cdef Py_ssize_t coordinates[MAX_NDIM]
    cdef char* data[MAX_OPERANDS]
    cdef char* row[MAX_OPERANDS][TILE]
    cdef char* passed[MAX_OPERANDS]
    cdef char* memory = NULL
    cdef Operand* operand
    cdef fpenv_state caller
    cdef Py_ssize_t rest = start, m, r
    cdef int k, d
    if job.tile_bytes:
        memory = <char*>malloc(job.tile_bytes)
        if memory == NULL:
            relaxed_store(&job.failed, True)
            return
    for k in range(job.count):
        data[k] = job.operands[k].data
    for d in range(job.ndim - 1, -1, -1):
        coordinates[d] = rest % job.shape[d]
        rest //= job.shape[d]
        for k in range(job.count):
            data[k] += coordinates[d] * job.operands[k].strides[d]
    caller = fpenv_enter()
    while start < stop:
        m = stop - start if stop - start < job.tile else job.tile
        for r in range(m):
            for k in range(job.count):
                row[k][r] = data[k]
            for d in range(job.ndim - 1, -1, -1):
                coordinates[d] += 1
                for k in range(job.count):
                    data[k] += job.operands[k].strides[d]
                if coordinates[d] < job.shape[d]:
                    break
                for k in range(job.count):
                    data[k] -= coordinates[d] * job.operands[k].strides[d]
                coordinates[d] = 0
        for k in range(job.inputs):
            operand = &job.operands[k]
            if operand.buffered:
                move(operand, memory + operand.offset, row[k], m, False)
        for r in range(m):
            for k in range(job.count):
                operand = &job.operands[k]
                passed[k] = (
                    memory + operand.offset + r * operand.row_bytes
                    if operand.buffered
                    else row[k][r]
                )
            job.run(passed, job.lengths)
        for k in range(job.inputs, job.count):
            operand = &job.operands[k]
            if operand.buffered:
                move(operand, memory + operand.offset, row[k], m, True)
        start += m
    fpenv_leave(caller)
    free(memory)


cdef void run_part(void* data, int part, int parts) noexcept nogil:
    """Run one of the parts that a long call is split into."""
    cdef Rows* job = <Rows*>data
    run_range(job, job.rows * part // parts, job.rows * (part + 1) // parts)


def run_rows(uintptr_t kernel, tuple arrays, int inputs, int axis):
    """Run a row kernel on every row along an axis.

    Parameters
    ----------
    kernel : int
        Address of the kernel.
    arrays : tuple of ndarray
        Inputs and then outputs, none empty; all native and aligned, and of one shape but for
        their lengths along the axis.  A float16 array goes where the kernel takes float32.  An
        output may be one of the inputs, and not overlap them else.
    inputs : int
        How many of the arrays are inputs.
    axis : int
        Not negative.
    """
    cdef Rows job
    cdef Operand* operand
    cdef cnp.ndarray array = arrays[0]
    cdef Py_ssize_t row_bytes = 0, length, longest = 0
    cdef int ndim = array.ndim, k, j, d
    job.run = <row_function><void*>kernel
    job.count = <int>len(arrays)
    job.inputs = inputs
    job.rows = array.size // array.shape[axis]
    job.failed = False
    if job.count > MAX_OPERANDS:
        raise ValueError(f"{job.count} operands; the row driver takes {MAX_OPERANDS}")
    job.ndim = 0
    for d in range(ndim):
        if d != axis and array.shape[d] != 1:
            job.shape[job.ndim] = array.shape[d]
            for k in range(job.count):
                job.operands[k].strides[job.ndim] = (<cnp.ndarray>arrays[k]).strides[d]
            job.ndim += 1
    for k in range(job.count):
        array = arrays[k]
        operand = &job.operands[k]
        operand.data = cnp.PyArray_BYTES(array)
        operand.type.itemsize = <int>array.itemsize
        operand.type.half = cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT16
        operand.n = job.lengths[k] = array.shape[axis]
        operand.step = array.strides[axis]
        length = operand.n * (4 if operand.type.half else array.itemsize)
        # An odd number of lines: those of neighbouring rows are not in the same sets of a cache.
        operand.row_bytes = ((length + LINE - 1) // LINE | 1) * LINE
        operand.buffered = operand.type.half or (
            operand.step != array.itemsize and operand.n > 1
        )
        if k >= inputs:
            for j in range(inputs):
                if job.operands[j].data == operand.data:
                    operand.buffered = True
        if operand.buffered:
            row_bytes += operand.row_bytes
        longest = max(longest, length)
    job.tile = 1
    if row_bytes:
        job.tile = min(max(TILE_BYTES // row_bytes, 1), LINE // (<cnp.ndarray>arrays[0]).itemsize)
    job.tile_bytes = 0
    for k in range(job.count):
        operand = &job.operands[k]
        operand.offset = job.tile_bytes
        if operand.buffered:
            job.tile_bytes += job.tile * operand.row_bytes
    with nogil:
        if job.rows < 2 or not spread(run_part, &job, job.rows * longest * COST):
            run_range(&job, 0, job.rows)
    if job.failed:
        raise MemoryError


cdef inline bint alike(object given, cnp.ndarray x) noexcept:
    """Whether an object is an exact, aligned, contiguous array of x's dtype and shape."""
    cdef cnp.ndarray array
    if not PyArray_CheckExact(given):
        return False
    array = <cnp.ndarray>given
    return (
        cnp.PyArray_TYPE(array) == cnp.PyArray_TYPE(x)
        and PyArray_ISCARRAY_RO(array)
        and cnp.PyArray_NDIM(array) == cnp.PyArray_NDIM(x)
        and PyArray_CompareLists(
            cnp.PyArray_DIMS(array), cnp.PyArray_DIMS(x), cnp.PyArray_NDIM(x)
        )
    )


def run_short(tuple kernels, bint to_numbers, object axis, object out, *arrays):
    """Run a row kernel, or return None where `run_rows` has to.

    Parameters
    ----------
    kernels : tuple of int
        Addresses of the kernel in float32 and in float64.
    to_numbers : bool
        Whether the kernel makes one number of each row, and not a row.
    axis, out, *arrays
        As the caller of the function gave them.  What is done here are short calls with exact,
        aligned, contiguous arrays of one shape, along the last axis, not in place.
    """
    cdef cnp.ndarray x, result
    cdef row_function run
    cdef char* passed[MAX_OPERANDS]
    cdef Py_ssize_t lengths[MAX_OPERANDS]
    cdef Py_ssize_t n, size, start
    cdef int count = <int>len(arrays), itemsize, ndim, k
    cdef fpenv_state caller
    given = arrays[0]
    if not PyArray_CheckExact(given):
        return None
    x = <cnp.ndarray>given
    ndim = cnp.PyArray_NDIM(x)
    size = cnp.PyArray_SIZE(x)
    if ndim == 0 or size == 0 or cnp.PyArray_NBYTES(x) > SHORT:
        return None
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        run = <row_function><void*><uintptr_t>kernels[0]
    elif cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64:
        run = <row_function><void*><uintptr_t>kernels[1]
    else:
        return None
    if type(axis) is not int or (axis != -1 and axis != ndim - 1):
        return None
    for k in range(count):
        if not alike(arrays[k], x):
            return None
        passed[k] = cnp.PyArray_BYTES(<cnp.ndarray>arrays[k])
    n = cnp.PyArray_DIM(x, ndim - 1)
    itemsize = cnp.PyArray_ITEMSIZE(x)
    if out is None:
        ndim -= to_numbers
        result = cnp.PyArray_EMPTY(ndim, cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    elif to_numbers:
        return None
    else:
        if not alike(out, x) or not PyArray_ISCARRAY(<cnp.ndarray>out):
            return None
        result = <cnp.ndarray>out
        for k in range(count):
            if (
                passed[k] < cnp.PyArray_BYTES(result) + cnp.PyArray_NBYTES(result)
                and cnp.PyArray_BYTES(result) < passed[k] + cnp.PyArray_NBYTES(result)
            ):
                return None
    passed[count] = cnp.PyArray_BYTES(result)
    for k in range(count + 1):
        lengths[k] = n
    if to_numbers:
        lengths[count] = 1
    caller = fpenv_enter()
    start = 0
    while start < size:
        run(passed, lengths)
        for k in range(count + 1):
            passed[k] += lengths[k] * itemsize
        start += n
    fpenv_leave(caller)
    return result[()] if ndim == 0 else result
