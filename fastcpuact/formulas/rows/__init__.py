"""Functions along an axis, as loops over one row."""

from . import logarithms, maxout, projections, softmax
from .language import ROW_KERNELS

__all__ = ["ROW_KERNELS", "logarithms", "maxout", "projections", "softmax"]
