"""Measures the speed of every function beside all that a user would pick instead.

Imported on demand, by ``fastcpuact bench``, ``fastcpuact report`` and the suites in bench/.  A run
goes through cases (`cases`), which each library spells in its own way (`peers`), in one process for
each number of threads (`worker`, started by `run`), the libraries of a case in turns (`timing`).
What comes out is a `result`; `analysis` compares, `tables` and `pictures` show.
"""
