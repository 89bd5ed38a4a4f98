"""What reference implementations compute and this program does not, with the reason: the one list.

A case that asks for anything else that the program lacks has failed.
"""

NOT_SUPPORTED = {
    "words": "a case in words, without values: there is nothing to compare",
    "LPIPS version": "a version of LPIPS other than 0.1: only 0.1 scales its input",
    "channels": "pictures with other than three channels: every data set here is in colour",
    "pix2pixHD inputs": "a pool of earlier pictures, label maps in colour or stored features: beyond the benchmark",
    "norm": "a normalisation or depth that the method's configurations here do not have",
    "SMIS generator": "a generator of SMIS without groups, without noise or for another data set: not GroupDNet",
    "SMIS upsampling": "a seventh upsampling, which fails in the authors' code too",
    "SMIS edges": "an edge channel that is taken for one more class",
    "SMIS encoder": "an encoder of SMIS that does not look at the classes' crops",
    "sketches": "INADE with sketches beside the label map: no data set here has them",
    "face U-Net": "the face U-Net without batch norm, with bilinear upsampling or for grey pictures",
    "DRN": "a dilated residual network of type A, which is no segmenter of its authors",
    "UPerNet": "an encoder or decoder of the CSAIL program other than UPerNet on ResNet-50 or ResNet-101",
}


class NotSupportedError(Exception):
    """The program has no counterpart of what a case tests. entry: of the list; found: what the case asks for."""

    def __init__(self, entry: str, found: object = "") -> None:
        super().__init__(NOT_SUPPORTED[entry] + (f" ({found})" if found else ""))
