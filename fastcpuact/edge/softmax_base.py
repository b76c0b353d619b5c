"""What every softmax of integer codes has in common."""

from __future__ import annotations

import abc
import math
import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .affine import Affine
from .approximant import Approximant, result_array
from .certificate import Certificate, certificate
from .codes import codes_array
from .function import Floats, Function
from .integers import NAN_POLICY

# The scales of results for which every shift is one of 64 bits.
LEAST_SCALE, LARGEST_SCALE = 2.0**-24, 1.0
_TYPES = ("int8", "uint8", "int16")


class CodeSoftmax(Approximant):
    """A softmax from codes to codes.

    Attributes
    ----------
    input, output : Affine
        What the codes stand for; the zero point of the input has no influence.
    dtype, output_dtype : numpy.dtype
        The types of the codes.
    beta : float
        By what the inputs are multiplied.
    """

    def __init__(
        self,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        output_dtype: np.dtype[Any],
        beta: float,
    ) -> None:
        # It is no function of one variable, which the base class expects.
        self.function = None
        self.name = "softmax"
        self._certificate = None
        self.input = input
        self.output = output
        self.dtype = dtype
        self.output_dtype = output_dtype
        self.beta = beta

    @abc.abstractmethod
    def rows(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on the rows of contiguous arrays of codes."""

    def __call__(self, x: Any, out: NDArray[Any] | None = None, *, axis: int = -1) -> Any:
        """Evaluate along an axis.

        Parameters
        ----------
        x : ndarray
            Codes, of ``dtype``, of at least one dimension.
        out : ndarray, optional
            Where to put the results: of the shape of ``x`` and of ``output_dtype``.
        axis : int
            The axis whose elements sum to 1.

        Returns
        -------
        ndarray
            Codes.
        """
        x = codes_array(x, self.dtype)
        if x.ndim == 0:
            raise ValueError("x must have an axis, got a single code")
        axis = operator.index(axis)
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(f"axis must be one of the {x.ndim} of x, got {axis}")
        y = result_array(x, out, self.output_dtype)
        moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
        results = np.empty(moved.shape, self.output_dtype)
        if moved.size:
            n = moved.shape[-1]
            self.rows(moved.reshape(-1, n), results.reshape(-1, n))
        y[...] = np.moveaxis(results, -1, axis)
        return y

    def backward(self, dy: ArrayLike, y: Any, *, axis: int = -1) -> NDArray[np.float64]:
        """Return the gradient with respect to the real inputs, from the results.

        Parameters
        ----------
        dy : array_like
            The gradient with respect to the real results.
        y : ndarray
            The results, of ``output_dtype``.
        axis : int
            The axis.
        """
        p = self.output.dequantize(codes_array(y, self.output_dtype, "y"))
        dy = np.asarray(dy, np.float64)
        gradient = p * (dy - np.sum(dy * p, axis=axis, keepdims=True))
        return np.asarray(self.beta * gradient)

    def certify(self) -> Certificate:
        """Measure the error anew.

        On all pairs of codes; for 8 bits also on all triples, up to a common shift, which changes
        nothing.
        """
        info, step = np.iinfo(self.dtype), self.input.scale * self.beta
        reach = info.max - info.min
        distance = np.arange(reach + 1)
        above = np.stack([np.full_like(distance, info.max), info.max - distance], axis=1)
        pairs = self(above.astype(self.dtype))
        # The results of a code that is so much above the other: the lower one of each pair, and
        # the upper one.
        codes = np.concatenate([pairs[:0:-1, 1], pairs[:, 0]])
        x = step * np.arange(-reach, reach + 1, dtype=np.float64)
        last = np.iinfo(self.output_dtype)
        clip = self.output.dequantize([last.min, last.max])
        logistic = Function("sigmoid")
        made = certificate(
            function=self.name,
            method=self.method,
            inputs=f"every pair of {self.dtype} codes",
            blocks=[x],
            results=lambda x: self.output.dequantize(codes),
            exact=logistic,
            lsb=self.output.scale,
            clip=tuple(clip),
            limit=self._limit(logistic(x), clip),
            limit_formula="the nearest code to each result",
            symmetric="none",
            nan=NAN_POLICY,
            nbytes=self.nbytes,
        )
        return self._with_triples(made, clip) if self.dtype.itemsize == 1 else made

    def _limit(self, exact: Floats, clip: Floats) -> float:
        units = np.clip(exact, *clip) / self.output.scale
        return float(np.max(np.abs(units - np.rint(units))))

    def _with_triples(self, made: Certificate, clip: Floats) -> Certificate:
        """Take all triples of codes into a certificate."""
        largest = int(np.iinfo(self.dtype).max)
        distances = np.stack(np.meshgrid([0], np.arange(256), np.arange(256)), axis=-1)
        distances = distances.reshape(-1, 3)
        results = self.output.dequantize(self((largest - distances).astype(self.dtype)))
        powers = Function("exponential")(-self.input.scale * self.beta * distances)
        exact = powers / powers.sum(axis=1, keepdims=True)
        error = np.abs(results - exact)
        units = np.abs(results - np.clip(exact, *clip)) / self.output.scale
        relative = error / exact
        changes: dict[str, Any] = {
            "inputs": f"every pair and triple of {self.dtype} codes",
            "count": made.count + error.size,
            "rms": math.sqrt(
                (made.rms**2 * made.count + np.sum(error**2)) / (made.count + error.size)
            ),
            "limit": max(made.limit or 0.0, self._limit(exact, clip)),
        }
        for name, errors in (("max_abs", error), ("max_rel", relative), ("max_lsb", units)):
            i = np.unravel_index(np.argmax(errors), errors.shape)
            if errors[i] > getattr(made, name):
                changes[name] = float(errors[i])
                changes[f"{name}_at"] = float(-self.input.scale * self.beta * distances[i])
        return replace(made, **changes)

    def header(self) -> dict[str, Any]:
        """Return what JSON can hold of the common attributes."""
        return {
            "input": [self.input.scale, self.input.zero_point],
            "output": [self.output.scale, self.output.zero_point],
            "dtype": self.dtype.name,
            "output_dtype": self.output_dtype.name,
            "beta": self.beta,
        }

    @staticmethod
    def common(header: Mapping[str, Any]) -> dict[str, Any]:
        """Inverse of `header`."""
        made: dict[str, Any] = {
            "input": Affine(*header["input"]),
            "output": Affine(*header["output"]),
            "dtype": type_of_codes("dtype", header["dtype"]),
            "output_dtype": type_of_codes("output_dtype", header["output_dtype"]),
            "beta": float(header["beta"]),
        }
        check_numbers(**made)
        return made


def check_numbers(
    input: Affine, output: Affine, dtype: np.dtype[Any], output_dtype: np.dtype[Any], beta: float
) -> None:
    """Raise ValueError if the numbers are out of range."""
    if not (math.isfinite(beta) and beta > 0):
        raise ValueError(f"beta must be positive and finite, got {beta!r}")
    if not LEAST_SCALE <= output.scale <= LARGEST_SCALE:
        raise ValueError(f"output.scale must be between 2**-24 and 1, got {output.scale!r}")
    info = np.iinfo(output_dtype)
    if not info.min <= output.zero_point <= info.max:
        raise ValueError(
            f"output.zero_point must be a code of {output_dtype}, got {output.zero_point}"
        )


def type_of_codes(name: str, dtype: DTypeLike) -> np.dtype[Any]:
    """Return a dtype of codes, in the machine's byte order."""
    found = np.dtype(dtype)
    if found.name not in _TYPES:
        raise ValueError(f"{name} must be one of {', '.join(_TYPES)}, got {found}")
    return found.newbyteorder("=")
