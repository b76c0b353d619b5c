"""Genuine NumPy ufuncs from Numba kernels, where no driver for them is compiled.

Numba's own ``vectorize`` knows one output only, and its ``DUFunc`` not all of a ufunc's keywords.
So the inner loops are compiled to C functions and handed to NumPy's C interface, as a C extension
would.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.extending import intrinsic

from ..emit.kernels import kernel_name
from ..formulas import Record
from ..formulas.language import PRECISIONS
from ..formulas.registry import Form
from .module import module_of

_LOOP = types.void(
    types.CPointer(types.intp),  # char **args, as addresses
    types.CPointer(types.intp),
    types.CPointer(types.intp),
    types.voidptr,
)

# C99 <fenv.h>, from the C library that the interpreter has loaded.
_process = ctypes.CDLL(None)
_fegetenv = _process.fegetenv
_fegetenv.argtypes = [ctypes.c_void_p]
_fesetenv = _process.fesetenv
_fesetenv.argtypes = [ctypes.c_void_p]
# Not smaller than fenv_t anywhere (x86-64: 32 bytes, aarch64: 8).
_FENV_WORDS = 16


@intrinsic
def _call_loop(typing_context, address, args, dimensions, steps):
    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = [value.type for value in (*values[1:], values[0])]
        loop = ir.FunctionType(ir.VoidType(), kinds).as_pointer()
        builder.call(builder.bitcast(values[0], loop), [*values[1:], values[0]])
        return context.get_dummy_value()

    return types.none(address, args, dimensions, steps), codegen


@functools.cache
def _quiet_loop() -> Any:
    """Compile the loop of all our ufuncs: it calls the one whose address is its data.

    It restores the floating-point flags afterwards: what is raised on the way is no news.
    """

    @cfunc(_LOOP)
    def quiet(args, dimensions, steps, data):
        environment = np.empty(_FENV_WORDS, np.int64)
        _fegetenv(environment.ctypes)
        _call_loop(data, args, dimensions, steps)  # type: ignore[call-arg]
        _fesetenv(environment.ctypes)

    return quiet


def _numpy_function(index: int, *signature: Any) -> Any:
    """Return an entry of NumPy's ufunc C interface; the order of its table is part of the ABI."""
    capsule = np._core._multiarray_umath._UFUNC_API  # type: ignore[attr-defined]
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    get_pointer = prototype(("PyCapsule_GetPointer", ctypes.pythonapi))
    table = ctypes.cast(get_pointer(capsule, None), ctypes.POINTER(ctypes.c_void_p))
    return ctypes.PYFUNCTYPE(*signature)(table[index])


_PYUFUNC_FROM_FUNC_AND_DATA = 1
_PYUFUNC_NONE = -1

# NumPy keeps pointers to what a ufunc is made of for as long as the ufunc lives.
_alive: list[Any] = []


def ufunc(record: Record, form: Form, fast: bool, public_name: str) -> np.ufunc:
    """Compile the loops of a form and make a ufunc of them."""
    nin, nout = len(record.operands(form)), len(form.results)
    names = [kernel_name(record, form.key(fast), precision) for precision in PRECISIONS]
    # Of float16, float32 and float64: NumPy takes the first that the operands can be cast to.
    functions = [f"{names[0]}_half_loop", *(f"{name}_loop" for name in names)]
    compiled = cfunc(_LOOP, error_model="numpy")
    loops = [compiled(getattr(module_of(record), name)) for name in functions]
    array = ctypes.c_void_p * len(loops)
    pointers = array(*(_quiet_loop().address for _ in loops))
    data = array(*(loop.address for loop in loops))
    dtypes = [np.dtype(np.float16), *(np.dtype(precision.dtype) for precision in PRECISIONS)]
    numbers = [dtype.num for dtype in dtypes for _ in range(nin + nout)]
    type_numbers = ctypes.create_string_buffer(bytes(numbers))
    name, doc = public_name.encode(), form.summary.encode()
    _alive.append((loops, pointers, data, type_numbers, name, doc))
    text, number, pointer = ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
    make = _numpy_function(
        _PYUFUNC_FROM_FUNC_AND_DATA,
        ctypes.py_object,
        *(pointer, pointer, pointer, number, number, number, number, text, text, number),
    )
    result: np.ufunc = make(
        *(pointers, data, type_numbers, len(loops), nin, nout, _PYUFUNC_NONE, name, doc, 0)
    )
    return result
