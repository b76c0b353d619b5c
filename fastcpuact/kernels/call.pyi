from .select import Entry
from .short import ShortCall

class Call(ShortCall):
    declines_negative: bool
    def __init__(
        self,
        operands: int,
        params: dict[str, float | None],
        nout: int,
        float32: Entry,
        float64: Entry,
        float32_at_defaults: Entry,
        float64_at_defaults: Entry,
    ) -> None: ...
