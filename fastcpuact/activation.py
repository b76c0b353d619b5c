"""Activation: an activation function with its gradient and their fused forms, as callables."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from . import engines
from .docs import activation_doc, form_doc
from .formulas import Record
from .formulas.language import PRECISIONS

if engines.COMPILED:
    from .kernels.call import Call
    from .kernels.driver import make_ufunc
    from .kernels.select import KERNELS
else:

    class Call:  # type: ignore[no-redef]
        """The way from a call to a kernel where nothing is compiled: always the general one."""

        def __init__(self, *args: Any) -> None:
            """Take what the compiled class takes, and need none of it."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Go the general way."""
            return self.general(args, kwargs)  # type: ignore[attr-defined]


# The integers for which np.exp computes in float32 or less, and the keywords that decide instead.
_COMPUTED_IN_FLOAT32 = tuple(np.dtype(char) for char in "?bBhH")
_TYPED = {"dtype", "signature"}


class Form(Call):
    """One form of one activation, for instance the gradient of gelu.

    Calling it takes the short way to the kernel for exact contiguous arrays, and goes through
    the NumPy ufunc for everything else.
    """

    def __init__(self, record: Record, form_name: str, fast: bool = False) -> None:
        form = record.forms[form_name]
        addresses = (
            [KERNELS[record.name, form.key(fast), precision.dtype] for precision in PRECISIONS]
            if engines.COMPILED
            else [0, 0]
        )
        super().__init__(len(form.operands), record.params, len(form.results), *addresses)
        self.record = record
        self.form = form
        self.is_fast = fast
        tier = ".fast" if fast else ""
        self.__name__ = record.name + tier + (f".{form_name}" if form_name != "value" else "")
        self.__doc__ = form_doc(record, form)
        self._operands = record.operands(form)
        self._compiled_ufunc = (
            make_ufunc(
                self.__name__,
                form.summary,
                len(self._operands),
                len(form.results),
                *addresses,
            )
            if engines.COMPILED
            else None
        )

    @property
    def ufunc(self) -> np.ufunc:
        """The genuine NumPy ufunc of the current engine; parameters are its last operands."""
        if engines.current_engine() == "compiled" and self._compiled_ufunc is not None:
            return self._compiled_ufunc
        from .jit.ufuncs import ufunc

        return ufunc(self.record, self.form.name, self.is_fast, self.__name__)

    @property
    def __signature__(self) -> inspect.Signature:
        make = inspect.Parameter
        parameters = [make(name, make.POSITIONAL_ONLY) for name in self.form.operands]
        for name, default in self.record.params.items():
            value = make.empty if default is None else default
            parameters.append(make(name, make.POSITIONAL_OR_KEYWORD, default=value))
        parameters.append(make("out", make.KEYWORD_ONLY, default=None))
        parameters.append(make("kwargs", make.VAR_KEYWORD))
        return inspect.Signature(parameters)

    def general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call with any arguments that a NumPy ufunc takes."""
        operands, kwargs = self._bind(args, kwargs)
        if engines.current_engine() == "numba" and kwargs.keys() <= {"out"}:
            from .jit.arrays import call

            if len(operands) == len(self._operands):
                result = call(self.record, self.form, self.is_fast, operands, kwargs.get("out"))
                if result is not None:
                    return result
        return self.ufunc(*operands, **kwargs)

    def _bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Put parameters in their place behind the operands."""
        count = len(self.form.operands)
        if len(args) < count:
            raise TypeError(f"{self.__name__}() missing operand {self.form.operands[len(args)]!r}")
        kwargs = dict(kwargs)
        operands = list(args)
        for place, (name, default) in enumerate(self.record.params.items(), start=count):
            if place < len(args):
                if name in kwargs:
                    raise TypeError(f"{self.__name__}() got multiple values for argument {name!r}")
                continue
            value = kwargs.pop(name, default)
            if value is None:
                raise TypeError(f"{self.__name__}() needs a number or an array as {name!r}")
            operands.append(value)
        dtypes = [getattr(operand, "dtype", None) for operand in operands[:count]]
        if all(dtype in _COMPUTED_IN_FLOAT32 for dtype in dtypes) and not kwargs.keys() & _TYPED:
            # NumPy would make float64 of a small integer array and a Python number.
            for place in range(count, min(len(operands), len(self._operands))):
                if type(operands[place]) in (int, float):
                    operands[place] = np.float32(operands[place])
        return tuple(operands), kwargs

    def __repr__(self) -> str:
        return f"<activation {self.__name__}{self.__signature__}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _restore, (self.record.name, self.form.name)


class Activation(Form):
    """An activation function f.

    Attributes
    ----------
    grad : Form
        ``f.grad(x)`` is f'(x).
    backward : Form
        ``f.backward(dy, x)`` is dy·f'(x), in one pass.
    value_and_grad : Form
        ``f.value_and_grad(x)`` is the pair f(x), f'(x), in one pass.
    record : Record
        What the registry says of it: formulas, parameters, aliases, domain, error bounds.
    """

    def __init__(self, record: Record) -> None:
        super().__init__(record, "value")
        for form_name in record.forms.keys() - {"value"}:
            setattr(self, form_name, Form(record, form_name))
        self.__doc__ = activation_doc(record)

    @property
    def name(self) -> str:
        """The canonical name."""
        return self.record.name

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that `fastcpuact.get` accepts."""
        return self.record.aliases

    @property
    def params(self) -> dict[str, float | None]:
        """Parameters and their defaults; None marks one that has to be given."""
        return self.record.params


def _restore(name: str, form_name: str) -> Form:
    """Find the object that a pickle names."""
    from . import get

    activation = get(name)
    return activation if form_name == "value" else getattr(activation, form_name)
