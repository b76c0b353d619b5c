"""The maths of fastcpuact: every activation once, its gradient directly under it."""

from . import (
    algebraic,
    exponentials,
    gelu,
    hard,
    rectifiers,
    self_gated,
    shrinkage,
    sigmoids,
    softplus,
    softplus_gated,
    spiking,
)
from .registry import ACTIVATIONS, FORMS, Form, Record
from .rows import ROW_KERNELS

__all__ = [
    "ACTIVATIONS",
    "FORMS",
    "ROW_KERNELS",
    "Form",
    "Record",
    "algebraic",
    "exponentials",
    "gelu",
    "hard",
    "rectifiers",
    "self_gated",
    "shrinkage",
    "sigmoids",
    "softplus",
    "softplus_gated",
    "spiking",
]
