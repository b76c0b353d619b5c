"""Activations of int16 codes: 513 entries with straight lines between them, and cubic pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import compact16, int16
from .affine import Affine
from .codes import kernels
from .function import Function
from .integers import Quantized, check_array, target

# The error that a compact table aims for: rounding the result takes 0.5.
COMPACT_BOUND = 0.75


class LineTable(Quantized):
    """A table of 513 entries for int16 codes, with straight lines between them.

    It is the format of TensorFlow Lite, CMSIS-NN, Ethos-U and others, whose lookup it fits; the
    entries are those with the smallest maximum error. `quantized` makes it.

    Attributes
    ----------
    table : ndarray of int16
        The entries: results of every 128th code from the lowest, and one that follows the highest.
    proven : bool
        Whether no other entries have a smaller maximum error.
    """

    kind = "int16"
    formats = "int16"

    def __init__(
        self,
        function: Function,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        table: NDArray[np.int16],
        proven: bool,
    ) -> None:
        super().__init__(function, input, output, dtype, "away")
        self.table = table
        self.proven = proven

    @classmethod
    def make(cls, function: Function, input: Affine, output: Affine, dtype: np.dtype[Any]) -> Self:
        """Find the best entries."""
        clipped = np.clip(target(function, input, output, dtype), int16.LOW, int16.HIGH)
        return cls(function, input, output, dtype, *int16.optimal_table(clipped))

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        return f"int16 table of {self.table.size} entries and lines between them"

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.table.nbytes

    @property
    def operations(self) -> dict[str, int]:
        """What an element takes on a device, by kind."""
        return {"load": 2, "shift": 2, "add": 4, "multiply": 1}

    def apply(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on flat contiguous arrays of codes."""
        kernels().interpolate(self.table, x, y)

    def limit(self) -> tuple[float | None, str]:
        """Return the largest error of the best entries."""
        if not self.proven:
            return None, ""
        clipped = np.clip(self.target(), int16.LOW, int16.HIGH)
        error = np.abs(int16.errors(self.table, clipped)).max()
        return float(error), "all entries were searched, by dynamic programming"

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data."""
        return {**self.header(), "proven": self.proven}, {"table": self.table}

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        table = check_array(arrays, "table", "int16", int16.ENTRIES)
        return cls(**cls.common(function, header), table=table, proven=bool(header["proven"]))


class CubicTable(Quantized):
    """Cubic pieces for int16 codes, in 32-bit integer arithmetic: the smallest format here.

    `fastcpuact.edge.compact16` says how they are evaluated. `quantized` makes it. The error is
    within 5 % of the limit, but for functions so steep that their slopes, which have 16 bits, are
    rounded noticeably.

    Attributes
    ----------
    data : fastcpuact.edge.compact16.Cubics
        Coefficients, shifts, and where the pieces are.
    """

    kind = "cubics"
    formats = "int16"

    def __init__(
        self,
        function: Function,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        data: compact16.Cubics,
    ) -> None:
        super().__init__(function, input, output, dtype, "away")
        self.data = data

    @classmethod
    def make(cls, function: Function, input: Affine, output: Affine, dtype: np.dtype[Any]) -> Self:
        """Fit the fewest pieces that reach the bound."""
        wanted = target(function, input, output, dtype)
        return cls(function, input, output, dtype, compact16.fit(wanted, COMPACT_BOUND))

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        return f"{len(self.data.constant)} cubic pieces of int16 codes"

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.data.nbytes

    @property
    def operations(self) -> dict[str, int]:
        """What an element takes on a device, by kind."""
        return {"load": 4, "shift": 5, "add": 8, "multiply": 3, "compare": 4}

    def apply(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on flat contiguous arrays of codes."""
        d = self.data
        kernels().cubic_pieces(
            d.numbers, d.shifts, d.constant, d.linear, d.quadratic, d.cubic, x, y
        )

    def limit(self) -> tuple[float, str]:
        """Return what the best real cubics, and rounding to a code, leave."""
        return 0.5 + compact16.least_error(self.data, self.target()), (
            "half a unit for rounding, and the equal errors of the best cubic on the worst piece"
        )

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data."""
        numbers, arrays = compact16.to_parts(self.data)
        return {**self.header(), **numbers}, arrays

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        return cls(**cls.common(function, header), data=compact16.from_parts(header, arrays))
