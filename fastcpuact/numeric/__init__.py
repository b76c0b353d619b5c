"""What is computed from a function of one variable as it stands: jumps, extrema, expectations."""

from .extrema import largest, smallest
from .jumps import jumps
from .normal import expectation

__all__ = ["expectation", "jumps", "largest", "smallest"]
