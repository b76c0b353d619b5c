"""Activations compared by what networks learn with them, for ``fastcpuact evaluate``."""
