"""The way from a Python call to a kernel, with compiled kernels and without them."""

from __future__ import annotations

from typing import Any, TypeVar

from . import engines

C = TypeVar("C", bound=type)

if engines.COMPILED:
    from .kernels.call import Call as Call
    from .kernels.row_call import RowCall as RowCall
    from .kernels.short import takes_vectorcalls as takes_vectorcalls
else:

    class Call:  # type: ignore[no-redef]
        """A call where nothing is compiled: always the general one."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            """Take what the compiled classes take, and need none of it."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Go the general way."""
            return self.general(args, kwargs)  # type: ignore[attr-defined]

    RowCall = Call  # type: ignore[assignment,misc]

    def takes_vectorcalls(cls: C) -> C:
        """Leave the class as it is."""
        return cls
