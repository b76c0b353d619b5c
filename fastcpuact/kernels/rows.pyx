# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Runs row kernels along any axis of arrays of any stride."""

from cpython.ref cimport PyObject
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from .driver cimport MAX_OPERANDS, gather, kernel_function, scatter

cnp.import_array()

cdef extern from "fpenv.h" nogil:
    ctypedef struct fpenv_state:
        pass
    fpenv_state fpenv_enter()
    void fpenv_leave(fpenv_state)

cdef extern from "numpy/arrayobject.h":
    object PyArray_IterAllButAxis(object, int*)
    void* PyArray_ITER_DATA(PyObject*) nogil
    void PyArray_ITER_NEXT(PyObject*) nogil


def run_rows(uintptr_t kernel, tuple arrays, int axis):
    """Run a row kernel on every row along an axis.

    Parameters
    ----------
    kernel : int
        Address of the kernel.
    arrays : tuple of ndarray
        Inputs and then one output; all native and aligned, of one shape and of the dtype that
        the kernel was made for.  The output may be one of the inputs, and not overlap them else.
    axis : int
        Not negative.
    """
    cdef kernel_function run = <kernel_function><void*>kernel
    cdef int count = <int>len(arrays)
    cdef int output = count - 1
    cdef cnp.ndarray first = arrays[0]
    cdef Py_ssize_t n = first.shape[axis]
    cdef Py_ssize_t rows = first.size // n if n else 0
    cdef int size = first.itemsize
    cdef char* row[MAX_OPERANDS]
    cdef Py_ssize_t step[MAX_OPERANDS]
    cdef bint buffered[MAX_OPERANDS]
    cdef PyObject* iterator[MAX_OPERANDS]
    cdef char* memory
    cdef Py_ssize_t r
    cdef int k, all_but
    cdef fpenv_state caller
    if rows == 0:
        return
    owners = []
    for k in range(count):
        all_but = axis
        owner = PyArray_IterAllButAxis(arrays[k], &all_but)
        owners.append(owner)
        iterator[k] = <PyObject*>owner
        step[k] = (<cnp.ndarray>arrays[k]).strides[axis]
        buffered[k] = step[k] != size and n > 1
    for k in range(output):
        if cnp.PyArray_BYTES(arrays[k]) == cnp.PyArray_BYTES(arrays[output]):
            buffered[output] = True
    memory = <char*>malloc(count * n * size)
    if memory == NULL:
        raise MemoryError
    with nogil:
        caller = fpenv_enter()
        for r in range(rows):
            for k in range(count):
                row[k] = <char*>PyArray_ITER_DATA(iterator[k])
                if buffered[k]:
                    if k != output:
                        gather(memory + k * n * size, row[k], step[k], n, size)
                    row[k] = memory + k * n * size
            run(row, n)
            if buffered[output]:
                scatter(
                    <char*>PyArray_ITER_DATA(iterator[output]), step[output], row[output], n, size
                )
            for k in range(count):
                PyArray_ITER_NEXT(iterator[k])
        fpenv_leave(caller)
    free(memory)
