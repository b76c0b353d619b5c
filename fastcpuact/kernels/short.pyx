# cython: language_level=3
# cython: freethreading_compatible=True
"""Callables that take their arguments as they are passed, with neither tuple nor dictionary."""

from cpython.object cimport PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM

cimport numpy as cnp

from .fpenv cimport fpenv_enter, fpenv_leave, fpenv_state
from .relaxed cimport relaxed_load, relaxed_store

cnp.import_array()

cdef extern from "Python.h":
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

cdef enum:
    # No call with more arguments is a short one.
    MAX_ARGUMENTS = 16

cdef Py_ssize_t compiled_engine = True


def set_compiled_engine(bint on):
    """Take the short way to compiled kernels, or to those that Numba made."""
    relaxed_store(&compiled_engine, on)


cdef class ShortCall:
    """A callable with a short way, `quick`, for the calls that are frequent and must cost little.

    A subclass supplies it, and ``general(args, kwargs)`` for everything else.
    """

    def __cinit__(self, *args, **kwargs):
        self.vectorcall = <void*>vectorcall

    def __call__(self, *args, **kwargs):
        cdef PyObject* passed[MAX_ARGUMENTS]
        cdef tuple all_, names
        if len(args) + len(kwargs) <= MAX_ARGUMENTS:
            all_ = (*args, *kwargs.values())
            names = tuple(kwargs)
            for k in range(len(all_)):
                passed[k] = PyTuple_GET_ITEM(all_, k)
            return vectorcall(self, passed, len(args), <PyObject*>names)
        return self.general(args, kwargs)

    cdef object ask_numba(self, tuple arguments):
        """Return ``numba_kernel(*arguments)``: a kernel, compiled if it has not been."""
        # What becomes of its constants must not depend on the caller's mode.
        cdef fpenv_state caller = fpenv_enter()
        try:
            return self.numba_kernel(*arguments)
        finally:
            fpenv_leave(caller)

    cdef object quick(self, PyObject** args, Py_ssize_t given, PyObject* names, bint compiled):
        """Run the engine's kernel, or return None where the call asks for anything else."""
        return None


cdef object vectorcall(object self, PyObject** args, size_t flagged, PyObject* names):
    """Call with the arguments as PEP 590 passes them: values of keywords behind the others."""
    cdef Py_ssize_t given = PyVectorcall_NARGS(flagged)
    cdef fpenv_state caller
    cdef Py_ssize_t k
    result = (<ShortCall>self).quick(args, given, names, relaxed_load(&compiled_engine))
    if result is not None:
        return result
    positional = tuple([<object>args[k] for k in range(given)])
    keywords = {}
    if names != NULL:
        for k, name in enumerate(<tuple>names):
            keywords[name] = <object>args[given + k]
    # NumPy converts parameters and casts operands, which must not depend on the caller's mode.
    caller = fpenv_enter()
    try:
        return self.general(positional, keywords)
    finally:
        fpenv_leave(caller)


def takes_vectorcalls(type cls):
    """Let a subclass without ``__call__`` of its own be called with neither tuple nor dictionary.

    Python classes do not inherit the protocol.
    """
    offer_vectorcall(<PyTypeObject*>cls, vectorcall_offset)
    return cls


cdef ShortCall _sample = ShortCall.__new__(ShortCall)
cdef Py_ssize_t vectorcall_offset = <char*>&_sample.vectorcall - <char*><void*>_sample
