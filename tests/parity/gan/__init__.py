"""Parity of the GAN baselines with their reference implementations, one file a baseline."""

from tests.parity.gan import spade

HANDLERS = [*spade.HANDLERS]
