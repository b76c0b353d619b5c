"""Builds a module in Cython and one in C++ on the kernels of fastcpuact."""

from Cython.Build import cythonize
from setuptools import Extension, setup

import fastcpuact

setup(
    name="layers-on-fastcpuact",
    ext_modules=[
        *cythonize(Extension("layers", ["layers.pyx"]), quiet=True),
        Extension("native", ["native.cpp"], include_dirs=[fastcpuact.get_include()]),
    ],
)
