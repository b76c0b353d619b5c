"""The exact values of every function, from the definitions alone, and the errors of results.

Imported on demand; it needs the packages of the extra ``check``. Nothing here is taken from the
formulas or kernels that it judges.
"""
