"""float16 in Numba, which has no such type on the CPU: the bits are converted, as in leaves.h."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import float32, uint16, uint32
from numba.extending import intrinsic

from .leaves import device, pointer_to

__all__ = ["HALF_BLOCK", "half_block", "load_half", "store_half"]

# Elements that are converted at a time: a few operands of a block stay in the first-level cache.
HALF_BLOCK = 512

_pointer_u16 = pointer_to(uint16)


def _cast(source: Any, target: Any, target_type: Any) -> Any:
    @intrinsic
    def bits(typing_context, value):
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], target_type)

        return target(source), codegen

    return bits


_bits = _cast(float32, uint32, ir.IntType(32))
_from_bits = _cast(uint32, float32, ir.FloatType())


@device
def _widen(half):
    magnitude = (uint32(half) & uint32(0x7FFF)) << uint32(13)
    bits = _bits(_from_bits(uint32(magnitude)) * float32(2.0**112))
    special = uint32(0x7F800000) if magnitude >= 0x0F800000 else uint32(0)
    sign = (uint32(half) & uint32(0x8000)) << uint32(16)
    return _from_bits(uint32(bits | special | sign))


@device
def _narrow(x):
    sign = uint32(_bits(x) & uint32(0x80000000))
    magnitude = uint32(_bits(x) ^ sign)
    odd = uint32((magnitude >> uint32(13)) & uint32(1))
    normal = uint32(magnitude + uint32(0xC8000FFF) + odd) >> uint32(13)
    subnormal = uint32(_bits(_from_bits(magnitude) + float32(0.5)) - uint32(0x3F000000))
    large = uint32(0x7E00) if magnitude > 0x7F800000 else uint32(0x7C00)
    half = subnormal if magnitude < 0x38800000 else normal
    half = large if magnitude >= 0x47800000 else half
    return uint16(half | (sign >> uint32(16)))


@device
def load_half(address, start, step, n, to):
    """Widen n float16 at an address with a stride in bytes, from element ``start`` on."""
    for i in range(n):
        to[i] = _widen(_pointer_u16(address + (start + i) * step)[0])


@device
def store_half(source, n, address, start, step):
    """Narrow n numbers to float16 at an address, from element ``start`` on."""
    for i in range(n):
        _pointer_u16(address + (start + i) * step)[0] = _narrow(source[i])


@device
def half_block(args, steps, n, inputs, operands):
    """Elements that may be converted at a time: 1 where an output feeds a later input."""
    block = HALF_BLOCK
    for k in range(inputs, operands):
        for j in range(inputs):
            ahead = args[k] - args[j]
            reach = abs(steps[j]) * n
            if steps[k] == 0 or (0 < ahead < reach) or (-reach < ahead < 0):
                block = 1
    return block
