# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The short way from a Python call to a kernel, for exact contiguous arrays."""

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyTypeObject
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.limits cimport INT_MAX
from libc.math cimport isfinite

from sys import intern

cimport numpy as cnp

from .driver cimport DTYPES, MAX_OPERANDS, Kernel, describe, run_kernel

cnp.import_array()

cdef extern from "Python.h":
    double PyLong_AsDouble(object) except? -1.0
    int PyTuple_CheckExact(PyObject*)
    Py_ssize_t PyVectorcall_NARGS(size_t)

cdef extern from *:
    """
    /* Cython gives its classes no vectorcall; the protocol is PEP 590's. */
    static void offer_vectorcall(PyTypeObject *type, Py_ssize_t offset)
    {
        type->tp_vectorcall_offset = offset;
        type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        PyType_Modified(type);
    }
    """
    void offer_vectorcall(PyTypeObject*, Py_ssize_t)

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

cdef extern from "fpenv.h" nogil:
    ctypedef struct fpenv_state:
        pass
    fpenv_state fpenv_enter()
    void fpenv_leave(fpenv_state)

cdef extern from "relaxed.h" nogil:
    Py_ssize_t relaxed_load(Py_ssize_t*)
    void relaxed_store(Py_ssize_t*, Py_ssize_t)

cdef enum:
    # Elements from which a call is long enough for other threads to want the interpreter
    # (NumPy's ufuncs draw the line at 500).
    GIL_RELEASE = 500

cdef Py_ssize_t compiled_engine = True
cdef str OUT = "out"


def set_compiled_engine(bint on):
    """Use the short way, or pass every call on to `Call.general`."""
    relaxed_store(&compiled_engine, on)


cdef inline bint apart(char* a, char* b, Py_ssize_t size) noexcept:
    return a + size <= b or b + size <= a


cdef class Call:
    """One form of one activation, as a callable.

    A subclass supplies ``general(args, kwargs)`` for everything that is not a call with exact,
    aligned, C-contiguous arrays of one shape and of float32, float64 or, without parameters,
    float16, with numbers as parameters.
    """

    cdef void* vectorcall
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
        self.vectorcall = <void*>vectorcall

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

    def __call__(self, *args, **kwargs):
        cdef PyObject* passed[2 * MAX_OPERANDS]
        cdef tuple all_, names
        if len(args) + len(kwargs) <= 2 * MAX_OPERANDS:
            all_ = (*args, *kwargs.values())
            names = tuple(kwargs)
            for k in range(len(all_)):
                passed[k] = PyTuple_GET_ITEM(all_, k)
            return vectorcall(self, passed, len(args), <PyObject*>names)
        return self.general(args, kwargs)

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
            if not like(item, x, type_, ndim):
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
                if not like(<PyObject*>result, x, type_, ndim):
                    return None
                if not PyArray_ISCARRAY(<PyArrayObject*>result):
                    return None
                data[nin + k] = PyArray_BYTES(<PyArrayObject*>result)
                for j in range(nin + k):
                    # Exactly in place is what the block driver can do, beside apart.
                    if (j >= nin or data[j] != data[nin + k]) and steps[j] != 0 and not apart(
                        data[j], data[nin + k], size
                    ):
                        return None
        if n < GIL_RELEASE:
            run_kernel(kernel, data, n, steps)
        else:
            with nogil:
                run_kernel(kernel, data, n, steps)
        return out


cdef inline bint like(PyObject* item, PyArrayObject* x, int type_, int ndim) noexcept:
    """Whether an object is an exact, aligned, contiguous array of x's dtype and shape."""
    cdef PyArrayObject* array = <PyArrayObject*>item
    return (
        PyArray_CheckExact(item)
        and PyArray_TYPE(array) == type_
        and PyArray_ISCARRAY_RO(array)
        and PyArray_NDIM(array) == ndim
        and (array == x or PyArray_CompareLists(PyArray_DIMS(array), PyArray_DIMS(x), ndim))
    )


cdef object vectorcall(object self, PyObject** args, size_t flagged, PyObject* names):
    """Call with the arguments as PEP 590 passes them: values of keywords behind the others."""
    cdef Call form = <Call>self
    cdef Py_ssize_t given = PyVectorcall_NARGS(flagged)
    cdef fpenv_state caller
    cdef Py_ssize_t k
    cdef bint compiled = relaxed_load(&compiled_engine)
    if compiled:
        result = form.quick(args, given, names)
        if result is not None:
            return result
    positional = tuple([<object>args[k] for k in range(given)])
    keywords = {}
    if names != NULL:
        for k, name in enumerate(<tuple>names):
            keywords[name] = <object>args[given + k]
    if not compiled:
        return form.general(positional, keywords)
    # NumPy converts parameters and casts operands, which must not depend on the caller's mode.
    caller = fpenv_enter()
    try:
        return form.general(positional, keywords)
    finally:
        fpenv_leave(caller)


def takes_vectorcalls(type cls):
    """Let a subclass without ``__call__`` of its own be called with neither tuple nor dictionary.

    Python classes do not inherit the protocol.
    """
    offer_vectorcall(<PyTypeObject*>cls, vectorcall_offset)
    return cls


cdef Call _sample = Call.__new__(Call)
cdef Py_ssize_t vectorcall_offset = <char*>&_sample.vectorcall - <char*><void*>_sample
