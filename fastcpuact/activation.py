"""Activation: an activation function with its gradient and their fused forms, as callables."""

from __future__ import annotations

import copyreg
import inspect
from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from . import engines
from .calls import Call, takes_vectorcalls
from .chunked import check_dask, is_chunked, is_dask, is_masked, several_results
from .described import Described
from .docs import form_doc
from .formulas import FORMS, Record
from .formulas.language import PRECISIONS

if engines.COMPILED:
    from .kernels.driver import make_ufunc
    from .kernels.select import KERNELS, Entry

# What np.exp computes in for small integers, and the keywords that decide instead.
_COMPUTED_IN: dict[str, type[np.floating]] = {
    **dict.fromkeys("?bB", np.float16),
    **dict.fromkeys("hH", np.float32),
}
_TYPED = {"dtype", "signature"}

# Whose each of our ufuncs is: NumPy pickles a ufunc by its name in a module, where ours are not.
_FORMS: dict[np.ufunc, Form] = {}
_pickle_another = copyreg.dispatch_table[np.ufunc]


def _pickle_ufunc(ufunc: np.ufunc) -> Any:
    form = _FORMS.get(ufunc)
    return _pickle_another(ufunc) if form is None else (attrgetter("ufunc"), (form,))


copyreg.pickle(np.ufunc, _pickle_ufunc)


