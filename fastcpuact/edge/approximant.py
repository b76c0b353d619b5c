"""The base class of all approximants, and their files."""

from __future__ import annotations

import abc
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import container
from .certificate import Certificate
from .function import Function

_KINDS: dict[str, type[Approximant]] = {}


class Approximant(abc.ABC):
    """A function that stands for another one, with its data and its certificate.

    A concrete class has a ``kind``, under which its files are found, and keeps all its data in
    plain attributes: numbers, strings and arrays, which `parts` returns and `from_parts` takes.

    Parameters
    ----------
    function : Function
        What is approximated.

    Attributes
    ----------
    function : Function or None
        What is approximated; None in an approximant of a user's function that was loaded.
    name : str
        Its name.
    """

    kind: ClassVar[str]

    def __init__(self, function: Function) -> None:
        self.function: Function | None = function
        self.name = function.name
        self._certificate: Certificate | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" in vars(cls):
            if cls.kind in _KINDS:
                raise TypeError(f"{cls.kind!r} already is the kind of {_KINDS[cls.kind].__name__}")
            _KINDS[cls.kind] = cls

    @abc.abstractmethod
    def __call__(self, x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
        """Evaluate on an array, into ``out`` if it is given."""

    @property
    @abc.abstractmethod
    def method(self) -> str:
        """How it is approximated, in words."""

    @property
    @abc.abstractmethod
    def nbytes(self) -> int:
        """Bytes of data on the device."""

    @property
    def certificate(self) -> Certificate:
        """What is known of its error; measured when it is first asked for, or loaded."""
        if self._certificate is None:
            self._certificate = self.certify()
        return self._certificate

    def exact(self) -> Function:
        """Return what is approximated.

        Raises
        ------
        ValueError
            If it was the user's, and only the approximant was loaded.
        """
        if self.function is None:
            raise ValueError(f"the function {self.name} is not known: give it to load()")
        return self.function

    @abc.abstractmethod
    def certify(self) -> Certificate:
        """Measure the error anew."""

    @abc.abstractmethod
    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data: what JSON can hold, and arrays."""

    @classmethod
    @abc.abstractmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the data are not such data.
        """

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write data and certificate to a file, which `fastcpuact.edge.load` reads.

        The file is a NumPy .npz without pickled objects, with a version and a checksum. It is
        written whole or not at all.

        Parameters
        ----------
        path : path
            The file; one that exists is replaced.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        header, arrays = self.parts()
        activation = None if self.function is None else self.function.activation
        # One that was defined by the user is not found by its name.
        name = activation.name if activation and activation.record.is_compiled else None
        full = {
            "kind": self.kind,
            "name": self.name,
            "activation": name,
            "certificate": self.certificate.as_dict(),
            "data": header,
        }
        container.write(path, full, arrays)

    def __repr__(self) -> str:
        return f"<{self.method} for {self.name}, {self.nbytes} bytes>"


class _Unknown:
    """Stands for a user's function where it is not known."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, x: Any) -> Any:
        raise ValueError(f"the function {self.__name__} is not known: give it to load()")


def load(path: str | os.PathLike[str], function: Any = None) -> Approximant:
    """Read an approximant that its method ``save`` wrote.

    Parameters
    ----------
    path : path
        The file.
    function : callable, optional
        The user's own function that it approximates, if its certificate shall be measured anew.
        Activations of the package are found by their names.

    Returns
    -------
    Approximant
        As it was, with the certificate that was measured then.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not such a file, is of a later version, is truncated, or was changed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from fastcpuact import edge
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "tanh.npz"
    ...     edge.lookup_table("tanh", 65, (-4, 4), interpolation="linear").save(path)
    ...     edge.load(path).nbytes
    260
    """
    header, arrays = container.read(path)
    try:
        kind = _kind(header["kind"])
        found = function if function is not None else header["activation"]
        known = Function(found if found is not None else _Unknown(header["name"]), header["name"])
        made = kind.from_parts(known, header["data"], arrays)
        made._certificate = Certificate.from_dict(header["certificate"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold an approximant: {error}") from error
    if found is None:
        made.function = None
    return made


def _kind(name: Any) -> type[Approximant]:
    from . import KIND_HOMES, import_module

    if name not in _KINDS and name in KIND_HOMES:
        import_module(f"{__package__}.{KIND_HOMES[name]}")
    if name not in _KINDS:
        raise ValueError(f"no approximant is of the kind {name!r}")
    return _KINDS[name]


def result_array(x: NDArray[Any], out: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return ``out`` if it fits the input and a dtype, or a new array.

    Raises
    ------
    TypeError
        If ``out`` is no array.
    ValueError
        If its shape or dtype is another, or it cannot be written to.
    """
    if out is None:
        return np.empty(x.shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, got {type(out).__name__}")
    if out.shape != x.shape:
        raise ValueError(f"out must have the shape {x.shape} of x, got {out.shape}")
    if out.dtype != dtype:
        raise ValueError(f"out must be of {dtype}, got {out.dtype}")
    if not out.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array")
    return out
