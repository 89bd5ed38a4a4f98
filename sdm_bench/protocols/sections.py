"""What a protocol fixes for each metric on each dataset; protocols are YAML of these fields."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kernel = Literal["nearest", "bilinear", "bicubic", "bilinear-opencv", "bilinear-corners", "bicubic-corners"]
"""How pictures are resized: by Pillow, antialiased and rounded to 8 bits; by OpenCV, rounded but not antialiased; or,
with corners, by torch with aligned corners, neither antialiased nor rounded."""
Size = tuple[int, int]
"""(height, width) in pixels."""


class Section(BaseModel):
    """A frozen part of a protocol that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MetricSection(Section):
    """One metric on one dataset.

    unknown: what no source states, by field, each with what is known; with any, nothing is measured.
    """

    unknown: dict[str, str] = Field(default_factory=dict)

    def stated(self) -> dict[str, Any]:
        """The fields as YAML has them; without `unknown` where nothing is."""
        return self.model_dump(mode="json", exclude=None if self.unknown else {"unknown"})

    def weights_names(self) -> list[str]:
        """Registry names of the weights it needs."""
        return []


class FIDProtocol(MetricSection):
    """The Fréchet distance.

    extractor: registry name of its weights. resize: a mode of metrics/resize.py, from the picture to Inception; vision
    transformers have their own.
    real: the photographs of the evaluated split, resized to the samples' size as the recipe `real_recipe` does; or
    statistics that the authors ship. real_count: how many photographs there are, None where anything goes.
    companions: also KID, FD-infinity, precision, recall, density and coverage of the same features.
    """

    extractor: Literal["inception-2015-12-05", "dinov2-vit-l-14", "clip-vit-b-32"]
    resize: Literal["clean", "legacy_pytorch", "sdm", "tf1", "its own"]
    real: Literal["evaluated split", "statistics of the training split"] = "evaluated split"
    real_recipe: Literal["sdm", "spade"] = "sdm"
    real_count: int | None = None
    companions: bool = False

    def weights_names(self) -> list[str]:
        return [self.extractor]


class LPIPSProtocol(MetricSection):
    """LPIPS diversity: over all pairs of the samples of a label map, mean over label maps.

    weights: registry name of the backbone. reading: how pictures become its input, see metrics/lpips_diversity.py.
    samples: how many a label map has; None: as many as there are, from two on. per_class: also inside each class.
    """

    weights: Literal["lpips-alex", "lpips-vgg"]
    reading: Literal["plain", "sdm"] = "plain"
    samples: int | None = None
    per_class: bool = False

    def weights_names(self) -> list[str]:
        return [self.weights]


class MIoUProtocol(MetricSection):
    """Mean IoU of a segmenter's predictions.

    segmenter: registry name of its weights; None: the user's own.
    picture_size, picture_kernel: what the segmenter is fed; "labels": the size that labels have. None: samples as they
    are, resized as the segmenter's authors do.
    short_sides: passes at these short sides, averaged; None: as the segmenter's authors do where picture_size is None.
    labels: "samples", as the generator saw them, at the samples' size; "file", as the dataset stores them.
    label_size: to which they are resized then, to the nearest value; None: as they are. Scores are resized to it,
    bilinear; with aligned corners where score_corners says so.
    classes: "evaluated", those of the dataset's benchmark; "every", those that it ignores too.
    average, without: which classes the mean is over, see metrics/miou.py, and names of classes that it leaves out.
    """

    segmenter: str | None = None
    picture_size: Size | Literal["labels"] | None = None
    picture_kernel: Kernel | None = None
    short_sides: tuple[int, ...] | None = None
    labels: Literal["samples", "file"] = "samples"
    label_size: Size | None = None
    score_corners: bool = False
    classes: Literal["evaluated", "every"] = "evaluated"
    average: Literal["union", "all", "labels"]
    without: tuple[str, ...] = ()

    def weights_names(self) -> list[str]:
        return [] if self.segmenter is None else [self.segmenter]


METRICS: dict[str, type[MetricSection]] = {"fid": FIDProtocol, "lpips": LPIPSProtocol, "miou": MIoUProtocol}
"""The sections of a protocol."""