@takes_vectorcalls
class Form(Call):
    """One form of one activation, for instance the gradient of gelu.

    Calling it takes the short way to the kernel for exact contiguous arrays, and goes through
    the NumPy ufunc for everything else.

    Examples
    --------
    >>> import fastcpuact as act
    >>> act.gelu.grad
    <activation gelu.grad(x, /, *, out=None, **kwargs)>
    >>> float(act.gelu.grad(0.0))
    0.5
    """

    def __init__(self, record: Record, form_name: str, fast: bool = False) -> None:
        form = record.forms[form_name]
        has_defaults = record.defaults is not None
        compiled = engines.COMPILED and record.is_compiled

        def entries(at_defaults: bool) -> tuple[Entry, ...] | None:
            key = form.key(fast, at_defaults)
            if not compiled:
                return None
            return tuple(KERNELS[record.name, key, precision.dtype] for precision in PRECISIONS)

        general = entries(False)
        super().__init__(
            len(form.operands),
            record.params,
            len(form.results),
            general,
            entries(has_defaults),
            has_defaults,
        )
        self.record = record
        self.form = form
        self.is_fast = fast
        tier = ".fast" if fast else ""
        self.__name__ = record.name + tier + (f".{form_name}" if form_name != "value" else "")
        self.__doc__ = form_doc(record, form, fast)
        self._operands = record.operands(form)
        self._params = record.params
        self._compiled_ufunc = self._ufunc_of(general) if general is not None else None
        # The kernels that Numba has compiled, by dtype and whether they have the defaults in them:
        # what keeps each alive, and its entry.
        self._numba_kernels: dict[tuple[str, bool], tuple[Any, Entry]] = {}

    def _ufunc_of(self, entries: Iterable[Entry]) -> np.ufunc:
        """Make the ufunc of two kernels."""
        operands, results = len(self._operands), len(self.form.results)
        made = make_ufunc(self.__name__, self.form.summary, operands, results, *entries)
        _FORMS[made] = self
        return made

    def numba_kernel(self, dtype: str, at_defaults: bool) -> Entry:
        """Return the entry of a kernel that Numba has compiled, or compiles now."""
        place = dtype, at_defaults
        if place not in self._numba_kernels:
            from .jit.native import compiled

            self._numba_kernels[place] = compiled(
                self.record, self.form, dtype, fast=self.is_fast, at_defaults=at_defaults
            )
        return self._numba_kernels[place][1]

    @property
    def ufunc(self) -> np.ufunc:
        """The genuine NumPy ufunc of the current engine; parameters are its last operands."""
        if engines.current_engine() == "compiled" and self._compiled_ufunc is not None:
            return self._compiled_ufunc
        return self._numba_ufunc

    @cached_property
    def _numba_ufunc(self) -> np.ufunc:
        if engines.COMPILED:
            return self._ufunc_of(self.numba_kernel(p.dtype, False) for p in PRECISIONS)
        from .jit.ufuncs import ufunc

        made = ufunc(self.record, self.form, self.is_fast, self.__name__)
        _FORMS[made] = self
        return made

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
        try:
            return self._compute(operands, kwargs)
        except TypeError:
            # Of Dask arrays, NumPy says only that they gave up.
            check_dask(self.__name__, operands)
            raise

    def _compute(self, operands: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(self.form.results) > 1 and is_chunked(operands):
            return several_results(self.ufunc, operands, kwargs)
        alone = not engines.COMPILED and len(operands) == len(self._operands)
        if alone and (not kwargs or kwargs.keys() == {"out"}):
            result = self._call_numba(operands, kwargs.get("out"))
            if result is not None:
                return result
        return self.ufunc(*operands, **kwargs)

    @cached_property
    def _call_numba(self) -> Any:
        """The way to Numba's kernels where there is no compiled driver."""
        from .jit.arrays import Caller

        return Caller(self.record, self.form, self.is_fast)

    def _bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Put parameters in their place behind the operands."""
        count = len(self.form.operands)
        if len(args) < count:
            raise TypeError(f"{self.__name__}() missing operand {self.form.operands[len(args)]!r}")
        if not self._params:
            return args, kwargs
        kwargs = dict(kwargs)
        operands = list(args)
        for place, (name, default) in enumerate(self._params.items(), start=count):
            if place < len(args):
                if name in kwargs:
                    raise TypeError(f"{self.__name__}() got multiple values for argument {name!r}")
                continue
            value = kwargs.pop(name, default)
            if value is None:
                raise TypeError(f"{self.__name__}() needs a number or an array as {name!r}")
            operands.append(value)
        dtypes = [getattr(operand, "dtype", None) for operand in operands[:count]]
        if (
            all(isinstance(d, np.dtype) and d.char in _COMPUTED_IN for d in dtypes)
            and not kwargs.keys() & _TYPED
        ):
            # NumPy would make float64 of a small integer array and a Python number.
            real = _COMPUTED_IN[np.result_type(*dtypes).char]
            for place in range(count, min(len(operands), len(self._operands))):
                if type(operands[place]) in (int, float):
                    operands[place] = real(operands[place])
        return tuple(operands), kwargs

    def __repr__(self) -> str:
        return f"<activation {self.__name__}{self.__signature__}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _restore, (self.record.name, self.is_fast, self.form.name)


@takes_vectorcalls
class BackwardFromOutput(Form):
    """dy·f'(x) computed from y = f(x), which leaves no need to keep x."""

    def __init__(self, record: Record, form_name: str, fast: bool = False) -> None:
        super().__init__(record, form_name, fast)
        self.declines_negative = bool(record.not_negative)

    def general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Refuse parameters for which y does not determine the gradient."""
        for name in self.record.not_negative:
            place = self._operands.index(name)
            value = args[place] if place < len(args) else kwargs.get(name)
            if value is not None and np.any(np.less(value, 0)):
                raise ValueError(
                    f"{self.__name__}() needs {name} >= 0, got {value!r}: for a negative one y "
                    "does not determine the gradient"
                )
        return super().general(args, kwargs)


class ParamGrads(Form):
    """Gradients of a loss with respect to the parameters: sums of dy·df/dp."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return one gradient for each parameter, summed to the shape of the parameter."""
        if unknown := kwargs.keys() - self.record.params.keys():
            raise TypeError(f"{self.__name__}() got an unexpected argument {unknown.pop()!r}")
        if len(args) > len(self._operands):
            raise TypeError(
                f"{self.__name__}() takes {len(self._operands)} arguments, got {len(args)}"
            )
        operands, _ = self._bind(args, kwargs)
        products = super().__call__(*args, **kwargs)
        if len(self.form.results) == 1:
            products = (products,)
        shapes = [np.shape(param) for param in operands[len(self.form.operands) :]]
        return tuple(map(_sum_to, products, shapes))


def _sum_to(products: Any, shape: tuple[int, ...]) -> Any:
    """Undo a broadcast: add up, in float64, all that came from one element of the operand."""
    if not (is_dask(products) or is_masked(products)):
        products = np.asarray(products)
    added = products.ndim - len(shape)
    axes = tuple(range(added)) + tuple(
        added + axis
        for axis, length in enumerate(shape)
        if length == 1 and products.shape[added + axis] != 1
    )
    total = np.sum(products, axis=axes, dtype=np.float64, keepdims=True)
    with np.errstate(over="ignore", under="ignore"):
        return total.reshape(shape).astype(products.dtype)[()]


def _class_of(record: Record, name: str) -> type[Form]:
    if name == "param_grads":
        return ParamGrads
    if name == "backward_from_output" and record.not_negative:
        return BackwardFromOutput
    return Form


@takes_vectorcalls
class Activation(Form, Described):
    """An activation function f.

    Which of the forms below an activation has, ``record.forms`` says.

    Attributes
    ----------
    grad : Form
        ``f.grad(x)`` is f'(x).
    backward : Form
        ``f.backward(dy, x)`` is dy·f'(x), in one pass.
    value_and_grad : Form
        ``f.value_and_grad(x)`` is the pair f(x), f'(x), in one pass.
    backward_from_output : Form
        ``f.backward_from_output(dy, y)`` is dy·f'(x) for y = f(x), where y determines it.
    grad2 : Form
        ``f.grad2(x)`` is f''(x), where f is twice differentiable almost everywhere.
    param_grads : ParamGrads
        ``f.param_grads(dy, x, …)`` is a tuple with the gradient of each parameter, summed to the
        parameter's shape.
    fast : Activation
        The fast tier: the same function and gradients with a relative error of at most 2**-12.
    record : Record
        What the registry says of it: formulas, parameters, aliases, domain, error bounds.
    info : Info
        All that is known of it: formula, properties, bounds, cost, names in other libraries.
    kind : str
        ``"elementwise"``.

    Examples
    --------
    >>> import fastcpuact as act
    >>> f = act.get("swish")
    >>> f.params
    {'beta': 1.0}
    >>> float(f(0.0)), float(f.grad(0.0))
    (0.0, 0.5)
    """

    kind = "elementwise"

    grad: Form
    backward: Form
    value_and_grad: Form
    backward_from_output: Form
    grad2: Form
    param_grads: ParamGrads
    fast: Activation

    def __init__(self, record: Record, fast: bool = False) -> None:
        super().__init__(record, "value", fast)

    def __getattr__(self, name: str) -> Any:
        # Forms are made when they are first used: a process uses few of them.
        if "record" not in vars(self):
            raise AttributeError(name)
        record = self.record
        offered = record.forms_in(self.is_fast).keys() - {"value"}
        if name not in offered and (name != "fast" or self.is_fast):
            forms = f": it has {', '.join(record.forms_in(self.is_fast))}" if name in FORMS else ""
            raise AttributeError(f"{self.__name__!r} has no attribute {name!r}{forms}")
        return vars(self).setdefault(name, self.made(name))

    def made(self, name: str) -> Form:
        """Make a form or the other tier."""
        if name == "fast":
            return Activation(self.record, fast=True)
        return _class_of(self.record, name)(self.record, name, self.is_fast)

    def __dir__(self) -> list[str]:
        forms = self.record.forms_in(self.is_fast)
        return [*super().__dir__(), *forms, *([] if self.is_fast else ["fast"])]

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


def _restore(name: str, fast: bool, form_name: str) -> Form:
    """Find the object that a pickle names."""
    from . import get

    activation = get(name).fast if fast else get(name)
    return activation if form_name == "value" else getattr(activation, form_name)
