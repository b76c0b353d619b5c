// The kernels from C++: softplus'(x) with a beta of its own, and tanh, without the interpreter.
#include <Python.h>

#include <fastcpuact.h>

#include <vector>

namespace {

const fastcpuact_kernel *softplus_grad;
const fastcpuact_kernel *tanh_value;
const fastcpuact_kernel *relu_value;

// From a buffer of doubles to a list.
template <typename Compute>
PyObject *apply(PyObject *argument, Compute compute)
{
    Py_buffer view;
    if (PyObject_GetBuffer(argument, &view, PyBUF_CONTIG_RO) < 0)
        return nullptr;
    const Py_ssize_t n = view.len / static_cast<Py_ssize_t>(sizeof(double));
    std::vector<double> y(static_cast<size_t>(n));
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = compute(static_cast<const double *>(view.buf), y.data(), n);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    if (status < 0) {
        PyErr_SetString(PyExc_ValueError, "run refused its arguments");
        return nullptr;
    }
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list != nullptr && i < n; ++i)
        PyList_SET_ITEM(list, i, PyFloat_FromDouble(y[static_cast<size_t>(i)]));
    return list;
}

PyObject *slope(PyObject *, PyObject *argument)
{
    return apply(argument, [](const double *x, double *y, Py_ssize_t n) {
        void *arrays[] = {const_cast<double *>(x), y};
        const double beta = 2.0;
        return fastcpuact->run(softplus_grad, arrays, n, &beta, 1);
    });
}

PyObject *hyperbolic(PyObject *, PyObject *argument)
{
    return apply(argument, [](const double *x, double *y, Py_ssize_t n) {
        return fastcpuact_map_f64(tanh_value, x, y, n);
    });
}

PyObject *wrong(PyObject *, PyObject *argument)
{
    return apply(argument, [](const double *x, double *y, Py_ssize_t n) {
        void *arrays[] = {const_cast<double *>(x), y};
        return fastcpuact->run(tanh_value, arrays, n, nullptr, 1);
    });
}

PyObject *misused(PyObject *, PyObject *argument)
{
    return apply(argument, [](const double *x, double *y, Py_ssize_t n) {
        return fastcpuact_map_f64(softplus_grad, x, y, n);
    });
}

// The arrays are of float64, the kernel is of float32.
PyObject *narrow(PyObject *, PyObject *argument)
{
    return apply(argument, [](const double *x, double *y, Py_ssize_t n) {
        return fastcpuact_map_f64(relu_value, x, y, n);
    });
}

PyObject *not_found(PyObject *, PyObject *argument)
{
    return apply(argument, [](const double *x, double *y, Py_ssize_t n) {
        void *arrays[] = {const_cast<double *>(x), y};
        const int status = fastcpuact->run(nullptr, arrays, n, nullptr, 0);
        return status < 0 ? fastcpuact_map_f64(nullptr, x, y, n) : status;
    });
}

PyObject *look_up(PyObject *, PyObject *name)
{
    // None stands for the mistake of passing no string.
    const char *text = name == Py_None ? nullptr : PyUnicode_AsUTF8(name);
    if (PyErr_Occurred())
        return nullptr;
    const fastcpuact_kernel *kernel = fastcpuact->find(text, "backward", "float32");
    if (kernel == nullptr)
        return nullptr;
    return Py_BuildValue("iii", fastcpuact->operands(kernel), fastcpuact->results(kernel),
                         fastcpuact->itemsize(kernel));
}

PyMethodDef methods[] = {{"slope", slope, METH_O, nullptr},
                         {"tanh", hyperbolic, METH_O, nullptr},
                         {"wrong", wrong, METH_O, nullptr},
                         {"misused", misused, METH_O, nullptr},
                         {"narrow", narrow, METH_O, nullptr},
                         {"not_found", not_found, METH_O, nullptr},
                         {"look_up", look_up, METH_O, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "native", nullptr, -1, methods,
                          nullptr, nullptr, nullptr, nullptr};

} // namespace

PyMODINIT_FUNC PyInit_native(void)
{
    if (fastcpuact_import() < 0)
        return nullptr;
    softplus_grad = fastcpuact->find("softplus", "grad", "float64");
    tanh_value = fastcpuact->find("tanh", "value", "float64");
    relu_value = fastcpuact->find("relu", "value", "float32");
    if (softplus_grad == nullptr || tanh_value == nullptr || relu_value == nullptr)
        return nullptr;
    PyObject *module = PyModule_Create(&definition);
    if (module != nullptr && PyModule_AddStringConstant(module, "level", fastcpuact->level) < 0)
        return nullptr;
    return module;
}
