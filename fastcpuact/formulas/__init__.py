"""The maths of fastcpuact: every activation once, its gradient directly under it."""

from . import rectifiers, self_gated, sigmoids, softplus
from .registry import ACTIVATIONS, FORMS, Form, Record
from .rows import ROW_KERNELS

__all__ = [
    "ACTIVATIONS",
    "FORMS",
    "ROW_KERNELS",
    "Form",
    "Record",
    "rectifiers",
    "self_gated",
    "sigmoids",
    "softplus",
]
