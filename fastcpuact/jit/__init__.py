"""The Numba engine: the same formulas, compiled when they are first used."""
