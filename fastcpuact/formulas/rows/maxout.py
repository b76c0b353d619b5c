"""The largest of groups of neighbours."""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from .language import row_kernel


@row_kernel(exported=True)
def maxout_row(x: In, y: Out, which: Places, n: Index, n_y: Index) -> None:
    """The largest of each group of neighbours, and its place in the group."""
    pieces: Index = n // n_y
    for k in range(n_y):
        best: Real = x[k * pieces]
        at: Index = 0
        for p in range(1, pieces):
            candidate: Real = x[k * pieces + p]
            # The first NaN counts as largest.
            if candidate > best or (candidate != candidate and best == best):
                best = candidate
                at = p
        y[k] = best
        which[k] = at


@row_kernel(exported=True)
def maxout_backward_row(dy: In, which: Places, dx: Out, n: Index, n_dx: Index) -> None:
    """dy where the largest was, and 0 elsewhere."""
    pieces: Index = n_dx // n
    for k in range(n_dx):
        dx[k] = real(0.0)
    for k in range(n):
        dx[k * pieces + which[k]] = dy[k]
