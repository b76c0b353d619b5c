/* The kernels of fastcpuact for extension modules in C and C++.
 *
 *     #include <Python.h>
 *     #include <fastcpuact.h>          // the folder is that of fastcpuact.get_include()
 *
 *     if (fastcpuact_import() < 0)     // once, holding the interpreter; sets an exception
 *         return NULL;
 *     const fastcpuact_kernel *gelu = fastcpuact->find("gelu", "value", "float32");
 *     ...
 *     fastcpuact_map_f32(gelu, x, y, n);   // without the interpreter, from any thread
 *
 * find(name, form, dtype) returns a kernel for good, or NULL with an exception set.  The name may be
 * an alias; the form is "value", "grad", "backward", "value_and_grad", "backward_from_output",
 * "grad2", "param_grads", or one of the first four behind "fast_"; the dtype is "float32" or
 * "float64".
 *
 * run(kernel, arrays, n, params, count) runs it on arrays of n numbers, those that it reads first
 * and then those that it writes.  Behind what the form reads come the parameters of the activation,
 * in the order of its signature: the last count of them as numbers in params, for all elements, and
 * the others as arrays.  operands(kernel) counts all that it reads, parameters included, and
 * results(kernel) what it writes; itemsize(kernel) is 4 for float32 and 8 for float64, and run
 * takes the arrays to be of that dtype.  Arrays may overlap in any way.  The bits of a result depend
 * on nothing but the numbers.  run returns -1, and does nothing, where n or count make no sense or
 * the kernel is NULL; so do the counts and the itemsize of a kernel that is NULL.
 */
#ifndef FASTCPUACT_H
#define FASTCPUACT_H

#include <Python.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this table; it grows at its end within a version. */
#define FASTCPUACT_VERSION 2
#define FASTCPUACT_CAPSULE "fastcpuact.kernels.contiguous._C_API"

typedef struct fastcpuact_kernel fastcpuact_kernel;

typedef struct {
    int version;
    const char *level; /* instruction-set level that was chosen, "v3" for instance */
    const fastcpuact_kernel *(*find)(const char *name, const char *form, const char *dtype);
    int (*operands)(const fastcpuact_kernel *kernel);
    int (*results)(const fastcpuact_kernel *kernel);
    int (*itemsize)(const fastcpuact_kernel *kernel); /* of a number, in bytes: 4 or 8 */
    int (*run)(const fastcpuact_kernel *kernel, void **arrays, Py_ssize_t n,
               const double *params, int count);
} fastcpuact_table;

#ifndef FASTCPUACT_NO_IMPORT

static const fastcpuact_table *fastcpuact = NULL;

/* Returns 0, or -1 with an exception set. */
static inline int fastcpuact_import(void)
{
    PyObject *module = PyImport_ImportModule("fastcpuact.kernels.contiguous");
    if (module == NULL)
        return -1;
    PyObject *capsule = PyObject_GetAttrString(module, "_C_API");
    Py_DECREF(module);
    if (capsule == NULL)
        return -1;
    fastcpuact = (const fastcpuact_table *)PyCapsule_GetPointer(capsule, FASTCPUACT_CAPSULE);
    Py_DECREF(capsule);
    if (fastcpuact == NULL)
        return -1;
    if (fastcpuact->version != FASTCPUACT_VERSION) {
        PyErr_Format(PyExc_ImportError, "fastcpuact.h is of version %d, fastcpuact has %d",
                     FASTCPUACT_VERSION, fastcpuact->version);
        return -1;
    }
    return 0;
}

/* One array in, one out: "value", "grad", "grad2" of an activation without parameters.  They return
 * -1, and do nothing, for a kernel of another form or of the other dtype. */
static inline int fastcpuact_map(const fastcpuact_kernel *kernel, const void *x, void *y,
                                 Py_ssize_t n, int itemsize)
{
    void *arrays[2];
    if (fastcpuact->itemsize(kernel) != itemsize || fastcpuact->operands(kernel) != 1 ||
        fastcpuact->results(kernel) != 1)
        return -1;
    memcpy(&arrays[0], &x, sizeof x); /* read only, which the type of arrays cannot say */
    arrays[1] = y;
    return fastcpuact->run(kernel, arrays, n, NULL, 0);
}

static inline int fastcpuact_map_f32(const fastcpuact_kernel *kernel, const float *x, float *y,
                                     Py_ssize_t n)
{
    return fastcpuact_map(kernel, x, y, n, (int)sizeof *y);
}

static inline int fastcpuact_map_f64(const fastcpuact_kernel *kernel, const double *x, double *y,
                                     Py_ssize_t n)
{
    return fastcpuact_map(kernel, x, y, n, (int)sizeof *y);
}

#endif

#ifdef __cplusplus
}
#endif

#endif
