# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The short way from a Python call to an elementwise kernel, for exact contiguous arrays."""

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.limits cimport INT_MAX
from libc.math cimport isfinite

from sys import intern

cimport numpy as cnp

from .driver cimport DTYPES, MAX_OPERANDS, Kernel, describe, run_kernel
from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state
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

cnp.import_array()

cdef extern from "Python.h":
    double PyLong_AsDouble(object) except? -1.0
    int PyTuple_CheckExact(PyObject*)

cdef enum:
    # Elements from which a call is long enough for other threads to want the interpreter
    # (NumPy's ufuncs draw the line at 500).
    GIL_RELEASE = 500

cdef str OUT = "out"


cdef class Call(ShortCall):
    """One form of one activation, as a callable.

    A subclass supplies ``general(args, kwargs)`` for everything that is not a call with exact,
    aligned, C-contiguous arrays of one shape and of float32, float64 or, without parameters,
    float16, with numbers as parameters.
    """

    cdef Kernel[DTYPES] kernels
    cdef Kernel[DTYPES] kernels_at_defaults
    cdef int operands
    cdef tuple params
    cdef tuple defaults
    # Whether negative parameters are left to `general`.
    cdef public bint declines_negative

    def __cinit__(self, *args, **kwargs):
        # Until __init__ has run, no call has the right number of operands.
        self.operands = INT_MAX
        self.params = self.defaults = ()

    def __init__(
        self,
        int operands,
        dict params,
        int nout,
        tuple float32,
        tuple float64,
        tuple float32_at_defaults,
        tuple float64_at_defaults,
    ):
        cdef int nparams = len(params)
        describe(self.kernels, operands + nparams, nout, float32, float64)
        # Without a default the kernels are those above, and take the parameters.
        if float32_at_defaults != float32:
            nparams = 0
        describe(
            self.kernels_at_defaults,
            operands + nparams,
            nout,
            float32_at_defaults,
            float64_at_defaults,
        )
        self.operands = operands
        # Interned, as keywords in a call are: they are compared by identity.
        self.params = tuple([intern(name) for name in params])
        self.defaults = tuple(params.values())

    cdef object quick(self, PyObject** args, Py_ssize_t given, PyObject* names):
        """Run the kernel, or return None where the call asks for anything else."""
        cdef Py_ssize_t keywords = PyTuple_GET_SIZE(<tuple>names) if names != NULL else 0
        cdef int nparams = <int>PyTuple_GET_SIZE(self.params)
        cdef PyObject* values[MAX_OPERANDS]
        cdef char* data[MAX_OPERANDS]
        cdef Py_ssize_t steps[MAX_OPERANDS]
        cdef float singles[MAX_OPERANDS]
        cdef double doubles[MAX_OPERANDS]
        cdef const Kernel* kernel
        cdef const Kernel* kernels = self.kernels_at_defaults
        cdef PyArrayObject* x
        cdef PyObject* item
        cdef PyObject* destination = NULL
        cdef fpenv_state caller
        cdef Py_ssize_t n, size, word
        cdef int k, j, type_, nin, nout, ndim

        if given < self.operands or given > self.operands + nparams:
            return None
        if given > self.operands:
            kernels = self.kernels
        for word in range(keywords):
            item = PyTuple_GET_ITEM(<tuple>names, word)
            if item == <PyObject*>OUT:
                destination = args[given + word]
                continue
            for k in range(<int>given - self.operands, nparams):
                if item == PyTuple_GET_ITEM(self.params, k):
                    kernels = self.kernels
                    break
            else:
                # Another keyword, or one of these as a string of its own.
                return None
        for k in range(nparams):
            values[k] = PyTuple_GET_ITEM(self.defaults, k)
            if self.operands + k < given:
                values[k] = args[self.operands + k]
        if kernels == self.kernels:
            for word in range(keywords):
                for k in range(nparams):
                    if PyTuple_GET_ITEM(<tuple>names, word) == PyTuple_GET_ITEM(self.params, k):
                        values[k] = args[given + word]
        else:
            nparams = kernels[0].nin - self.operands
        item = args[0]
        if not PyArray_CheckExact(item):
            return None
        x = <PyArrayObject*>item
        type_ = PyArray_TYPE(x)
        if type_ == cnp.NPY_FLOAT32:
            kernel = &kernels[1]
        elif type_ == cnp.NPY_FLOAT64:
            kernel = &kernels[2]
        elif type_ == cnp.NPY_FLOAT16 and PyTuple_GET_SIZE(self.params) == 0:
            kernel = &kernels[0]
        else:
            return None
        ndim = PyArray_NDIM(x)
        if ndim == 0:
            return None  # a ufunc makes a scalar of it
        for k in range(self.operands):
            item = args[k]
            if not alike(item, type_, ndim, PyArray_DIMS(x)):
                return None
            data[k] = PyArray_BYTES(<PyArrayObject*>item)
            steps[k] = kernel.itemsize

        for k in range(nparams):
            value = <object>values[k]
            if PyFloat_CheckExact(value):
                doubles[k] = PyFloat_AS_DOUBLE(value)
            elif PyLong_CheckExact(value) and -(1 << 53) <= value <= 1 << 53:
                doubles[k] = PyLong_AsDouble(value)
            else:
                return None
            if self.declines_negative and doubles[k] < 0:
                return None
            j = self.operands + k
            steps[j] = 0
            if type_ == cnp.NPY_FLOAT32:
                caller = fpenv_enter()
                singles[k] = <float>doubles[k]
                fpenv_leave(caller)
                if isfinite(doubles[k]) and not isfinite(singles[k]):
                    return None  # NumPy warns of the overflow
                data[j] = <char*>&singles[k]
            else:
                data[j] = <char*>&doubles[k]

        nin, nout = kernel.nin, kernel.nout
        n = PyArray_SIZE(x)
        size = n * kernel.itemsize
        for k in range(nin, nin + nout):
            steps[k] = kernel.itemsize
        out = <object>destination if destination != NULL else None
        if out is None:
            results = []
            for k in range(nout):
                result = cnp.PyArray_EMPTY(ndim, PyArray_DIMS(x), type_, 0)
                results.append(result)
                data[nin + k] = PyArray_BYTES(<PyArrayObject*>result)
            out = results[0] if nout == 1 else tuple(results)
        else:
            if nout > 1 and (not PyTuple_CheckExact(<PyObject*>out) or len(out) != nout):
                return None
            for k in range(nout):
                result = out if nout == 1 else out[k]
                if not alike(<PyObject*>result, type_, ndim, PyArray_DIMS(x)):
                    return None
                if not PyArray_ISCARRAY(<PyArrayObject*>result):
                    return None
                data[nin + k] = PyArray_BYTES(<PyArrayObject*>result)
                for j in range(nin + k):
                    # Exactly in place is what the block driver can do, beside apart.
                    if (j >= nin or data[j] != data[nin + k]) and steps[j] != 0 and not apart(
                        data[j], size, data[nin + k], size
                    ):
                        return None
        if n < GIL_RELEASE:
            run_kernel(kernel, data, n, steps)
        else:
            with nogil:
                run_kernel(kernel, data, n, steps)
        return out
