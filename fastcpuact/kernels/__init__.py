"""The compiled engine: kernels per instruction-set level, the block driver, the short call."""
