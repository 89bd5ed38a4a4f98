"""Statistics of features in files: written for other programs, and taken from them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_unwritable
from sdm_bench.datasets.known_datasets import DatasetSplit, dataset_class
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.evaluation.context import STORED, photographs_source, stored_photographs
from sdm_bench.evaluation.extractors import load_extractor
from sdm_bench.evaluation.metric import metric
from sdm_bench.metrics.features import cache_key, extract
from sdm_bench.metrics.frechet import statistics
from sdm_bench.metrics.images import ImageSource, folder_source
from sdm_bench.metrics.statistics_files import StoredStatistics, read_statistics, refuse_unusable, write_statistics
from sdm_bench.protocols.protocols import DEFAULT, protocol
from sdm_bench.weights.store import cache_folder


def export_statistics(
    out: Path,
    images: Path | None = None,
    where: DatasetSplit | None = None,
    image_size: int | None = None,
    protocol_name: str = DEFAULT,
    device: str = "auto",
) -> StoredStatistics:
    """Writes mean and covariance of a folder's pictures, or of a split's photographs, to a new .npz; returns them.

    image_size: the short side that photographs get first, by default the dataset's native one. The protocol says which
    extractor and which resizing; pytorch-fid and clean-fid read the file as their own. Raises UserError, before
    anything is computed, for options that do nothing for --images and where `out` is no place for a new file.
    """
    refuse_unwritable(out.parent, "OUT")
    if (images is None) == (where is None or where.name is None):
        raise UserError("say of what: either --images, or --dataset with --data")
    if images is not None:
        _refuse_idle_options(where, image_size)
    refuse_unusable(out)
    chosen = protocol(protocol_name)
    kind = "folder" if where is None or where.name is None else dataset_class(where.name, where.root).name
    section = metric("fid").stated(chosen, kind)
    if images is not None:
        source = folder_source(images)
    else:
        assert where is not None
        source = _photographs(where, image_size, section.real_recipe)
    extractor = load_extractor(chosen, section.extractor, section.resize, device)
    found = statistics(extract(source, extractor, cache_folder() / "features"))
    write_statistics(out, found, cache_key(source, extractor))
    return read_statistics(out)


def _refuse_idle_options(where: DatasetSplit | None, image_size: int | None) -> None:
    """Raises UserError for what is said of photographs, since --images are taken as they are."""
    said = {} if where is None else {"--data": where.root, "--split": where.split}
    for flag, value in {**said, "--image-size": image_size}.items():
        if value is not None:
            raise UserError(f"{flag} {value}: of a dataset's photographs; --images are taken as they are")


def _photographs(where: DatasetSplit, image_size: int | None, recipe: str) -> ImageSource:
    dataset = where.open()
    if recipe == STORED:
        if image_size is not None:
            raise UserError(f"--image-size {image_size}: the protocol takes photographs as they are stored")
        return stored_photographs(dataset)
    transform = Transform(recipe, dataset.size(image_size), dataset.keeps_aspect, training=False)
    return photographs_source(Resized(dataset, transform))


def import_statistics(path: Path, name: str, stated: dict[str, str], count: int | None = None) -> Path:
    """Keeps a file's statistics in the cache as `name`, for --statistics; returns where.

    stated: what the user knows of them and the file doesn't say: extractor, resize. Raises UserError where the file
    says otherwise, for a name that is no file name, and where it is taken by other statistics.
    """
    found = read_statistics(path)
    for key, value in stated.items():
        if found.about.get(key, value) != value:
            raise UserError(f"{path}: says {key} {found.about[key]}, not {value}")
    if count is not None and found.count not in (None, count):
        raise UserError(f"{path}: says {found.count} images, not {count}")
    about = {"source": str(path.resolve()), **stated, **found.about}
    if Path(name).name != name or name.startswith("."):
        raise UserError(f"'{name}': expected a name without folders, under which the statistics are kept")
    target = named_statistics(name)
    if target.is_file():
        raise UserError(f"{target}: there are statistics of this name already; delete the file or choose another name")
    write_statistics(target, replace(found.statistics(), count=found.count or count or 0), about)
    return target


def named_statistics(name: str) -> Path:
    """Where statistics imported as `name` are kept."""
    return cache_folder() / "statistics" / f"{name}.npz"


def resolve_statistics(source: str | None) -> Path | None:
    """The file or folder of --statistics: a path, or the name of imported statistics; raises UserError."""
    if source is None or Path(source).exists():
        return Path(source) if source else None
    if Path(source).name != source or not named_statistics(source).is_file():
        known = ", ".join(sorted(path.stem for path in named_statistics("x").parent.glob("*.npz"))) or "none"
        raise UserError(f"--statistics {source}: neither a file or folder, nor imported statistics ({known})")
    return named_statistics(source)


def describe(found: StoredStatistics) -> dict[str, Any]:
    """What is known of statistics."""
    return {"dimensions": found.mean.size, "images": found.count or "not stated", **found.about}
