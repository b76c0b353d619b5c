# A loop over contiguous arrays, inputs first, of which no output overlaps an input.
ctypedef void (*kernel_function)(char** arrays, Py_ssize_t n) noexcept nogil

# What a form runs on the arrays of one dtype.
cdef struct Kernel:
    kernel_function run
    kernel_function run_of_numbers  # of each parameter it reads the first element only; or NULL
    int params  # how many of the inputs are parameters, the last ones
    int nin
    int nout
    int itemsize
    Py_ssize_t cost  # estimated picoseconds for an element on one thread
    bint half  # the arrays hold float16, and run computes in float32

cdef enum:
    MAX_OPERANDS = 8
    # Elements in a block: 4 operands of 8 bytes stay within half of a 32 KiB first-level cache.
    BLOCK = 512
    DTYPES = 3  # float16, float32, float64: the kernels of a form in this order

# Of the vectors of the kernels.
cdef int vector_bytes

cdef int describe(Kernel* kernels, int nin, int nout, tuple float32, tuple float64) except -1
cdef int enter(Kernel* kernel, tuple entry) except -1
# One of the parts that a long call is split into.
ctypedef void (*pool_job)(void* data, int part, int parts) noexcept nogil

cdef bint spread(pool_job job, void* data, Py_ssize_t picoseconds) noexcept nogil
cdef void run_kernel(
    const Kernel* kernel, char** args, Py_ssize_t n, const Py_ssize_t* steps
) noexcept nogil
cdef void load(
    const Kernel* kernel, char* to, const char* source, Py_ssize_t step, Py_ssize_t n
) noexcept nogil
cdef void store(
    const Kernel* kernel, char* to, Py_ssize_t step, const char* source, Py_ssize_t n, bint far
) noexcept nogil
