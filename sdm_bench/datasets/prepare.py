"""Turns what is not read as it is into what is: CelebAMask-HQ's official release, and label maps in other encodings."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sdm_bench.base.errors import PartialFailure, UserError, unknown_name
from sdm_bench.base.files import link_or_copy, read_object, write_json, write_png
from sdm_bench.base.progress import track
from sdm_bench.datasets.celebamask_hq_release import SIZE, SPLIT_RULES, Release, merge_parts
from sdm_bench.datasets.decoding import UnreadableFile
from sdm_bench.datasets.known_datasets import dataset_class
from sdm_bench.datasets.maps import read_map
from sdm_bench.datasets.pictures import in_parallel
from sdm_bench.datasets.reencode import MARKER, ReencodeReport, reencode

SPLITS = ("train", "val", "test")

# What `unzip` takes to put the official archives of a dataset into the folder {0}.
UNPACK = {
    "cityscapes": ("gtFine_trainvaltest.zip -d {0}", "leftImg8bit_trainvaltest.zip -d {0}"),
    "ade20k": ("ADEChallengeData2016.zip -d {0}",),
    "coco_stuff": (
        "train2017.zip -d {0}/images",
        "val2017.zip -d {0}/images",
        "stuffthingmaps_trainval2017.zip -d {0}/stuffthingmaps",
    ),
}


@dataclass(frozen=True)
class PrepareReport:
    """What was prepared: examples a split, and how many of them were there already."""

    out: Path
    split_rule: str
    counts: dict[str, int]
    kept: int

    def lines(self) -> list[str]:
        """The result as lines of text."""
        splits = ", ".join(f"{split} {count}" for split, count in self.counts.items())
        return [f"celebamask_hq in {self.out}, split rule {self.split_rule}: {splits} ({self.kept} were there already)"]


def prepare(name: str, source: Path, out: Path, **options: str) -> PrepareReport | ReencodeReport:
    """Prepares the dataset called `name` from `source` into the folder `out`.

    From CelebAMask-HQ's official release (split_rule), or, where label maps are in another encoding than the dataset's,
    as reencode.py does (encoding). Raises UserError where there is nothing to do, which says how datasets are unpacked.
    """
    source, out = Path(source), Path(out)
    dataset = dataset_class(name, source)
    for option in options:
        if option not in ("split_rule", "encoding"):
            raise unknown_name(f"option of {name}", option, ["split_rule", "encoding"])
    faces = name == "celebamask_hq" and "encoding" not in options
    if faces and not any((source / split / "labels").is_dir() for split in SPLITS):
        return prepare_celebamask_hq(source, out, **options)
    if "split_rule" in options:
        raise UserError(f"--split-rule {options['split_rule']}: expected the official release of celebamask_hq")
    converted = reencode(name, source, out, **options)
    if converted is None:
        commands = [f"unzip -n {archive.format(out)}" for archive in UNPACK.get(name, ())]
        facts = [f"{name} is read as it is, nothing is to be prepared.", *commands, f"layout: {dataset.layout()}"]
        raise UserError("\n".join(facts))
    return converted


def prepare_celebamask_hq(release: Path, out: Path, split_rule: str = "index-28000") -> PrepareReport:
    """Writes {train,val,test}/{images,labels} of CelebAMask-HQ; a second run keeps what is there and whole.

    Label maps are 512x512, mode L; photographs are hard links to the release's files, or copies on another disk.
    split_rule: `index-28000` (faces 0..27999 train, the rest test, as SDM and SCDM have it) or `celeba` (the official
    partition by the index in CelebA). Raises UserError where the release is not in its official form or `out` was
    prepared otherwise, and PartialFailure, once all the rest is done, with everything that could not be read.
    """
    if split_rule not in SPLIT_RULES:
        raise unknown_name("split rule", split_rule, SPLIT_RULES)
    faces = Release.open(release)
    splits = SPLIT_RULES[split_rule](faces)
    _claim(out, split_rule)
    jobs = [
        _Face(faces.photographs[index], faces.parts[index], out / splits[index], str(index))
        for index in sorted(faces.photographs.keys() & faces.parts.keys())
    ]
    outcomes = list(track(in_parallel(_prepare_face, jobs), "prepare celebamask_hq", len(jobs), unit="faces"))
    failures = faces.incomplete() + [failure for outcome in outcomes for failure in outcome.failures]
    done = [job for job, outcome in zip(jobs, outcomes, strict=True) if not outcome.failures]
    counts = Counter(job.folder.name for job in done)
    present = {split: counts[split] for split in SPLITS if counts[split]}
    result = PrepareReport(out, split_rule, present, kept=sum(outcome.kept for outcome in outcomes))
    if failures:
        raise PartialFailure("\n".join([*result.lines(), f"not prepared ({len(failures)}):", *failures]))
    return result


def _claim(out: Path, split_rule: str) -> None:
    """Marks `out` as prepared with `split_rule`; raises UserError where it holds anything else."""
    marker = out / MARKER
    if marker.is_file():
        found = read_object(marker, split_rule=str)["split_rule"]
        if found != split_rule:
            raise UserError(f"{out}: prepared with split rule '{found}', not '{split_rule}'; choose another folder")
        return
    foreign = [split for split in SPLITS if (out / split).exists()]
    if foreign:
        raise UserError(
            f"{out}: {foreign[0]} is there, but no {MARKER} that says its split rule; choose another folder"
        )
    write_json(marker, {"dataset": "celebamask_hq", "split_rule": split_rule})


@dataclass(frozen=True)
class _Face:
    photograph: Path
    parts: dict[str, Path]
    folder: Path
    id: str


@dataclass
class _Outcome:
    kept: bool
    failures: list[str] = field(default_factory=list)


def _prepare_face(face: _Face) -> _Outcome:
    label, photograph = face.folder / "labels" / f"{face.id}.png", face.folder / "images" / f"{face.id}.jpg"
    has_label = _is_label_map(label)
    if not has_label:
        merged, failures = merge_parts(face.parts)
        if failures:
            return _Outcome(False, failures)
        write_png(label, merged)
    has_photograph = link_or_copy(face.photograph, photograph)
    return _Outcome(has_label and has_photograph)


def _is_label_map(path: Path) -> bool:
    try:
        return path.is_file() and read_map(path).shape == SIZE
    except UnreadableFile:
        return False
