"""The colours of all pictures.

Of Okabe and Ito, "Color universal design", 2008: told apart with any colour vision, and in print.
Shapes or dashes tell curves apart too.
"""

from typing import Any

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PINK, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
BLACK, GREY = "#000000", "#BBBBBB"

# For curves that share a panel, in this order; yellow is too pale for a line on white.
LINES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "linestyle": "-"},
    {"color": RED, "linestyle": "--"},
    {"color": GREEN, "linestyle": "-."},
    {"color": PINK, "linestyle": ":"},
    {"color": ORANGE, "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    {"color": SKY, "linestyle": (0, (8, 2))},
    {"color": BLACK, "linestyle": (0, (1, 2))},
)
