"""The leaves of the formula language in Numba, and the options of all its functions.

The generated module imports this one whole: ``__all__`` is its vocabulary.  One intrinsic serves
both precisions, since Numba types it by its arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, float32, float64, intp, njit, prange, types, uintp
from numba.core.cgutils import alloca_once
from numba.extending import intrinsic, overload

from . import interleave

__all__ = [
    "array_f32",
    "array_f64",
    "array_places",
    "copysign_f32",
    "copysign_f64",
    "device",
    "empty",
    "exp2_shifted_f32",
    "exp2_shifted_f64",
    "exponent_f32",
    "exponent_f64",
    "fabs_f32",
    "fabs_f64",
    "float32",
    "float64",
    "fma_f32",
    "fma_f64",
    "integer",
    "item",
    "parallel",
    "prange",
    "real_f32",
    "real_f64",
    "select_f32",
    "select_f64",
    "serial",
    "sizeof_f32",
    "sizeof_f64",
    "sizeof_half",
    "sqrt_f32",
    "sqrt_f64",
    "stack_f32",
    "stack_f64",
    "unsigned",
    "wide_f32",
    "wide_f64",
]

# Nobody asks for the C function of a kernel.  What only kernels and loops call has no way in from
# Python either, and must not be called from there: both took a third of the time that long formulas
# need to compile.
_KERNEL: dict[str, Any] = {"no_cfunc_wrapper": True}
_INTERNAL: dict[str, Any] = {"no_cpython_wrapper": True, **_KERNEL}
INLINED: Any = {"forceinline": True, **_INTERNAL}
# error_model="numpy": a division by zero is an infinity and not a branch to an exception, which
# would stop vectorisation.  No fastmath: NaN, infinities and the order of additions count.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}

device = njit(**_OPTIONS, **INLINED)
# Called once for a block, and compiled once for all who call it.
apart = njit(**_OPTIONS, **_INTERNAL)

interleave.install()


def serial(function: Any) -> Any:
    """Compile a kernel to run on one thread."""
    return njit(**_OPTIONS, **_KERNEL)(function)


def parallel(function: Any) -> Any:
    """Compile a kernel with its ``prange`` spread over Numba's threads."""
    return njit(parallel=True, **_OPTIONS, **_KERNEL)(function)


@intrinsic
def _fma(typing_context, a, b, c):
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return a(a, b, c), codegen


@intrinsic
def _fabs(typing_context, a):
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fabs = builder.module.declare_intrinsic("llvm.fabs", [args[0].type])
        return builder.call(fabs, args)

    return a(a), codegen


@intrinsic
def _copysign(typing_context, a, b):
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        real = args[0].type
        copysign = builder.module.declare_intrinsic(
            "llvm.copysign", [real], ir.FunctionType(real, [real, real])
        )
        return builder.call(copysign, args)

    return a(a, b), codegen


@intrinsic
def _sqrt(typing_context, a):
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sqrt = builder.module.declare_intrinsic("llvm.sqrt", [args[0].type])
        return builder.call(sqrt, args)

    return a(a), codegen


@intrinsic
def _exp2_shifted(typing_context, n):
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        width, bias, digits = (32, 127, 23) if n == float32 else (64, 1023, 52)
        bits = builder.bitcast(args[0], ir.IntType(width))
        biased = builder.add(bits, ir.Constant(bits.type, bias))
        return builder.bitcast(builder.shl(biased, ir.Constant(bits.type, digits)), args[0].type)

    return n(n), codegen


@intrinsic
def _exponent(typing_context, x):
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        real = args[0].type
        width, bias, digits = (32, 127, 23) if x == float32 else (64, 1023, 52)
        integer = ir.IntType(width)
        shifted = builder.lshr(builder.bitcast(args[0], integer), ir.Constant(integer, digits))
        # The exponent as the lowest digits of 2^(p-1), which is subtracted with the bias.
        power = ir.Constant(integer, (bias + digits) << digits)
        number = builder.bitcast(builder.or_(shifted, power), real)
        return builder.fsub(number, ir.Constant(real, float(2**digits + bias)))

    return x(x), codegen


@intrinsic
def _select(typing_context, condition, a, b):
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(types.boolean, a, b), codegen


def item(operand: Any, i: int) -> Any:
    """Return element i of an array, or the number itself."""
    return operand[i] if hasattr(operand, "shape") else operand


@overload(item, inline="always")
def _item(operand, i):
    if isinstance(operand, types.Array):
        return lambda operand, i: operand[i]
    return lambda operand, i: operand


def pointer_to(real: Any) -> Any:
    """Return the function that makes a pointer to numbers of a type from an address."""

    @intrinsic
    def pointer(typing_context, address):
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(real)(address), codegen

    return pointer


def _array_at(real: Any) -> Any:
    """Return the function that makes an array of so many numbers of a type at an address."""
    pointer = pointer_to(real)

    @device
    def array_at(address, n):
        return carray(pointer(address), (n,))

    return array_at


array_f32, array_f64 = _array_at(float32), _array_at(float64)
array_places = _array_at(types.intp)


def _stack_of(real: Any) -> Any:
    """Return the function that makes room for so many numbers and returns its address."""

    @intrinsic(prefer_literal=True)
    def stack(typing_context, count):
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            room = ir.ArrayType(context.get_value_type(real), count.literal_value)
            return builder.ptrtoint(alloca_once(builder, room), context.get_value_type(types.intp))

        return types.intp(count), codegen

    return stack


stack_f32, stack_f64 = _stack_of(float32), _stack_of(float64)
integer, unsigned = intp, uintp
sizeof_half, sizeof_f32, sizeof_f64 = 2, 4, 8
empty = np.empty
fma_f32 = fma_f64 = _fma
fabs_f32 = fabs_f64 = _fabs
copysign_f32 = copysign_f64 = _copysign
sqrt_f32 = sqrt_f64 = _sqrt
exp2_shifted_f32 = exp2_shifted_f64 = _exp2_shifted
exponent_f32 = exponent_f64 = _exponent
select_f32 = select_f64 = _select
real_f32, real_f64 = float32, float64
wide_f32 = wide_f64 = float64
