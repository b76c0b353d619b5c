"""Lets threadpoolctl see and limit the threads of long calls.

Importing this module registers the controller; ``import fastcpuact`` does it where threadpoolctl
has been imported before.

Examples
--------
>>> import fastcpuact as act
>>> import fastcpuact.threadpools
>>> from threadpoolctl import threadpool_limits
>>> with threadpool_limits(1, user_api="fastcpuact"):
...     act.get_num_threads()
1
"""

from __future__ import annotations

try:
    from threadpoolctl import LibController, register
except ImportError as error:
    raise ImportError(
        "fastcpuact.threadpools needs threadpoolctl: pip install 'threadpoolctl>=3.2'"
    ) from error

from .threads import get_num_threads, set_num_threads
from .version import __version__


class FastcpuactController(LibController):
    """The package's own pool, found by the extension module that holds it."""

    user_api = "fastcpuact"
    internal_api = "fastcpuact"
    filename_prefixes = ("driver",)
    check_symbols = ("fastcpuact_threads",)

    def get_num_threads(self) -> int:
        """Return on how many threads long calls run."""
        return get_num_threads()

    def set_num_threads(self, num_threads: int) -> None:
        """Run long calls on at most so many threads, in every thread of the process."""
        set_num_threads(num_threads)

    def get_version(self) -> str:
        """Return the version of the package."""
        return __version__


register(FastcpuactController)
