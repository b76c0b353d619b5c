"""Reads the formulas and prints them for each target: the only metaprogramming in the package."""
