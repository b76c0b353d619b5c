from typing import Any

def set_compiled_engine(on: bool) -> None: ...

class Call:
    def __init__(
        self,
        operands: int,
        params: dict[str, float | None],
        nout: int,
        float32: int,
        float64: int,
        float32_at_defaults: int,
        float64_at_defaults: int,
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
