"""float16 in Numba, which has no such type on the CPU: the bits are converted, as in leaves.h."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import float32, uint16, uint32
from numba.extending import intrinsic

from .leaves import apart, device, pointer_to

__all__ = ["load_half", "place_half", "store_half"]

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


@apart
def load_half(address, step, start, n, to):
    """Widen n float16 at an address with a stride in bytes, from element ``start`` on.

    One number for all stays in the buffer, unless it is the result before, in blocks of one.
    """
    if step != 0 or start == 0 or n == 1:
        for i in range(n):
            to[i] = _widen(_pointer_u16(address + (start + i) * step)[0])
    return to[:n]


@apart
def place_half(address, step, start, n, to):
    """Return where n results go before they are narrowed."""
    return to[:n]


@apart
def store_half(address, step, start, n, source):
    """Narrow n numbers to float16 at an address with a stride in bytes, from ``start`` on."""
    for i in range(n):
        _pointer_u16(address + (start + i) * step)[0] = _narrow(source[i])
