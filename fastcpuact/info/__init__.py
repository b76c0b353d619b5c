"""All that is known of a function, in one place: ``fastcpuact.gelu.info``."""

from .info import LIBRARIES, Info, info_of
from .properties import Properties, Range, properties

__all__ = ["LIBRARIES", "Info", "Properties", "Range", "info_of", "properties"]
