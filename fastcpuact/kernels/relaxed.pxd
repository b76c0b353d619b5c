cdef extern from "relaxed.h" nogil:
    Py_ssize_t relaxed_load(Py_ssize_t*)
    void relaxed_store(Py_ssize_t*, Py_ssize_t)
