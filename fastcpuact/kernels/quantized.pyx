# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Kernels on arrays of integer codes: 256-byte tables by byte shuffles, and integer arithmetic.

Arrays are contiguous; an output is its input or does not overlap it. Long calls run on several
threads.
"""

from libc.stdint cimport int16_t, int32_t, uint8_t, uint32_t

cimport numpy as cnp

from .driver cimport spread

from .levels import PORTABLE
from .select import LEVEL

cnp.import_array()

cdef extern from "bytes.h" nogil:
    ctypedef void (*byte_lookup)(const uint8_t*, const uint8_t*, uint8_t*, size_t)
    ctypedef struct byte_kernel:
        const char* name
        byte_lookup run
        int level
        bint available
    byte_kernel* byte_kernel_list
    int byte_kernels()

cdef extern from "integers.h" nogil:
    void interpolate_int16(const int16_t*, const int16_t*, int16_t*, size_t)
    ctypedef struct cubics:
        int32_t width, start, stop, origin, reflected, centre, low, high, guard
        int32_t* shifts
        const int32_t* constant
        const int16_t* linear
        const int16_t* quadratic
        const int16_t* cubic
    void evaluate_cubics(const cubics*, const int16_t*, int16_t*, size_t)
    ctypedef struct softmax_data:
        const uint32_t* high
        const uint32_t* low
        int32_t split
        uint32_t multiplier
        int32_t exponent, zero_point, highest
    ctypedef void (*softmax_row)(const softmax_data*, const void*, void*, size_t)
    void softmax_i8_i8(const softmax_data*, const void*, void*, size_t)
    void softmax_i8_u8(const softmax_data*, const void*, void*, size_t)
    void softmax_i8_i16(const softmax_data*, const void*, void*, size_t)
    void softmax_u8_i8(const softmax_data*, const void*, void*, size_t)
    void softmax_u8_u8(const softmax_data*, const void*, void*, size_t)
    void softmax_u8_i16(const softmax_data*, const void*, void*, size_t)
    void softmax_i16_i8(const softmax_data*, const void*, void*, size_t)
    void softmax_i16_u8(const softmax_data*, const void*, void*, size_t)
    void softmax_i16_i16(const softmax_data*, const void*, void*, size_t)

cdef enum:
    # Estimated picoseconds for an element on one thread.
    BYTES_COST = 20
    INT16_COST = 1000
    SOFTMAX_COST = 4000
    # Parts of bytes begin at multiples of a vector.
    LINE = 64


cdef int count_of_kernels = byte_kernels()
cdef byte_lookup lookup = NULL


def available_byte_kernels(int level):
    """Return the names of the byte lookups up to a level of the processor, the fastest first."""
    return [
        byte_kernel_list[k].name.decode()
        for k in range(count_of_kernels)
        if byte_kernel_list[k].available and byte_kernel_list[k].level <= level
    ]


def use_byte_kernel(str name):
    """Use the byte lookup of that name from now on."""
    global lookup
    for k in range(count_of_kernels):
        if byte_kernel_list[k].name.decode() == name and byte_kernel_list[k].available:
            lookup = byte_kernel_list[k].run
            return
    raise ValueError(f"this processor has no byte kernel {name!r}")


cdef struct Bytes:
    const uint8_t* table
    const uint8_t* x
    uint8_t* y
    Py_ssize_t n


cdef void bytes_part(void* data, int part, int parts) noexcept nogil:
    cdef const Bytes* work = <const Bytes*>data
    cdef Py_ssize_t lines = (work.n + LINE - 1) // LINE
    cdef Py_ssize_t start = lines * part // parts * LINE
    cdef Py_ssize_t stop = lines * (part + 1) // parts * LINE if part + 1 < parts else work.n
    lookup(work.table, work.x + start, work.y + start, stop - start)


cdef int apply_table(cnp.ndarray table, cnp.ndarray x, cnp.ndarray y) except -1:
    cdef Bytes work
    if not (
        cnp.PyArray_ISCARRAY_RO(table)
        and cnp.PyArray_ISCARRAY_RO(x)
        and cnp.PyArray_ISCARRAY(y)
        and table.itemsize == x.itemsize == y.itemsize == 1
        and cnp.PyArray_SIZE(table) == 256
        and cnp.PyArray_SIZE(x) == cnp.PyArray_SIZE(y)
    ):
        raise ValueError("a table of 256 bytes and contiguous bytes of one length are needed")
    work.table, work.n = <const uint8_t*>cnp.PyArray_DATA(table), cnp.PyArray_SIZE(x)
    work.x, work.y = <const uint8_t*>cnp.PyArray_DATA(x), <uint8_t*>cnp.PyArray_DATA(y)
    with nogil:
        if not spread(bytes_part, &work, work.n * BYTES_COST):
            lookup(work.table, work.x, work.y, work.n)
    return 0


def lookup_bytes(cnp.ndarray table not None, cnp.ndarray x not None, cnp.ndarray y not None):
    """Set ``y[i] = table[x[i]]``, of contiguous arrays whose elements have one byte."""
    apply_table(table, x, y)


def look_up(cnp.ndarray table not None, x, out):
    """Return ``table[x]`` in ``out`` or a new array; None where something needs a closer look.

    Nothing does for contiguous arrays of the table's type, ``out`` being absent, ``x`` or apart.
    """
    cdef int kind = cnp.PyArray_TYPE(table)
    cdef cnp.ndarray codes, y
    cdef size_t start, other
    if not cnp.PyArray_CheckExact(x):
        return None
    codes = <cnp.ndarray>x
    if (
        cnp.PyArray_TYPE(codes) != kind
        or cnp.PyArray_NDIM(codes) == 0
        or not cnp.PyArray_ISCARRAY_RO(codes)
    ):
        return None
    if out is None:
        y = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(codes), cnp.PyArray_DIMS(codes), kind, 0)
    elif not cnp.PyArray_CheckExact(out):
        return None
    else:
        y = <cnp.ndarray>out
        if (
            cnp.PyArray_TYPE(y) != kind
            or not cnp.PyArray_ISCARRAY(y)
            or not cnp.PyArray_SAMESHAPE(y, codes)
        ):
            return None
        start, other = <size_t>cnp.PyArray_DATA(codes), <size_t>cnp.PyArray_DATA(y)
        # Of bytes there are as many as elements.
        if out is not x and max(start, other) - min(start, other) < <size_t>cnp.PyArray_SIZE(y):
            return None
    apply_table(table, codes, y)
    return y


cdef struct Shorts:
    const cubics* data  # NULL for straight lines
    const int16_t* table
    const int16_t* x
    int16_t* y
    Py_ssize_t n


cdef void shorts_part(void* data, int part, int parts) noexcept nogil:
    cdef const Shorts* work = <const Shorts*>data
    cdef Py_ssize_t start = work.n * part // parts
    cdef Py_ssize_t n = work.n * (part + 1) // parts - start
    if work.data == NULL:
        interpolate_int16(work.table, work.x + start, work.y + start, n)
    else:
        evaluate_cubics(work.data, work.x + start, work.y + start, n)


cdef int run_shorts(Shorts* work, const int16_t[::1] x, int16_t[::1] y) except -1:
    if x.shape[0] != y.shape[0]:
        raise ValueError("arrays of one length are needed")
    if x.shape[0] == 0:
        return 0
    work.x, work.y, work.n = &x[0], &y[0], x.shape[0]
    with nogil:
        if not spread(shorts_part, work, work.n * INT16_COST):
            shorts_part(work, 0, 1)
    return 0


def interpolate(const int16_t[::1] table, const int16_t[::1] x, int16_t[::1] y):
    """Apply a table of 513 entries, as `fastcpuact.edge.int16` says."""
    cdef Shorts work
    if table.shape[0] != 513:
        raise ValueError("a table of 513 entries is needed")
    work.data, work.table = NULL, &table[0]
    run_shorts(&work, x, y)


def cubic_pieces(
    tuple numbers,
    tuple shifts,
    const int32_t[::1] constant,
    const int16_t[::1] linear,
    const int16_t[::1] quadratic,
    const int16_t[::1] cubic,
    const int16_t[::1] x,
    int16_t[::1] y,
):
    """Apply cubic pieces, as `fastcpuact.edge.compact16` says."""
    cdef cubics data
    cdef Shorts work
    cdef Py_ssize_t count = constant.shape[0]
    (
        data.width, data.start, data.stop, data.origin, data.reflected,
        data.centre, data.low, data.high, data.guard,
    ) = numbers
    data.shifts[0], data.shifts[1], data.shifts[2] = shifts
    if (
        not 1 <= data.width <= 15
        or (data.stop - data.start) >> data.width != count
        or not count == linear.shape[0] == quadratic.shape[0] == cubic.shape[0]
        or count == 0
    ):
        raise ValueError("coefficients of all pieces are needed")
    data.constant, data.linear = &constant[0], &linear[0]
    data.quadratic, data.cubic = &quadratic[0], &cubic[0]
    work.data, work.table = &data, NULL
    run_shorts(&work, x, y)


cdef struct Rows:
    const softmax_data* data
    softmax_row run
    const char* x
    char* y
    Py_ssize_t rows
    Py_ssize_t n
    Py_ssize_t x_bytes
    Py_ssize_t y_bytes


cdef void rows_part(void* data, int part, int parts) noexcept nogil:
    cdef const Rows* work = <const Rows*>data
    cdef Py_ssize_t row
    for row in range(work.rows * part // parts, work.rows * (part + 1) // parts):
        work.run(work.data, work.x + row * work.x_bytes, work.y + row * work.y_bytes, work.n)


cdef softmax_row softmax_of(char x, char y) noexcept:
    """Return the kernel for arrays whose types have these letters."""
    if x == b"b":
        return softmax_i8_i8 if y == b"b" else softmax_i8_u8 if y == b"B" else softmax_i8_i16
    if x == b"B":
        return softmax_u8_i8 if y == b"b" else softmax_u8_u8 if y == b"B" else softmax_u8_i16
    return softmax_i16_i8 if y == b"b" else softmax_i16_u8 if y == b"B" else softmax_i16_i16


def softmax(
    const uint32_t[::1] high, const uint32_t[::1] low, tuple numbers, x, y
):
    """Apply softmax to the rows of a contiguous array, as `fastcpuact.edge.integer_softmax` says."""
    cdef softmax_data data
    cdef Rows work
    cdef const uint8_t[::1] source
    cdef uint8_t[::1] destination
    data.high, data.low = &high[0], &low[0]
    data.split, data.multiplier, data.exponent, data.zero_point, data.highest = numbers
    letters = x.dtype.char + y.dtype.char
    if x.shape != y.shape or x.ndim != 2 or any(letter not in "bBh" for letter in letters):
        raise ValueError("two arrays of rows of int8, uint8 or int16 are needed")
    if high.shape[0] << data.split != 256 ** x.itemsize or low.shape[0] != 1 << data.split:
        raise ValueError("the exponentials of all distances are needed")
    if x.size == 0:
        return
    source, destination = x.reshape(-1).view("u1"), y.reshape(-1).view("u1")
    work.data, work.run = &data, softmax_of(ord(letters[0]), ord(letters[1]))
    work.x, work.y = <const char*>&source[0], <char*>&destination[0]
    work.rows, work.n = x.shape
    work.x_bytes, work.y_bytes = work.n * x.itemsize, work.n * y.itemsize
    with nogil:
        if not spread(rows_part, &work, work.rows * work.n * SOFTMAX_COST):
            rows_part(&work, 0, 1)


# The fastest one of the level that the other kernels run at.
use_byte_kernel(available_byte_kernels(0 if LEVEL == PORTABLE else int(LEVEL[1:]))[0])
