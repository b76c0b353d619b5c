# A loop over one row of each array.
ctypedef void (*row_function)(char** arrays, const Py_ssize_t* lengths) noexcept nogil

cdef enum:
    MAX_NDIM = 64  # NumPy's
    # Rows of so few elements in all arrays together are better off as columns: functions gain up to
    # 48 elements and more, their gradients, with two arrays to read, up to about 32.  Fewer than so
    # many rows or columns are not.
    SHORT_ROW = 96
    FEW_ROWS = 8
