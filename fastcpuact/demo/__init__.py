"""The demonstration behind ``fastcpuact demo``: a network learns to read, with each activation."""
