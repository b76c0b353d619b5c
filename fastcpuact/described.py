"""What every activation, of any kind, can tell of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .info import Info


class Described:
    """Something that `fastcpuact.get` finds."""

    __slots__ = ()

    @property
    def info(self) -> Info:
        """All that is known of it: formula, properties, error bounds, cost, names elsewhere."""
        from .info import info_of

        return info_of(self)
