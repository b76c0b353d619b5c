"""Which kernels exist: every form of every activation, as a tree ready to print."""

from __future__ import annotations

from collections.abc import Iterable

from ..formulas.language import Formula, Precision
from ..formulas.registry import Form, Record
from .reader import Reader, rounded
from .tree import Binary, Call, Const, Expr, Kernel, Name

# Names that the printed loops use themselves, and the calls of users in Numba code.
_PRINTED = {"x", "y", "dy", "i", "n", "m", "args", "dimensions", "steps", "data", "size", "start"}
_PRINTED |= {"out0", "out1", "item", "prange", "np", "float32", "float64", "choose", "stand_in"}
# What is appended to the name of a kernel for the loop whose parameters are numbers.
OF_NUMBERS = "_of_numbers"
# What a ufunc takes beside its operands, and the object of a method.
_KEYWORDS = {"out", "where", "dtype", "casting", "order", "subok", "signature", "self"}


def taken(params: Iterable[str]) -> str | None:
    """Return a parameter that has the name of something else, if there is one."""
    clash = (p for p in params if p in _PRINTED | _KEYWORDS or p.endswith(("_f32", "_f64")))
    return next(clash, None)


def kernel_name(record: Record, key: str, precision: Precision) -> str:
    """The printed name of a kernel, in every target; ``key`` is that of its form."""
    return f"{record.name}_{key}_{precision.suffix}_kernel"


def kernel(reader: Reader, record: Record, form: Form, at_defaults: bool = False) -> Kernel:
    """The kernel of one form; the functions that it calls are left in ``reader``.

    ``at_defaults`` makes constants of the parameters: compilers then leave out what they can, a
    multiplication or division by 1 for instance, and the bits stay.
    """
    if name := taken(record.params):
        raise TypeError(f"{record.name}: no parameter may be called {name!r}")
    arguments: dict[str, Expr] = {name: Name(name) for name in record.operands(form)}
    if at_defaults and record.defaults is not None:
        for name, value in zip(record.params, record.defaults, strict=True):
            arguments[name] = Const(rounded(value, reader.precision))

    calls = record.calls(form, at_defaults)

    def result(formula: Formula, names: tuple[str, ...], times_dy: bool) -> Expr:
        value = Call(reader.read(formula).name, tuple(arguments[name] for name in names))
        return Binary(Name("dy"), "*", value) if times_dy else value

    return Kernel(
        name=kernel_name(record, form.key(reader.fast, at_defaults), reader.precision),
        inputs=form.operands if at_defaults else record.operands(form),
        params=() if at_defaults else tuple(record.params),
        outputs=len(form.results),
        results=tuple(result(*call) for call in calls),
        precision=reader.precision,
    )


def kernels(reader: Reader, records: Iterable[Record]) -> dict[tuple[str, str], Kernel]:
    """All kernels of some activations in the reader's tier, by (activation, key of the form)."""
    return {
        (record.name, form.key(reader.fast, at_defaults)): kernel(reader, record, form, at_defaults)
        for record in records
        for form in record.forms_in(reader.fast).values()
        for at_defaults in ((False, True) if record.defaults else (False,))
    }
