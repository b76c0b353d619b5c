# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The short way from a Python call to a row kernel, for exact contiguous arrays that are small."""

from cpython.long cimport PyLong_CheckExact
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.limits cimport INT_MAX

from sys import intern

cimport numpy as cnp

from .driver cimport MAX_OPERANDS
from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state
from .relaxed cimport relaxed_load, relaxed_store
from .rows cimport FEW_ROWS, MAX_NDIM, SHORT_ROW, row_function
from .short cimport (
    PyArray_BYTES,
    PyArray_CheckExact,
    PyArray_DIMS,
    PyArray_ISCARRAY,
    PyArray_NDIM,
    PyArray_SIZE,
    PyArray_TYPE,
    PyArrayObject,
    ShortCall,
    alike,
    apart,
)

from .rows import run_rows

cnp.import_array()

cdef extern from "Python.h":
    long PyLong_AsLongAndOverflow(object, int*) except? -1

cdef extern from *:
    """
    #include <numpy/arrayscalars.h>

    /* Where the number of a scalar is, or NULL; NumPy's macros take names of types. */
    static char *scalar_bytes(PyObject *item, int type)
    {
        if (type == NPY_FLOAT64 && PyFloat_CheckExact(item))
            return (char *)&((PyFloatObject *)item)->ob_fval;
        if (type == NPY_FLOAT32 && PyArray_IsScalar(item, Float32))
            return (char *)&PyArrayScalar_VAL(item, Float32);
        if (type == NPY_FLOAT64 && PyArray_IsScalar(item, Float64))
            return (char *)&PyArrayScalar_VAL(item, Float64);
        return NULL;
    }
    """
    char* scalar_bytes(PyObject*, int)

cdef enum:
    # Bytes of an operand up to which a call is short: other threads neither help nor wait for long.
    SHORT = 1 << 17
    # Places of the arguments behind the operands.
    AXIS = 0
    OUT = 1
    WHERE = 2
    KEEPDIMS = 3
    OPTIONS = 4

cdef PyObject* TRUE = <PyObject*>True
cdef PyObject* FALSE = <PyObject*>False
cdef PyObject* NONE = <PyObject*>None


