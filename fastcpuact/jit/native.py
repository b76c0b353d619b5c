"""Numba kernels as C functions, for the compiled drivers.

They run them as they run compiled ones: on operands of any stride and overlap, in float16, on
several threads, in the default floating-point environment, and without Numba's own way from Python.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from numba import cfunc, types

from ..emit.cost import OperationCount
from ..emit.kernels import OF_NUMBERS, kernel, kernel_name
from ..emit.reader import Reader
from ..formulas import Record
from ..formulas.language import PRECISIONS
from ..formulas.registry import Form
from .module import module_of, module_of_rows

if TYPE_CHECKING:
    from ..kernels.select import Entry

_BY_DTYPE = {precision.dtype: precision for precision in PRECISIONS}
# The drivers' `kernel_function`: char **arrays, as addresses, and how many elements; and their
# `row_function`: the same, and the length of a row of each.
_ADDRESSES = types.CPointer(types.intp)
_FUNCTION = cfunc(types.void(_ADDRESSES, types.intp), error_model="numpy")
_ROW_FUNCTION = cfunc(types.void(_ADDRESSES, _ADDRESSES), error_model="numpy")


def compiled(
    record: Record, form: Form, dtype: str, *, fast: bool, at_defaults: bool
) -> tuple[Any, Entry]:
    """Compile a kernel; return what keeps it alive, and its entry for the driver."""
    precision = _BY_DTYPE[dtype]
    name = kernel_name(record, form.key(fast, at_defaults), precision)
    reader = Reader(precision, fast=fast)
    read = kernel(reader, record, form, at_defaults)
    count = OperationCount(reader.functions)
    module = module_of(record)
    functions: list[Any] = [_FUNCTION(getattr(module, f"{name}_run"))]
    if count.wants_numbers(read):
        functions.append(_FUNCTION(getattr(module, f"{name}{OF_NUMBERS}_run")))
    address, of_numbers = ([function.address for function in functions] + [0])[:2]
    return functions, (address, count(read), len(read.params), of_numbers)


@functools.cache
def compiled_row(name: str, dtype: str) -> Any:
    """Compile a row kernel, once; its ``address`` is for the driver."""
    return _ROW_FUNCTION(getattr(module_of_rows(), f"{name}_{_BY_DTYPE[dtype].suffix}_run"))
