from cpython.ref cimport PyObject

cimport numpy as cnp

# Borrowed references: what a caller passed needs no counting.
cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyArrayObject:
        pass
    int PyArray_CheckExact(PyObject*)
    bint PyArray_ISCARRAY_RO(PyArrayObject*)
    bint PyArray_ISCARRAY(PyArrayObject*)
    int PyArray_NDIM(PyArrayObject*)
    cnp.npy_intp* PyArray_DIMS(PyArrayObject*)
    cnp.npy_intp PyArray_SIZE(PyArrayObject*)
    char* PyArray_BYTES(PyArrayObject*)
    int PyArray_TYPE(PyArrayObject*)
    int PyArray_CompareLists(cnp.npy_intp*, cnp.npy_intp*, int)


cdef class ShortCall:
    cdef void* vectorcall

    cdef object ask_numba(self, tuple arguments)
    cdef object quick(self, PyObject** args, Py_ssize_t given, PyObject* names, bint compiled)


cdef inline bint alike(PyObject* item, int type_, int ndim, cnp.npy_intp* shape) noexcept:
    """Whether an object is an exact, aligned, contiguous array of a dtype and shape."""
    cdef PyArrayObject* array = <PyArrayObject*>item
    return (
        PyArray_CheckExact(item)
        and PyArray_TYPE(array) == type_
        and PyArray_ISCARRAY_RO(array)
        and PyArray_NDIM(array) == ndim
        and (
            PyArray_DIMS(array) == shape
            or PyArray_CompareLists(PyArray_DIMS(array), shape, ndim)
        )
    )


cdef inline bint apart(char* a, Py_ssize_t a_bytes, char* b, Py_ssize_t b_bytes) noexcept:
    """Whether two pieces of memory share nothing."""
    return a + a_bytes <= b or b + b_bytes <= a
