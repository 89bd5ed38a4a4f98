"""Noise schedule, losses, guidance, solvers: arithmetic on tensors."""
