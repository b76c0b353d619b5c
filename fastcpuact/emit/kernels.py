"""Which kernels exist: every form of every activation, as a tree ready to print."""

from __future__ import annotations

from collections.abc import Iterable

from ..formulas.language import Precision
from ..formulas.registry import Form, Record
from .reader import Reader
from .tree import Binary, Call, Expr, Kernel, Name

_TAKEN = {"x", "y", "dy", "i", "n", "args", "out0", "out1"}


def kernel_name(record: Record, form: Form, fast: bool, precision: Precision) -> str:
    """The printed name of a kernel, in every target."""
    return f"{record.name}_{form.key(fast)}_{precision.suffix}_kernel"


def kernel(reader: Reader, record: Record, form: Form) -> Kernel:
    """The kernel of one form; the functions that it calls are left in ``reader``."""
    if taken := _TAKEN & record.params.keys():
        raise TypeError(f"{record.name}: the printed loops use the name {taken.pop()!r} themselves")
    arguments = tuple(Name(name) for name in (form.operands[-1], *record.params))

    def result(formula: str) -> Expr:
        value = Call(reader.read(record.formulas[formula]).name, arguments)
        return Binary(Name("dy"), "*", value) if "dy" in form.operands else value

    return Kernel(
        name=kernel_name(record, form, reader.fast, reader.precision),
        inputs=record.operands(form),
        params=tuple(record.params),
        results=tuple(result(formula) for formula in form.results),
        precision=reader.precision,
    )


def kernels(reader: Reader, records: Iterable[Record]) -> dict[tuple[str, str], Kernel]:
    """All kernels of some activations in the reader's tier, by (activation, key of the form)."""
    return {
        (record.name, form.key(reader.fast)): kernel(reader, record, form)
        for record in records
        for form in record.forms_in(reader.fast).values()
    }
