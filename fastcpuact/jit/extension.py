"""Activations inside the user's own Numba code: ``act.gelu(x)`` and ``act.gelu.grad(x)`` compile.

Numba calls `register` when it first compiles something (entry point ``numba_extensions``).  A call
on numbers becomes the device function of the formula, which is inlined into the user's loop and
vectorised with it; a call on arrays becomes the loop of the Numba engine.
"""

from __future__ import annotations

import functools
from typing import Any, NoReturn

import numpy as np
from numba import njit, types
from numba.core.errors import TypingError
from numba.core.imputils import lower_constant, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import (
    models,
    overload,
    register_model,
    typeof_impl,
)

from ..activation import Form, ParamGrads
from ..described import Described
from ..emit.kernels import kernel_name
from ..emit.reader import formula_name
from ..formulas.language import FLOAT32, FLOAT64, Precision
from .leaves import INLINED
from .module import module_of


class FormType(types.Dispatcher):
    """The type of one form.  Each form has its own, so that code is compiled for just that one."""

    def __init__(self, form: Form) -> None:
        self.form = form
        super().__init__(_dispatcher(form))

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """Type a call, whose operands Numba names badly if it finds no loop for them."""
        given = (*args, *kws.values())
        if None in map(_real, given):
            raise TypingError(
                f"{self.form.__name__} takes float32, float64, integers, booleans and arrays of "
                f"them inside Numba code, got {', '.join(map(str, given))}"
            )
        return super().get_call_type(context, args, kws)


class OutsideType(types.Callable):
    """The type of a function that Numba code cannot call, along an axis for instance."""

    def __init__(self, function: str) -> None:
        self.function = function
        super().__init__(f"{function}, which is not for Numba code")

    def refuse(self) -> NoReturn:
        """Say so."""
        raise TypingError(
            f"{self.function} is not available inside Numba code: call it outside, on arrays"
        )

    def get_call_type(self, context: Any, args: Any, kws: Any) -> NoReturn:
        """Refuse a call."""
        self.refuse()

    def get_call_signatures(self) -> tuple[list[Any], bool]:
        """Return that there are none."""
        return [], False

    def get_impl_key(self, sig: Any) -> NoReturn:
        """Refuse an implementation."""
        self.refuse()


register_model(FormType)(models.OpaqueModel)


@typeof_impl.register(Form)
def _typeof_form(value: Form, context: Any) -> FormType:
    return _type(value)


@typeof_impl.register(Described)
def _typeof_other(value: Any, context: Any) -> OutsideType:
    return OutsideType(value.name)


@functools.cache
def _type(form: Form) -> FormType:
    return FormType(form)


@lower_constant(FormType)
def _constant(context: Any, builder: Any, type_: Any, value: Any) -> Any:
    return context.get_dummy_value()


@infer_getattr
class _Attributes(AttributeTemplate):
    key = FormType

    def generic_resolve(  # type: ignore[override]
        self, value: FormType, name: str
    ) -> FormType | None:
        # Numba itself asks for special names.
        if name.startswith("_") or name not in dir(value.form):
            return None
        found = getattr(value.form, name)
        # Sums over broadcast axes are for arrays outside.
        if isinstance(found, Form) and not isinstance(found, ParamGrads):
            return _type(found)
        raise TypingError(f"{value.form.__name__}.{name} is not available inside Numba code")


@infer_getattr
class _NoAttributes(AttributeTemplate):
    key = OutsideType

    def generic_resolve(  # type: ignore[override]
        self, value: OutsideType, name: str
    ) -> NoReturn:
        value.refuse()


@lower_getattr_generic(FormType)
def _attribute(context: Any, builder: Any, type_: Any, value: Any, name: str) -> Any:
    return context.get_dummy_value()


def register() -> None:
    """Do nothing: importing this module has told Numba of the types."""


# From a form to what Numba compiles.


@functools.cache
def _dispatcher(form: Form) -> Any:
    """Return the function that a call of a form compiles to, with its parameters by name."""
    operands = form.record.operands(form.form)

    def stand_in(*args: Any) -> Any:
        """Stand for the implementation, which depends on the types."""

    # LLVM on its own leaves long formulas as calls, which no loop can be vectorised over.
    overload(stand_in, jit_options=INLINED)(_overload(form, operands))
    required = [name for name in operands if form.record.params.get(name) is None]
    optional = [f"{k}={v!r}" for k, v in form.record.params.items() if v is not None]
    call = _define(
        f"call_{_identifier(form)}",
        ", ".join(required + optional),
        [f"return stand_in({', '.join(operands)})"],
        {"stand_in": stand_in},
    )
    return njit(**INLINED)(call)


