from typing import Any, TypeVar

from .select import Entry

C = TypeVar("C", bound=type)

def set_compiled_engine(on: bool) -> None: ...
def takes_vectorcalls(cls: C) -> C: ...

class Call:
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
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
