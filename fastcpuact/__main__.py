"""Run the command line: ``python -m fastcpuact``."""

from fastcpuact.cli import main

main()
