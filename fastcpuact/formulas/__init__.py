"""The maths of fastcpuact: every activation once, its gradient directly under it."""

from . import (
    algebraic,
    exponentials,
    gated,
    gelu,
    hard,
    periodic,
    rectifiers,
    self_gated,
    shrinkage,
    sigmoids,
    softplus,
    softplus_gated,
    spiking,
)
from .registry import ACTIVATIONS, FORMS, GATED, Form, Record
from .rows import ROW_KERNELS

# Every record, of activations of any kind.
RECORDS = (*ACTIVATIONS.values(), *GATED.values())

__all__ = [
    "ACTIVATIONS",
    "FORMS",
    "GATED",
    "RECORDS",
    "ROW_KERNELS",
    "Form",
    "Record",
    "algebraic",
    "exponentials",
    "gated",
    "gelu",
    "hard",
    "periodic",
    "rectifiers",
    "self_gated",
    "shrinkage",
    "sigmoids",
    "softplus",
    "softplus_gated",
    "spiking",
]
