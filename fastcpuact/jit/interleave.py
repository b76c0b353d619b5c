"""Has LLVM compute several vectors side by side in loops that call functions of this package.

The operations on one vector wait for each other, and what waits fills the scheduler of a processor
before it comes to the next vector.  LLVM interleaves short loops only, unless the metadata of a
loop say how often.  Numba has no word for that, but the contexts of its targets may change the
module of a function when it has been lowered.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba.core.cpu import CPUContext

# As many as the compiled kernels.  Long loops gain up to 1.6 times by it, loops over few hundred
# elements lose what the rest takes that no four vectors are left for.
_VECTORS = 4
# Of the functions of this package, in the names that Numba makes.
_MANGLED = "_ZN10fastcpuact3jit"
# Functions of users that call them outside of loops: those who call these in loops mean the same.
_callers: set[str] = set()


@functools.cache
def install() -> None:
    """Have Numba do so, once for the process."""
    lowered = CPUContext.post_lowering

    @functools.wraps(lowered)
    def post_lowering(self: Any, module: Any, library: Any) -> None:
        lowered(self, module, library)
        for function in module.functions:
            calling = {block for block in function.blocks if _calls(block)}
            loops = list(_loops(function)) if calling else []
            around = [latch for latch, body in loops if not calling.isdisjoint(body)]
            for latch in around:
                _interleave(module, latch)
            if calling and not around:
                _callers.add(function.name)

    CPUContext.post_lowering = post_lowering  # type: ignore[method-assign]


def _loops(function: ir.Function) -> Iterator[tuple[ir.Block, set[ir.Block]]]:
    """Yield the loops of a function: the block that jumps back, and all that it repeats."""
    after = {block: _successors(block) for block in function.blocks}
    before: dict[ir.Block, list[ir.Block]] = {block: [] for block in after}
    for block, successors in after.items():
        for successor in successors:
            before[successor].append(block)
    entry = function.entry_basic_block
    around = {entry: iter(after[entry])}  # from the first block to where the walk has come
    entered = {entry}
    while around:
        block, left = next(reversed(around.items()))
        for successor in left:
            if successor in around:
                yield block, _between(successor, block, before)
            elif successor not in entered:
                entered.add(successor)
                around[successor] = iter(after[successor])
                break
        else:
            del around[block]


def _successors(block: ir.Block) -> list[ir.Block]:
    operands = block.terminator.operands if block.is_terminated else ()
    return [operand for operand in operands if isinstance(operand, ir.Block)]


def _between(
    header: ir.Block, latch: ir.Block, before: dict[ir.Block, list[ir.Block]]
) -> set[ir.Block]:
    """Return the blocks from which the latch is reached without coming by the header."""
    found, left = {header}, [latch]
    while left:
        block = left.pop()
        if block not in found:
            found.add(block)
            left += before[block]
    return found


def _calls(block: ir.Block) -> bool:
    """Whether a block calls a function of this package, or one that calls it."""
    # Assembly may be called too, and has no name.
    callees = (i.callee for i in block.instructions if isinstance(i, ir.CallInstr))
    names = (str(getattr(callee, "name", "")) for callee in callees)
    return any(name.startswith(_MANGLED) or name in _callers for name in names)


def _interleave(module: ir.Module, latch: ir.Block) -> None:
    name = ir.MetaDataString(module, "llvm.loop.interleave.count")
    count = module.add_metadata([name, ir.Constant(ir.IntType(32), _VECTORS)])
    # A loop is known by metadata that begin with themselves.
    loop = ir.MDValue(module, (), name=str(len(module.metadata)))
    loop.operands = (loop, count)
    latch.terminator.set_metadata("llvm.loop", loop)
