from typing import Any, TypeVar

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
        float32: tuple[int, int],
        float64: tuple[int, int],
        float32_at_defaults: tuple[int, int],
        float64_at_defaults: tuple[int, int],
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