def _identifier(form: Form) -> str:
    return form.__name__.replace(".", "_")


def _define(name: str, arguments: str, body: list[str], names: dict[str, Any]) -> Any:
    """Make a function of a text of names of the registry.

    Numba tells functions apart by their names, and imports their module when it loads what it has
    cached of their callers.
    """
    names = {**names, "__name__": __name__}
    exec("\n    ".join([f"def {name}({arguments}):", *body]), names)
    return names[name]


def _overload(form: Form, operands: tuple[str, ...]) -> Any:
    count = len(form.form.operands)

    def choose(*given: Any) -> Any:
        arrays = {
            name: argument
            for name, argument in zip(operands, given, strict=True)
            if isinstance(argument, types.Array)
        }
        # Numbers beside arrays are weak, as Python's are in NumPy, and so are parameters else.
        deciding = arrays.values() if arrays else given[:count]
        precision = FLOAT64 if FLOAT64 in map(_real, deciding) else FLOAT32
        if arrays:
            return _on_arrays(form, operands, precision, arrays)
        return _on_numbers(form, operands, precision)

    # Numba matches the names of the arguments with those of the implementation.
    arguments = ", ".join(operands)
    body = [f"return choose({arguments})"]
    return _define(f"choose_{_identifier(form)}", arguments, body, {"choose": choose})


def _real(argument: Any) -> Precision | None:
    """Return the precision that NumPy would compute in for an operand."""
    dtype = argument.dtype if isinstance(argument, types.Array) else argument
    dtype = getattr(dtype, "literal_type", dtype)
    if dtype == types.float32:
        return FLOAT32
    small = (types.boolean, types.int8, types.uint8, types.int16, types.uint16)
    if isinstance(argument, types.Array) and dtype in small:
        return FLOAT32
    if isinstance(dtype, types.Integer | types.Boolean) or dtype == types.float64:
        return FLOAT64
    return None


def _on_numbers(form: Form, operands: tuple[str, ...], precision: Precision) -> Any:
    """Return the implementation that computes in a precision with the formulas of a form."""
    real = precision.dtype
    results = []
    for formula, arguments, times_dy in form.record.calls(form.form):
        given = ", ".join(f"{real}({name})" for name in arguments)
        call = f"{formula_name(formula, form.is_fast, precision)}({given})"
        results.append(f"{real}(dy) * {call}" if times_dy else call)
    return _implementation(form, operands, [f"return {', '.join(results)}"])


def _on_arrays(
    form: Form, operands: tuple[str, ...], precision: Precision, arrays: dict[str, types.Array]
) -> Any:
    """Return the implementation that runs a kernel; a parameter of it is an array or a number."""
    real = precision.dtype
    shapes = [f"{name}.shape" for name in arrays]
    lines = [f"shape = np.broadcast_shapes({', '.join(shapes)})"]
    ndim = max(array.ndim for array in arrays.values())
    passed = []
    for k, name in enumerate(operands):
        if name in arrays:
            passed.append(_contiguous(name, arrays[name], ndim, real))
        elif k < len(form.form.operands):
            passed.append(f"np.full(shape, {real}({name})).reshape(-1)")
        else:
            passed.append(f"{real}({name})")
    results = [f"out{k}" for k in range(len(form.form.results))]
    lines += [f"{name} = np.empty(shape, np.{real})" for name in results]
    passed += [f"{name}.reshape(-1)" for name in results]
    kernel = kernel_name(form.record, form.form.key(form.is_fast), precision)
    lines += [f"{kernel}({', '.join(passed)})", f"return {', '.join(results)}"]
    return _implementation(form, operands, lines)


def _contiguous(name: str, array: types.Array, ndim: int, real: str) -> str:
    """Write an array as one of one dimension and of a precision; a copy only where it must be."""
    copy = f"np.broadcast_to({name}, shape).copy()"
    is_whole = array.ndim == ndim and array.layout == "C"
    text = f"({name} if {name}.shape == shape else {copy})" if is_whole else copy
    return f"{text}.reshape(-1)" + f".astype(np.{real})" * (str(array.dtype) != real)


def _implementation(form: Form, operands: tuple[str, ...], body: list[str]) -> Any:
    names = {**vars(module_of(form.record)), "np": np}
    return _define(f"run_{_identifier(form)}", ", ".join(operands), body, names)
