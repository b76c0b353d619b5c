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

from .driver cimport DTYPES, MAX_OPERANDS, Kernel, describe, enter, run_kernel
from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state
from .relaxed cimport relaxed_load
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
    float16, with numbers as parameters.  It also supplies ``numba_kernel(dtype, at_defaults)``, the
    entry of a kernel that Numba has compiled, which is asked for once.

    Parameters
    ----------
    operands : int
        How many arrays a call takes.
    params : dict
        What follows them, and the defaults.
    nout : int
        How many results there are.
    kernels : tuple of tuple, or None
        Entries of `select.KERNELS` for float32 and float64; None if Numba has to compile them.
    kernels_at_defaults : tuple of tuple, or None
        The same for kernels that have the defaults in them.
    has_defaults : bool
        Whether there are such kernels.
    """

    # By whether they are compiled or Numba's, and whether they have the defaults in them.
    cdef Kernel[2][2][DTYPES] kernels
    cdef bint is_compiled
    cdef bint has_defaults
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
        tuple kernels,
        tuple kernels_at_defaults,
        bint has_defaults,
    ):
        cdef int nin = operands + <int>len(params)
        cdef int nin_at_defaults = operands if has_defaults else nin
        cdef tuple missing = ((0, 0, 0, 0), (0, 0, 0, 0))
        cdef bint engine
        self.is_compiled = kernels is not None
        self.has_defaults = has_defaults
        for engine, (general, special) in enumerate(
            ((missing, missing), (kernels or missing, kernels_at_defaults or missing))
        ):
            describe(&self.kernels[engine][False][0], nin, nout, general[0], general[1])
            describe(
                &self.kernels[engine][True][0], nin_at_defaults, nout, special[0], special[1]
            )
        self.operands = operands
        # Interned, as keywords in a call are: they are compared by identity.
        self.params = tuple([intern(name) for name in params])
        self.defaults = tuple(params.values())

    cdef int compile_with_numba(self, bint double, bint at_defaults) except -1:
        """Have Numba compile a kernel; float16 shares that of float32."""
        cdef Kernel* kernels = &self.kernels[False][at_defaults][0]
        cdef str dtype = "float64" if double else "float32"
        entry = self.ask_numba((dtype, at_defaults and self.has_defaults))
        if double:
            return enter(&kernels[2], entry)
        enter(&kernels[0], entry)
        return enter(&kernels[1], entry)

    cdef object quick(self, PyObject** args, Py_ssize_t given, PyObject* names, bint compiled):
        """Run the engine's kernel, or return None where the call asks for anything else."""
        cdef Py_ssize_t keywords = PyTuple_GET_SIZE(<tuple>names) if names != NULL else 0
        cdef int nparams = <int>PyTuple_GET_SIZE(self.params)
        cdef PyObject* values[MAX_OPERANDS]
        cdef char* data[MAX_OPERANDS]
        cdef Py_ssize_t steps[MAX_OPERANDS]
        cdef float singles[MAX_OPERANDS]
        cdef double doubles[MAX_OPERANDS]
        cdef Kernel* kernel
        cdef bint engine = compiled and self.is_compiled
        cdef bint at_defaults = True
        cdef Kernel* kernels
        cdef PyArrayObject* x
        cdef PyObject* item
        cdef PyObject* destination = NULL
        cdef fpenv_state caller
        cdef Py_ssize_t n, size, word
        cdef int k, j, type_, nin, nout, ndim

        if given < self.operands or given > self.operands + nparams:
            return None
        if given > self.operands:
            at_defaults = False
        for word in range(keywords):
            item = PyTuple_GET_ITEM(<tuple>names, word)
            if item == <PyObject*>OUT:
                destination = args[given + word]
                continue
            for k in range(<int>given - self.operands, nparams):
                if item == PyTuple_GET_ITEM(self.params, k):
                    at_defaults = False
                    break
            else:
                # Another keyword, or one of these as a string of its own.
                return None
        for k in range(nparams):
            values[k] = PyTuple_GET_ITEM(self.defaults, k)
            if self.operands + k < given:
                values[k] = args[self.operands + k]
        kernels = &self.kernels[engine][at_defaults][0]
        if not at_defaults:
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

        if relaxed_load(<Py_ssize_t*>&kernel.run) == 0:
            self.compile_with_numba(type_ == cnp.NPY_FLOAT64, at_defaults)
            # That takes its time, in which the arrays may have changed.
            return self.quick(args, given, names, compiled)
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
