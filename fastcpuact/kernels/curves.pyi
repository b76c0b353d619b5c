from typing import Any

from numpy.typing import NDArray

def evaluate(
    choices: tuple[int, ...],
    numbers: tuple[float, ...],
    knots: NDArray[Any],
    data: NDArray[Any],
    denominator: NDArray[Any],
    x: NDArray[Any],
    y: NDArray[Any],
    slope: bool,
) -> None: ...
