from .short import ShortCall

class RowCall(ShortCall):
    def __init__(
        self,
        operands: int,
        options: tuple[str, ...],
        kernels: tuple[int, int],
        for_columns: tuple[tuple[int, int], tuple[int, int]],
        *,
        of_numbers: bool = False,
        to_numbers: bool = False,
    ) -> None: ...
