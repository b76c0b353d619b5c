from .select import Entry
from .short import ShortCall

class Call(ShortCall):
    declines_negative: bool
    def __init__(
        self,
        operands: int,
        params: dict[str, float | None],
        nout: int,
        kernels: tuple[Entry, ...] | None,
        kernels_at_defaults: tuple[Entry, ...] | None,
        has_defaults: bool,
    ) -> None: ...
