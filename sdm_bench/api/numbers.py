"""One number of pictures: a float that knows what it is of."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdm_bench.api.arguments import naming_arguments
from sdm_bench.api.pictures import Pictures, Place, is_statistics, refuse_one_place, source_of
from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.evaluation.context import STORED, photographs_source
from sdm_bench.evaluation.fid import FIDSection
from sdm_bench.evaluation.metric import metric
from sdm_bench.evaluation.pairs import frechet, lpips_of_samples, sizes_of
from sdm_bench.metrics.images import ImageSource
from sdm_bench.protocols.protocols import DEFAULT, Protocol, protocol
from sdm_bench.results.gathered import spell_sizes
from sdm_bench.results.rows import REAL


class Number(float):
    """A float that says what it is of, and stands wherever a float may.

    metric: its name in rows. images: how many pictures, of one sample or seed. protocol: by which it was measured.
    extractor: the network behind it, and how pictures are resized to it. real_images: of the other side, None where
    there is none or nobody knows. spread: the standard deviation over seeds (mean IoU) or label maps (LPIPS), None
    where there is one. ceiling: the same number of the photographs, None where there is none.
    """

    metric: str
    images: int
    protocol: str
    extractor: str
    real_images: int | None = None
    spread: float | None = None
    ceiling: float | None = None

    def __new__(cls, value: float, **about: Any) -> "Number":
        made = super().__new__(cls, value)
        unknown = about.keys() - Number.__annotations__.keys()
        if unknown:
            raise TypeError(f"Number has no {', '.join(sorted(unknown))}")
        made.__dict__.update(about)
        return made

    def __repr__(self) -> str:
        said = [f"{name}={value!r}" for name, value in vars(self).items() if value is not None]
        return f"Number({', '.join([float.__repr__(self), *said])})"

    __str__ = float.__repr__


@naming_arguments
def fid(
    a: Pictures, b: Pictures, protocol: str = DEFAULT, *, dataset: str | None = None, device: str = "auto"
) -> Number:
    """The Fréchet Inception distance of the pictures `a` to the pictures `b`; lower is better, 0 for equal ones.

    a, b: a flat folder, an .npz or .npy of guided-diffusion, an array uint8 (N, H, W, 3), or an open dataset, which
    stands for its photographs. b may also be a file or folder of statistics, as clean-fid, pytorch-fid, INADE or
    `stats export` write them.
    protocol: says which network, how pictures are resized to it and how covariances are computed. `sdm-bench@1` resizes
    antialiased to Inception's 299x299, as clean-fid does in mode "clean"; between two folders nothing else is resized.
    A dataset's photographs are first resized to the size of the pictures on the other side, as `evaluate` does; those
    of two datasets are taken as they are stored. dataset: whose fields of the protocol hold where neither side is a
    dataset, by default `folder`, one's own.
    Which pictures there are is not checked: `evaluate` wants exactly one for each label map. Raises UserError for
    pictures that can't be read, a protocol that compares with something else, and weights that are not in the cache
    (`sdm-bench weights fetch` brings them).

    >>> import numpy as np, sdm_bench as sb
    >>> sb.write_toy("cityscapes", "scenes", {"val": 4}, size=(32, 64))
    >>> photographs = np.stack([scene.image for scene in sb.datasets.open("cityscapes", "scenes")])
    >>> found = sb.fid(photographs // 2, photographs)
    >>> found > 0, found.images, found.real_images, found.extractor
    (True, 4, 4, 'inception-2015-12-05, clean')
    """
    chosen = _protocol(protocol)
    kind = _kind(a, b, dataset=dataset)
    section: FIDSection = metric("fid").stated(chosen, kind)
    if is_statistics(b):
        assert not isinstance(b, SemanticDataset)
        images, real = source_of("a", a), Path(b)  # type: ignore[arg-type]
        found = frechet(images, real, chosen, kind, device)
    else:
        found = frechet(*_sides(a, b, section), chosen, kind, device)
    return Number(
        found.value,
        metric="fid",
        images=found.images,
        protocol=chosen.name,
        extractor=found.extractor,
        real_images=found.real_images,
    )


@naming_arguments
def lpips_diversity(
    folders: Sequence[Pictures], protocol: str = DEFAULT, *, dataset: str | None = None, device: str = "auto"
) -> Number:
    """LPIPS diversity: the mean LPIPS over the pairs of samples of a label map, and over label maps; higher is better.

    folders: two or more, each with one sample of every label map under the same names; or arrays uint8 (N, H, W, 3) in
    the same order. protocol, dataset: as for `fid`. `sdm-bench@1` takes AlexNet and pictures at their own size. The
    number's `images` are label maps, its `spread` is over them. Raises UserError where names differ.

    >>> import numpy as np, sdm_bench as sb
    >>> drawn = np.random.default_rng(0).integers(256, size=(2, 3, 32, 64, 3), dtype=np.uint8)
    >>> sb.lpips_diversity([drawn[0], drawn[0]])
    Number(0.0, metric='lpips', images=3, protocol='sdm-bench@1', extractor='lpips-alex', spread=0.0)
    >>> sb.lpips_diversity(list(drawn)) > 0
    True
    """
    refuse_one_place("folders", folders)
    chosen = _protocol(protocol)
    samples = [source_of(f"folders[{number}]", each) for number, each in enumerate(folders)]
    kind = _kind(*folders, dataset=dataset)
    found, title = lpips_of_samples(samples, chosen, kind, device)
    return Number(
        found.mean,
        metric="lpips",
        images=found.maps,
        protocol=chosen.name,
        extractor=title,
        spread=found.spread if found.maps > 1 else None,
    )


@naming_arguments
def miou(
    pictures: Place | Sequence[Place],
    dataset: SemanticDataset | None = None,
    segmenter: str | None = None,
    protocol: str = DEFAULT,
    *,
    seeds: Sequence[int] | None = None,
    device: str = "auto",
) -> Number:
    """Mean IoU of what a segmenter sees in pictures with the label maps that they are of; higher is better, at most 1.

    pictures: a run's folder, or somebody's pictures as `evaluate` takes them: exactly one for each label map of
    `dataset` and sample. dataset: an open split; of a run by default the one it was sampled on. segmenter: `toy`, a run
    of `sdm-bench segment train`, a weights file, or files of MMSegmentation as "mmseg:CONFIG.py,WEIGHTS.pth"; by
    default the protocol's. protocol: `sdm-bench@1` compares at the pictures' size, label maps resized to the nearest
    value. The number is the mean over seeds; `ceiling` is that of the photographs. Nothing is written. Raises UserError
    as `evaluate` does.

    >>> import sdm_bench as sb
    >>> from PIL import Image
    >>> from pathlib import Path
    >>> sb.write_toy("cityscapes", "scenes", {"val": 4}, size=(32, 64))
    >>> scenes = sb.datasets.open("cityscapes", "scenes")
    >>> Path("mine").mkdir()
    >>> for scene in scenes:
    ...     Image.fromarray(scene.image).save(f"mine/{scene.id}.png")
    >>> found = sb.miou("mine", scenes, segmenter="toy")
    >>> found == found.ceiling, found.images
    (True, 4)
    """
    from sdm_bench.api.rows import measured

    rows, failures = measured(
        pictures, dataset, ["miou"], protocol, segmenter=segmenter, seeds=seeds, device=device, stored=False
    )
    if failures:
        raise UserError(failures[0])
    first = rows[0]
    ceiling = next((row.value for row in rows if row.metric == "miou" and row.method == REAL), None)
    return Number(
        first.value,
        metric="miou",
        images=first.num_images,
        protocol=first.protocol,
        extractor=first.extractor,
        spread=first.spread,
        ceiling=ceiling,
    )


def _protocol(name: str) -> Protocol:
    """The protocol called `name`, which the functions' own argument hides."""
    return protocol(name)


def _kind(*sides: Pictures, dataset: str | None) -> str:
    """The dataset whose fields of a protocol hold; raises UserError where it is said twice."""
    kinds = dict.fromkeys(each.kind for each in sides if isinstance(each, SemanticDataset))
    if kinds and dataset is not None:
        raise UserError(f"dataset '{dataset}': the pictures are of an open dataset, {', '.join(kinds)}; leave it out")
    if len(kinds) > 1:
        raise UserError(f"pictures of {' and '.join(kinds)}; expected one dataset")
    return next(iter(kinds), dataset or Folder.name)


def _sides(a: Pictures, b: Pictures, section: FIDSection) -> tuple[ImageSource, ImageSource]:
    """Both sides as what is measured; the photographs of a lone dataset at the size of the pictures of the other."""
    first, second = source_of("a", a), source_of("b", b)
    if section.real_recipe != STORED:
        if isinstance(a, SemanticDataset) and not isinstance(b, SemanticDataset):
            return _resized(a, second, section.real_recipe), second
        if isinstance(b, SemanticDataset) and not isinstance(a, SemanticDataset):
            return first, _resized(b, first, section.real_recipe)
    return first, second


def _resized(dataset: SemanticDataset, like: ImageSource, recipe: str) -> ImageSource:
    sizes = Counter(sizes_of(like))
    if len(sizes) > 1:
        raise UserError(f"{like.name}: pictures of several sizes: {spell_sizes(sizes)}; expected one size")
    return photographs_source(Resized(dataset, Transform(recipe, next(iter(sizes)), dataset.keeps_aspect, False)))
