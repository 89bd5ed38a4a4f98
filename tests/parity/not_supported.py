"""What reference implementations compute and this program does not, with the reason: the one list.

A case that asks for anything else that the program lacks has failed.
"""

NOT_SUPPORTED = {
    "words": "a case in words, without values: there is nothing to compare",
    "diffusion options": "fixed variances, a network that predicts the picture or the KL loss: not SDM's training",
    "heads of the decoder": "another number of attention heads in the decoder than in the encoder: not SDM's network",
    "LPIPS version": "a version of LPIPS other than 0.1: only 0.1 scales its input",
    "channels": "pictures with other than three channels: every data set here is in colour",
    "pix2pixHD inputs": "a pool of earlier pictures, label maps in colour or stored features: beyond the benchmark",
    "SPADE step": "a SPADE step with VAE or the perceptual loss: their parts are cases of their own",
    "norm": "a normalisation or depth that the method's configurations here do not have",
    "SMIS generator": "a generator of SMIS without groups, without noise or for another data set: not GroupDNet",
    "SMIS upsampling": "a seventh upsampling, which fails in the authors' code too",
    "SMIS edges": "an edge channel that is taken for one more class",
    "SMIS encoder": "an encoder of SMIS that does not look at the classes' crops",
    "sketches": "INADE with sketches beside the label map: no data set here has them",
    "face U-Net": "the face U-Net without batch norm, with bilinear upsampling or for grey pictures",
    "DRN": "a dilated residual network of another type or depth than the segmenter's",
    "UPerNet": "an encoder or decoder of the CSAIL program other than UPerNet on ResNet-50 or ResNet-101",
}


class NotSupportedError(Exception):
    """The program has no counterpart of what a case tests. entry: of the list; found: what the case asks for."""

    def __init__(self, entry: str, found: object = "") -> None:
        super().__init__(NOT_SUPPORTED[entry] + (f" ({found})" if found else ""))
