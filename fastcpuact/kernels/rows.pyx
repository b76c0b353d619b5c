# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Runs row kernels along any axis of arrays of any stride.

Along another axis than the last, rows are columns of a matrix, and kernels that have a form for many
columns run on them where they are.  Columns that do not lie side by side are brought together in a
buffer, and short rows are made columns there.  Else operands that are not contiguous along the
axis, that hold float16, or that are an output in the place of an input pass through a buffer,
several rows at a time where these share their cache lines or are short.
"""

from libc.stdint cimport uintptr_t
from libc.string cimport memset

cimport numpy as cnp

from .driver cimport BLOCK, MAX_OPERANDS, Kernel, load, spread, store, vector_bytes
from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state
from .relaxed cimport relaxed_store

cnp.import_array()

cdef extern from "moves.h" nogil:
    void gather_rows(
        char* to, Py_ssize_t to_pitch, const char* source, Py_ssize_t pitch, Py_ssize_t rows,
        Py_ssize_t step, Py_ssize_t n, int size, bint wide
    )
    void scatter_rows(
        char* to, Py_ssize_t to_pitch, Py_ssize_t step, const char* source, Py_ssize_t pitch,
        Py_ssize_t rows, Py_ssize_t n, int size, bint wide
    )
    void transpose_32(
        char* to, Py_ssize_t to_pitch, const char* source, Py_ssize_t pitch, Py_ssize_t rows,
        Py_ssize_t columns
    )
    void transpose_64(
        char* to, Py_ssize_t to_pitch, const char* source, Py_ssize_t pitch, Py_ssize_t rows,
        Py_ssize_t columns
    )

cdef extern from "spare.h" nogil:
    char* spare_take(size_t size)
    void spare_leave(char* buffer, size_t size)

# A row_function for neighbouring columns, whose elements are so many numbers apart.
ctypedef void (*column_function)(
    char** arrays, const Py_ssize_t* pitches, const Py_ssize_t* lengths
) noexcept nogil

cdef enum:
    # Bytes of a cache line: of so many neighbours rows are buffered together.
    LINE = 64
    TILE = LINE // 2
    # Elements of a row whose lines stay in a first-level cache for the rows beside it.
    STRIP = BLOCK // 2
    # Bytes of buffers that stay in the first-level and in the second-level cache.
    NEAR_BYTES = 1 << 14
    TILE_BYTES = 1 << 18
    # Estimated picoseconds for a byte of the longest row on one thread.
    COST = 150

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
    Py_ssize_t column_offset  # of that for columns

cdef struct Rows:
    row_function run
    column_function run_columns  # or NULL
    int columns  # how many it takes
    Py_ssize_t pitches[MAX_OPERANDS]
    bint in_buffers  # whether it runs on buffers, or on the columns where they are
    int count
    int inputs
    Operand operands[MAX_OPERANDS]
    Py_ssize_t lengths[MAX_OPERANDS]
    Py_ssize_t rows
    int ndim  # of the other axes, those of length 1 left out
    Py_ssize_t shape[MAX_NDIM]
    Py_ssize_t tile  # how many rows are looked at together
    Py_ssize_t buffered  # how many of them are in buffers at a time
    Py_ssize_t buffer_bytes  # of either kind
    Py_ssize_t failed  # for want of memory


cdef inline bint nearer(Py_ssize_t apart, Py_ssize_t step) noexcept nogil:
    """Whether rows so far apart lie nearer to each other than their own elements do."""
    return (apart if apart >= 0 else -apart) < (step if step >= 0 else -step)


cdef Py_ssize_t neighbours(const Operand* operand, char** row, Py_ssize_t rows) noexcept nogil:
    """How many of some rows, from the first one on, are evenly spaced columns of a matrix."""
    cdef Py_ssize_t r = 1, apart
    if rows < 2:
        return rows
    apart = row[1] - row[0]
    if not nearer(apart, operand.step):
        return 1
    while r < rows and row[r] - row[r - 1] == apart:
        r += 1
    return r


cdef void transpose(
    char* to, Py_ssize_t to_pitch, const char* source, Py_ssize_t pitch, Py_ssize_t rows,
    Py_ssize_t columns, Py_ssize_t size
) noexcept nogil:
    """Make columns rows, of elements of 4 or 8 bytes."""
    if size == 4:
        transpose_32(to, to_pitch, source, pitch, rows, columns)
    else:
        transpose_64(to, to_pitch, source, pitch, rows, columns)


cdef void move_apart(
    const Operand* operand, char* buffer, char** row, Py_ssize_t rows, bint back
) noexcept nogil:
    """Bring evenly spaced columns, at most a line of elements beside each other, or back."""
    cdef char[STRIP * LINE] tile
    cdef Py_ssize_t start = 0, length, size = operand.type.itemsize, apart = row[1] - row[0]
    cdef bint wide = vector_bytes == LINE
    cdef char* strided
    while start < operand.n:
        length = operand.n - start if operand.n - start < STRIP else STRIP
        strided = row[0] + start * operand.step
        if back:
            transpose(tile, LINE, buffer, operand.row_bytes, length, rows, size)
            scatter_rows(strided, operand.step, apart, tile, LINE, length, rows, size, wide)
        else:
            gather_rows(tile, LINE, strided, operand.step, length, apart, rows, size, wide)
            transpose(buffer, operand.row_bytes, tile, LINE, rows, length, size)
        buffer += length * size
        start += length


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
        together = neighbours(operand, row + r, min(rows - r, LINE // size))
        if together > 1 and not operand.type.half:
            if row[r + 1] - row[r] != size:
                move_apart(operand, buffer, row + r, together, back)
            elif back:
                transpose(row[r], step, buffer, pitch, n, together, size)
            else:
                transpose(buffer, pitch, row[r], step, together, n, size)
        else:
            start = 0
            while start < n:
                length = n - start if n - start < STRIP else STRIP
                for k in range(together):
                    strided = row[r + k] + start * step
                    contiguous = buffer + k * pitch + start * size
                    if back:
                        store(&operand.type, strided, step, contiguous, length, False)
                    else:
                        load(&operand.type, contiguous, strided, step, length)
                start += length
        buffer += together * pitch
        r += together


cdef void move_columns(
    const Rows* job, const Operand* operand, char* buffer, char* first, Py_ssize_t columns, bint back
) noexcept nogil:
    """Bring neighbouring columns into a buffer or back: its rows are so many columns apart."""
    cdef Py_ssize_t size = operand.type.itemsize, pitch = job.columns * size
    cdef Py_ssize_t stride = operand.strides[job.ndim - 1]
    cdef bint wide = vector_bytes == LINE
    if operand.step == size and stride != size:
        if back:
            transpose(first, stride, buffer, pitch, columns, operand.n, size)
        else:
            transpose(buffer, pitch, first, stride, operand.n, columns, size)
    elif back:
        scatter_rows(first, operand.step, stride, buffer, pitch, operand.n, columns, size, wide)
    else:
        gather_rows(buffer, pitch, first, operand.step, operand.n, stride, columns, size, wide)


cdef void run_in_buffers(
    const Rows* job, char** first, Py_ssize_t columns, char* memory
) noexcept nogil:
    """Run the kernel for columns on some of them; what else is in the buffers is not looked at."""
    cdef char* passed[MAX_OPERANDS]
    cdef const Operand* operand
    cdef int k
    for k in range(job.count):
        operand = &job.operands[k]
        passed[k] = memory + operand.column_offset
        if k < job.inputs:
            move_columns(job, operand, passed[k], first[k], columns, False)
    job.run_columns(passed, job.pitches, job.lengths)
    for k in range(job.inputs, job.count):
        move_columns(job, &job.operands[k], passed[k], first[k], columns, True)


cdef void run_buffered(
    const Rows* job, char* (*row)[TILE], Py_ssize_t first, Py_ssize_t rows, char* memory
) noexcept nogil:
    """Run the kernel on a few rows; operands that need it pass through buffers."""
    cdef char* passed[MAX_OPERANDS]
    cdef const Operand* operand
    cdef Py_ssize_t r
    cdef int k
    for k in range(job.inputs):
        operand = &job.operands[k]
        if operand.buffered:
            move(operand, memory + operand.offset, row[k] + first, rows, False)
    for r in range(rows):
        for k in range(job.count):
            operand = &job.operands[k]
            passed[k] = (
                memory + operand.offset + r * operand.row_bytes
                if operand.buffered
                else row[k][first + r]
            )
        job.run(passed, job.lengths)
    for k in range(job.inputs, job.count):
        operand = &job.operands[k]
        if operand.buffered:
            move(operand, memory + operand.offset, row[k] + first, rows, True)


cdef inline void advance(
    const Rows* job, char** data, Py_ssize_t* coordinates, Py_ssize_t rows
) noexcept nogil:
    """Go on by so many rows, by no more than there are along the last of the other axes."""
    cdef int k, d = job.ndim - 1
    while d >= 0:
        coordinates[d] += rows
        for k in range(job.count):
            data[k] += rows * job.operands[k].strides[d]
        if coordinates[d] < job.shape[d]:
            return
        for k in range(job.count):
            data[k] -= coordinates[d] * job.operands[k].strides[d]
        coordinates[d] = 0
        rows = 1
        d -= 1


cdef void run_range(Rows* job, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """Run the kernel on some of the rows."""
    cdef Py_ssize_t coordinates[MAX_NDIM]
    cdef char* data[MAX_OPERANDS]
    cdef char* row[MAX_OPERANDS][TILE]
    cdef char* passed[MAX_OPERANDS]
    cdef char* memory = NULL
    cdef fpenv_state caller
    cdef Py_ssize_t first = start, rest = start, m, r, length, back
    cdef int k, d, last = job.ndim - 1
    for k in range(job.count):
        data[k] = job.operands[k].data
    for d in range(last, -1, -1):
        coordinates[d] = rest % job.shape[d]
        rest //= job.shape[d]
        for k in range(job.count):
            data[k] += coordinates[d] * job.operands[k].strides[d]
    caller = fpenv_enter()
    while start < stop:
        m = stop - start if stop - start < job.tile else job.tile
        back = 0
        if job.run_columns != NULL:
            rest = job.shape[last] - coordinates[last]
            m = m if m < rest else rest
            # Where fewer are left than the kernel takes, some before them are computed again.
            back = job.columns - m
            if back > coordinates[last] or back > start - first or job.in_buffers:
                back = 0
        start += m
        if job.run_columns != NULL and not job.in_buffers and m + back == job.columns:
            for k in range(job.count):
                passed[k] = data[k] - back * job.operands[k].type.itemsize
            job.run_columns(passed, job.pitches, job.lengths)
            advance(job, data, coordinates, m)
            continue
        if job.buffer_bytes and memory == NULL:
            memory = spare_take(job.buffer_bytes)
            if memory == NULL:
                relaxed_store(&job.failed, True)
                break
            # Kernels for columns read all of a buffer, also what no column came to.
            if job.run_columns != NULL and job.shape[last] % job.columns:
                memset(memory, 0, job.buffer_bytes)
        if job.run_columns != NULL and job.in_buffers and m >= FEW_ROWS:
            run_in_buffers(job, data, m, memory)
            advance(job, data, coordinates, m)
            continue
        for r in range(m):
            for k in range(job.count):
                row[k][r] = data[k]
            advance(job, data, coordinates, 1)
        r = 0
        while r < m:
            length = m - r if m - r < job.buffered else job.buffered
            run_buffered(job, row, r, length, memory)
            r += length
    fpenv_leave(caller)
    spare_leave(memory, job.buffer_bytes)


cdef void run_part(void* data, int part, int parts) noexcept nogil:
    """Run one of the parts that a long call is split into."""
    cdef Rows* job = <Rows*>data
    cdef Py_ssize_t unit = job.columns if job.run_columns != NULL else 1
    cdef Py_ssize_t units = (job.rows + unit - 1) // unit
    cdef Py_ssize_t stop = units * (part + 1) // parts * unit
    run_range(job, units * part // parts * unit, stop if stop < job.rows else job.rows)


cdef int add_axis(Rows* job, tuple arrays, int axis) except -1:
    """Let rows differ along one more axis, which is one with that before it where that can be."""
    cdef Py_ssize_t length = (<cnp.ndarray>arrays[0]).shape[axis]
    cdef Py_ssize_t stride
    cdef int k
    cdef bint together = job.ndim > 0
    for k in range(job.count):
        stride = (<cnp.ndarray>arrays[k]).strides[axis]
        job.operands[k].strides[job.ndim] = stride
        if together and job.operands[k].strides[job.ndim - 1] != length * stride:
            together = False
    job.shape[job.ndim] = length
    job.ndim += 1
    if together:
        job.ndim -= 1
        job.shape[job.ndim - 1] *= length
        for k in range(job.count):
            job.operands[k].strides[job.ndim - 1] = job.operands[k].strides[job.ndim]
    return 0


cdef Py_ssize_t column_bytes(Rows* job) noexcept:
    """Place buffers for columns; return how many bytes they take together."""
    cdef Py_ssize_t taken = 0
    cdef int k
    for k in range(job.count):
        job.operands[k].column_offset = taken
        taken += job.operands[k].n * job.columns * job.operands[k].type.itemsize
    return taken


cdef int choose_columns(Rows* job) except -1:
    """Decide whether the kernel for columns runs, if there is one, and on what."""
    cdef bint in_place = False, side_by_side = True, contiguous = True, apart = False
    cdef Py_ssize_t stride, n = 0  # elements of a row in all arrays
    cdef Operand* operand
    cdef int k, j, size
    if job.run_columns == NULL:
        return 0
    for k in range(job.count):
        operand = &job.operands[k]
        size = operand.type.itemsize
        stride = operand.strides[job.ndim - 1] if job.ndim else 0
        n += operand.n
        if operand.type.half or not (
            stride == size
            or operand.step == size
            or operand.n == 1
            or nearer(stride, operand.step)
        ):
            job.run_columns = NULL
            return 0
        apart = apart or (stride != size and operand.step != size and operand.n > 1)
        side_by_side = side_by_side and stride == size and operand.step % size == 0
        contiguous = contiguous and (operand.step == size or operand.n == 1)
        for j in range(job.inputs if k >= job.inputs else 0):
            in_place = in_place or job.operands[j].data == operand.data
    job.in_buffers = in_place or not side_by_side or job.shape[job.ndim - 1] < job.columns
    # Columns that are apart take so long as rows that larger buffers pay.
    if (
        job.rows < FEW_ROWS
        or (contiguous and n > SHORT_ROW)
        or (job.in_buffers and column_bytes(job) > (2 * TILE_BYTES if apart else TILE_BYTES))
    ):
        job.run_columns = NULL
    for k in range(job.count):
        operand = &job.operands[k]
        job.pitches[k] = job.columns if job.in_buffers else operand.step // operand.type.itemsize
    return 0


def run_rows(uintptr_t kernel, tuple for_columns, tuple arrays, int inputs, int axis):
    """Run a row kernel on every row along an axis.

    Parameters
    ----------
    kernel : int
        Address of the kernel.
    for_columns : tuple of int
        Address of its form for columns, or 0, and for how many that is.
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
    cdef bint share_lines = False
    job.run = <row_function><void*>kernel
    job.run_columns = <column_function><void*><uintptr_t>for_columns[0]
    job.columns = for_columns[1]
    if job.columns > TILE:
        raise ValueError(f"{job.columns} columns; the row driver takes {TILE}")
    job.count = <int>len(arrays)
    job.inputs = inputs
    job.rows = array.size // array.shape[axis]
    job.failed = False
    if job.count > MAX_OPERANDS:
        raise ValueError(f"{job.count} operands; the row driver takes {MAX_OPERANDS}")
    job.ndim = 0
    for d in range(ndim):
        if d != axis and array.shape[d] != 1:
            add_axis(&job, arrays, d)
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
            if job.ndim:
                share_lines = share_lines or nearer(operand.strides[job.ndim - 1], LINE)
        longest = max(longest, length)
    choose_columns(&job)
    job.buffered = 1
    if row_bytes:
        job.buffered = max((TILE_BYTES if share_lines else NEAR_BYTES) // row_bytes, 1)
        job.buffered = min(job.buffered, LINE // (<cnp.ndarray>arrays[0]).itemsize)
    job.tile = job.buffered if job.run_columns == NULL else job.columns
    job.buffer_bytes = 0
    for k in range(job.count):
        operand = &job.operands[k]
        operand.offset = job.buffer_bytes
        if operand.buffered:
            job.buffer_bytes += job.buffered * operand.row_bytes
    if job.run_columns != NULL and job.in_buffers:
        job.buffer_bytes = max(job.buffer_bytes, column_bytes(&job))
    with nogil:
        if job.rows < 2 or not spread(run_part, &job, job.rows * longest * COST):
            run_range(&job, 0, job.rows)
    if job.failed:
        raise MemoryError
