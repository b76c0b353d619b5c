"""Kernels on contiguous arrays for the Cython code of others, without the interpreter.

    from fastcpuact.kernels.contiguous cimport Float32

    cdef Float32 gelu = Float32("gelu")
    cdef Float32 backward = Float32("elu", "backward", alpha=0.5)

    cdef int forward(const float* x, float* y, Py_ssize_t n) except -1 nogil:
        return gelu.map(x, y, n)

A method for another number of arrays than the form has raises TypeError.
"""

from .driver cimport MAX_OPERANDS, Kernel

# A kernel by the names of an activation, a form and a dtype.
cdef const Kernel* find(str name, str form, str dtype, bint at_defaults) except NULL
# Run a kernel on arrays, inputs first, and on numbers as its parameters.
cdef void run(
    const Kernel* kernel, void** arrays, Py_ssize_t n, const double* params, int count
) noexcept nogil


cdef class Contiguous:
    cdef const Kernel* kernel
    cdef double[MAX_OPERANDS] params
    cdef int count
    # Operands and results of the form, without parameters.
    cdef readonly int operands
    cdef readonly int results
    cdef readonly str name
    cdef int choose(self, str name, str form, str dtype, dict params) except -1
    cdef int apply(
        self, int operands, int results, const void* a, const void* b, const void* c, Py_ssize_t n
    ) except -1 nogil


cdef class Float32(Contiguous):
    # f(x), f.grad(x), f.grad2(x)
    cdef int map(self, const float* x, float* y, Py_ssize_t n) except -1 nogil
    # f.backward(dy, x), f.backward_from_output(dy, y), and a gated pair of value and gate
    cdef int combine(self, const float* a, const float* b, float* y, Py_ssize_t n) except -1 nogil
    # f.value_and_grad(x)
    cdef int split(self, const float* x, float* y, float* d, Py_ssize_t n) except -1 nogil


cdef class Float64(Contiguous):
    cdef int map(self, const double* x, double* y, Py_ssize_t n) except -1 nogil
    cdef int combine(self, const double* a, const double* b, double* y, Py_ssize_t n) except -1 nogil
    cdef int split(self, const double* x, double* y, double* d, Py_ssize_t n) except -1 nogil