cdef class RowCall(ShortCall):
    """One form of one function along an axis, as a callable.

    A subclass supplies ``general(args, kwargs)`` for everything that is not a short call with exact,
    aligned, C-contiguous arrays of float32 or float64.  It also supplies ``numba_kernel(dtype)``, the
    address of the kernel as Numba has compiled it, which is asked for once.

    Parameters
    ----------
    operands : int
        How many arrays come first in a call.
    options : tuple of str
        What comes after them, by position or by name: the first so many of axis, out, where and
        keepdims.
    kernels : tuple of int
        Addresses of the compiled kernel in float32 and in float64.
    for_columns : tuple of tuple
        The same for its forms for columns, as `run_rows` takes them.
    of_numbers, to_numbers : bool
        Whether the first operand, and the result, hold one number for each row.
    """

    cdef int operands
    cdef tuple options
    # By whether they are compiled or Numba's, and in float32 or float64.
    cdef Py_ssize_t[2][2] kernels
    cdef tuple for_columns
    cdef bint of_numbers
    cdef bint to_numbers

    def __cinit__(self, *args, **kwargs):
        # Until __init__ has run, no call has the right number of operands.
        self.operands = INT_MAX
        self.options = ()

    def __init__(
        self,
        int operands,
        tuple options,
        tuple kernels,
        tuple for_columns,
        *,
        bint of_numbers=False,
        bint to_numbers=False,
    ):
        if not 0 < operands < MAX_OPERANDS or len(options) > OPTIONS:
            raise ValueError(f"{operands} operands and {len(options)} options; too many")
        # Interned, as keywords in a call are: they are compared by identity.
        self.options = tuple([intern(name) for name in options])
        for precision in range(2):
            self.kernels[False][precision] = 0
            self.kernels[True][precision] = kernels[precision]
        self.for_columns = for_columns
        self.of_numbers = of_numbers
        self.to_numbers = to_numbers
        self.operands = operands

    cdef bint arrange(
        self, PyObject** args, Py_ssize_t given, PyObject* names, PyObject** options
    ) noexcept:
        """Put what comes after the operands in its places; return whether all of it has one."""
        cdef Py_ssize_t words = PyTuple_GET_SIZE(<tuple>names) if names != NULL else 0
        cdef int count = <int>PyTuple_GET_SIZE(self.options), k
        cdef Py_ssize_t word
        cdef PyObject* name
        if given < self.operands or given > self.operands + count:
            return False
        for k in range(OPTIONS):
            options[k] = args[self.operands + k] if self.operands + k < given else NULL
        for word in range(words):
            name = PyTuple_GET_ITEM(<tuple>names, word)
            for k in range(<int>given - self.operands, count):
                if name == PyTuple_GET_ITEM(self.options, k):
                    options[k] = args[given + word]
                    break
            else:
                # Another keyword, or one of these as a string of its own.
                return False
        return True

    cdef object quick(self, PyObject** args, Py_ssize_t given, PyObject* names, bint compiled):
        """Run the engine's kernel, or return None where the call asks for anything else."""
        cdef PyObject* options[OPTIONS]
        cdef PyObject* item
        cdef PyArrayObject* x  # the last operand
        cdef PyArrayObject* result
        cdef char* passed[MAX_OPERANDS]
        cdef Py_ssize_t lengths[MAX_OPERANDS]  # of a row
        cdef Py_ssize_t sizes[MAX_OPERANDS]  # in bytes
        cdef cnp.npy_intp kept[MAX_NDIM]  # the shape of one number for each row, and without the axis
        cdef cnp.npy_intp reduced[MAX_NDIM]
        cdef cnp.npy_intp* shape  # of the result
        cdef double number
        cdef Py_ssize_t n, size, start, kernel, length = 0, between = 1
        cdef long axis = -1
        cdef int k, type_, ndim, overflow = 0, precision, itemsize, result_ndim
        cdef bint in_place = False
        cdef row_function run
        cdef fpenv_state caller

        if not self.arrange(args, given, names, options):
            return None
        if options[WHERE] != NULL and options[WHERE] != TRUE:
            return None
        if options[KEEPDIMS] != NULL and options[KEEPDIMS] != FALSE:
            return None
        item = args[self.operands - 1]
        if not PyArray_CheckExact(item):
            return None
        x = <PyArrayObject*>item
        type_ = PyArray_TYPE(x)
        if type_ != cnp.NPY_FLOAT32 and type_ != cnp.NPY_FLOAT64:
            return None
        precision = type_ == cnp.NPY_FLOAT64
        itemsize = 8 if precision else 4
        ndim = PyArray_NDIM(x)
        size = PyArray_SIZE(x)
        if ndim == 0 or size == 0 or size > SHORT // itemsize:
            return None
        if options[AXIS] != NULL:
            if not PyLong_CheckExact(<object>options[AXIS]):
                return None
            axis = PyLong_AsLongAndOverflow(<object>options[AXIS], &overflow)
            if overflow or not -ndim <= axis < ndim:
                return None
        if axis < 0:
            axis += ndim
        n = PyArray_DIMS(x)[axis]
        if self.of_numbers or self.to_numbers:
            for k in range(ndim):
                kept[k] = PyArray_DIMS(x)[k] if k != axis else 1
                if k != axis:
                    reduced[k - (k > axis)] = kept[k]

        for k in range(self.operands):
            item = args[k]
            lengths[k] = n
            sizes[k] = size * itemsize
            if k == 0 and self.of_numbers:
                lengths[k] = 1
                sizes[k] = size // n * itemsize
                passed[k] = scalar_bytes(item, type_) if ndim == 1 else NULL
                if passed[k] != NULL:
                    continue
                if not alike(item, type_, ndim - 1, reduced) and not alike(item, type_, ndim, kept):
                    return None
            elif not alike(item, type_, ndim, PyArray_DIMS(x)):
                return None
            passed[k] = PyArray_BYTES(<PyArrayObject*>item)

        kernel = relaxed_load(&self.kernels[compiled][precision])
        if kernel == 0:
            kernel = self.ask_numba(("float64" if precision else "float32",))
            relaxed_store(&self.kernels[compiled][precision], kernel)
            # That takes its time, in which the arrays may have changed.
            return self.quick(args, given, names, compiled)
        lengths[self.operands] = 1 if self.to_numbers else n
        sizes[self.operands] = size // n * itemsize if self.to_numbers else size * itemsize
        result_ndim = ndim - 1 if self.to_numbers else ndim
        shape = &reduced[0] if self.to_numbers else PyArray_DIMS(x)
        out = None
        if options[OUT] != NULL and options[OUT] != NONE:
            if not alike(options[OUT], type_, result_ndim, shape):
                return None
            result = <PyArrayObject*>options[OUT]
            if not PyArray_ISCARRAY(result):
                return None
            passed[self.operands] = PyArray_BYTES(result)
            for k in range(self.operands):
                if passed[k] == passed[self.operands] and sizes[k] == sizes[self.operands]:
                    in_place = True
                elif not apart(
                    passed[k], sizes[k], passed[self.operands], sizes[self.operands]
                ):
                    return None
            out = <object>options[OUT]
        elif result_ndim == 0:
            passed[self.operands] = <char*>&number
        else:
            out = cnp.PyArray_EMPTY(result_ndim, shape, type_, 0)
            passed[self.operands] = PyArray_BYTES(<PyArrayObject*>out)

        for k in range(self.operands + 1):
            length += lengths[k]
        for k in range(axis + 1, ndim):
            between *= PyArray_DIMS(x)[k]
        if in_place or between > 1 or (length <= SHORT_ROW and size >= n * FEW_ROWS):
            columns = self.for_columns[precision] if compiled else (0, 0)
            self.run_driver(kernel, columns, args, out, ndim, kept, <int>axis)
            return out
        run = <row_function><void*>kernel
        caller = fpenv_enter()
        start = 0
        while start < size:
            run(passed, lengths)
            for k in range(self.operands + 1):
                passed[k] += lengths[k] * itemsize
            start += n
        fpenv_leave(caller)
        return cnp.PyArray_ToScalar(&number, <cnp.ndarray>x) if out is None else out

    cdef int run_driver(
        self,
        Py_ssize_t kernel,
        tuple columns,
        PyObject** args,
        object out,
        int ndim,
        cnp.npy_intp* kept,
        int axis,
    ) except -1:
        """Run the row driver, for which all arrays have the axis."""
        cdef cnp.PyArray_Dims shape
        cdef list arrays = [<object>args[k] for k in range(self.operands)]
        shape.ptr, shape.len = kept, ndim
        if self.of_numbers:
            arrays[0] = cnp.PyArray_Newshape(
                cnp.PyArray_FROM_O(arrays[0]), &shape, cnp.NPY_CORDER
            )
        arrays.append(
            cnp.PyArray_Newshape(out, &shape, cnp.NPY_CORDER) if self.to_numbers else out
        )
        run_rows(kernel, columns, tuple(arrays), self.operands, axis)
        return 0
