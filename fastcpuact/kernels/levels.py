"""The instruction-set levels that kernels are compiled for.

Names and contents follow the x86-64 psABI micro-architecture levels; ``portable`` is the one build
for any other processor.
"""

X86_64_LEVELS = ("v2", "v3", "v4")
PORTABLE = "portable"
# Bytes of the vectors that compilers make for them; at v4 setup.py tells them to.
VECTOR_BYTES = {"v2": 16, "v3": 32, "v4": 64, PORTABLE: 16}


# The kernels of a level are in two modules, for compilers are told different things about them:
# elementwise ones that wait for memory are in the second, all others in the first.
HEAVY, LIGHT = "", "_light"
PARTS = (HEAVY, LIGHT)


def module_name(level: str, part: str = HEAVY) -> str:
    """Return the name of the extension module with a part of the kernels of a level."""
    return f"fastcpuact.kernels._{level}{part}"
