"""What a split consists of, as digests: two splits with the same ids and other files are told apart."""

from collections.abc import Iterator

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file, sha256_lines
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.pictures import in_parallel


def labels_sha256(dataset: SemanticDataset) -> str:
    """SHA-256 over what file values mean, the ids of a split, and the bytes of their label and instance maps."""
    records = dataset.records
    labels = in_parallel(sha256_file, [record.label for record in records])
    instances = in_parallel(sha256_file, [record.instance for record in records if record.instance is not None])

    def lines() -> Iterator[str]:
        yield from dataset.identity()
        for record, label in zip(records, labels, strict=True):
            yield f"{record.id} {label} {'' if record.instance is None else next(instances)}"

    return sha256_lines(lines())


def photographs_sha256(dataset: SemanticDataset) -> str:
    """SHA-256 over the ids of a split and the bytes of their photographs; raises UserError where one has none."""
    return sha256_lines([f"{name} {digest}" for name, digest in photograph_digests(dataset).items()])


def photograph_digests(dataset: SemanticDataset) -> dict[str, str]:
    """The SHA-256 of the bytes of each photograph by id; raises UserError where a label map has none."""
    images = [record.image for record in dataset.records if record.image is not None]
    if len(images) < len(dataset.records):
        lacking = len(dataset.records) - len(images)
        raise UserError(f"{dataset.root}: {lacking} label maps have no photograph")
    digests = in_parallel(sha256_file, images)
    return {record.id: digest for record, digest in zip(dataset.records, digests, strict=True)}
