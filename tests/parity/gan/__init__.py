"""Parity of the GAN baselines with their reference implementations, one file a baseline."""

from tests.parity.gan import ccfpse, clade, dagan, groupdnet, inade, oasis, pix2pixhd, scgan, spade

HANDLERS = [
    *ccfpse.HANDLERS,
    *dagan.HANDLERS,
    *groupdnet.HANDLERS,
    *oasis.HANDLERS,
    *pix2pixhd.HANDLERS,
    *scgan.HANDLERS,
    *spade.HANDLERS,
    *clade.HANDLERS,
    *inade.HANDLERS,
]
