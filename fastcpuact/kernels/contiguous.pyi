class Contiguous:
    operands: int
    results: int
    name: str

class Float32(Contiguous):
    def __init__(self, name: str, form: str = "value", **params: float) -> None: ...

class Float64(Contiguous):
    def __init__(self, name: str, form: str = "value", **params: float) -> None: ...
