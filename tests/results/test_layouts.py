"""Pictures in every usual layout are the same sample set; what fits nothing, or twice, is said by name."""

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_png
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.metrics.images import folder_source
from sdm_bench.results.sample_sets import open_images
from tests.datasets import trees

IDS = ("a_0", "a_1", "a_10", "b_0", "b_1")
# Sample number -> id -> file.
Pictures = dict[int, dict[str, Path]]


@pytest.fixture
def dataset(tmp_path: Path) -> SemanticDataset:
    return open_dataset("cityscapes", trees.cityscapes(tmp_path / "data", IDS, "val"), "val")


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Three samples of every label map, each another colour."""
    found: Pictures = {}
    for sample in range(3):
        for number, name in enumerate(IDS):
            path = tmp_path / "made" / str(sample) / f"{name}.png"
            write_png(path, np.full((4, 8, 3), 40 * sample + 5 * number, np.uint8))
            found.setdefault(sample, {})[name] = path
    return found


def put(target: Path, source: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def template(text: str, *samples: int) -> Callable[[Path, Pictures], None]:
    """Writes samples under names of `{id}`, `{city}`, `{k}` (the sample) and `{n}` (the place in the order)."""

    def write(root: Path, pictures: Pictures) -> None:
        for sample in samples or (0,):
            for number, (name, path) in enumerate(pictures[sample].items()):
                put(root / text.format(id=name, city=name[0], k=sample, n=number, m=number + 1), path)

    return write


def several(*writers: Callable[[Path, Pictures], None]) -> Callable[[Path, Pictures], None]:
    def write(root: Path, pictures: Pictures) -> None:
        for each in writers:
            each(root, pictures)

    return write


def others(text: str) -> Callable[[Path, Pictures], None]:
    """Writes what is not to be measured: the pictures of sample 2 under other names."""

    def write(root: Path, pictures: Pictures) -> None:
        template(text, 2)(root, {2: pictures[2]})

    return write


# What is written, the --images below it, how many samples it holds, and what is said.
LAYOUTS = {
    "flat": (template("{id}.png"), ".", 1, "a flat folder, names {id}"),
    "cities": (template("{city}/{id}.png"), ".", 1, "nested folders, names {id}"),
    "cities and suffix": (template("val/{city}/{id}_leftImg8bit.png"), ".", 1, "names {id}_leftImg8bit"),
    "label file's name": (template("{id}_gtFine_labelIds.png"), ".", 1, "names {id}_gtFine_labelIds"),
    "two splits": (
        several(template("validation/{id}.png"), others("training/{id}.png")),
        ".",
        1,
        "nested folders, names {id}; pictures of 5 of 5 label maps; passed over training/ (5)",
    ),
    "seed-000": (template("seed-{k:03}/{id}.png", 0, 1), ".", 2, "2 samples, each of 5 of 5"),
    "group_0": (template("group_{k}/{id}.png", 0, 1, 2), ".", 3, "3 samples, each of 5 of 5"),
    "sample_0": (template("sample_{k}/{city}/{id}_fake_B.png", 0, 1), ".", 2, "names {id}_fake_B; 2 samples"),
    "cities above samples": (template("{city}/sample{k}/{id}.png", 0, 1), ".", 2, "folders of samples"),
    "numbered folders": (template("{k}/{id}.png", 0, 1), ".", 2, "folders of samples, names {id}"),
    "run of ours": (template("samples/seed-{k:03}/{id}.png", 0, 1), ".", 2, "folders of samples"),
    "spade": (
        several(template("images/synthesized_image/{id}.png"), others("images/input_label/{id}.png")),
        ".",
        1,
        "passed over images/input_label/ (5)",
    ),
    "spade, given whole": (template("synthesized_image/{id}.png"), "synthesized_image", 1, "a flat folder"),
    "pix2pix": (
        several(template("{id}_fake_B.png"), others("{id}_real_A.png"), others("{id}_real_B.png")),
        ".",
        1,
        "names {id}_fake_B; pictures of 5 of 5 label maps; passed over {id}_real_A (5), {id}_real_B (5)",
    ),
    "pix2pixHD": (
        several(template("{id}_synthesized_image.png"), others("{id}_input_label.png")),
        ".",
        1,
        "names {id}_synthesized_image; pictures of 5 of 5 label maps; passed over {id}_input_label (5)",
    ),
    "pix2pixHD, of label maps under their own names": (
        several(template("{id}_gtFine_labelIds_synthesized_image.png"), others("{id}_gtFine_labelIds_input_label.png")),
        ".",
        1,
        "names {id}_gtFine_labelIds_synthesized_image; pictures of 5 of 5 label maps; passed over "
        "{id}_gtFine_labelIds_input_label (5)",
    ),
    "sdm's script": (
        several(template("samples/{id}.png"), others("images/{id}.png"), others("labels/{id}.png")),
        ".",
        1,
        "passed over images/ (5), labels/ (5)",
    ),
    "one number behind": (template("{id}_0.png"), ".", 1, "names {id}_0"),
    "numbers behind": (template("{id}_{k}.png", 0, 1, 2), ".", 3, "names {id}_{sample}; 3 samples"),
    "words and numbers": (template("gen_{id}_seed{k}_512.png", 0, 1), ".", 2, "gen_{id}_seed{sample}_512"),
    "a folder a label map": (template("{id}/{k}.png", 0, 1), ".", 2, "names {id}/{sample}; 2 samples"),
    "pattern": (template("{id}_{k}.png", 0, 1), "{id}_{sample}.png", 2, "10 of 10 pictures below"),
    "pattern of folders": (template("group_{k}/{id}.png", 0, 1), "group_{sample}/{id}.png", 2, "2 samples"),
    "pattern with wildcards": (template("x/{city}/{id}_y_{k}.png", 1), "x/**/{id}_*.png", 1, "5 of 5"),
    "pattern without suffix": (
        several(template("{id}_fake.png"), others("{id}_real.png")),
        "{id}_fake",
        1,
        "5 of 10 pictures below",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_recognised_and_said(
    name: str, dataset: SemanticDataset, pictures: Pictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write, place, count, said = LAYOUTS[name]
    write(tmp_path / "out", pictures)
    first = 1 if name == "pattern with wildcards" else 0
    found = open_images(tmp_path / "out" / place, "theirs", dataset)
    assert said in capsys.readouterr().err
    assert list(found.images) == list(range(count))
    assert found.incomplete == ""
    for sample, source in found.images.items():
        assert source.ids == tuple(sorted(IDS))
        assert source.manifest == folder_source(pictures[sample + first][IDS[0]].parent).manifest
    assert found.note == ""
    assert len(found.headers) == count * len(IDS)
    one = open_images(tmp_path / "out" / place, "theirs", dataset, seeds=[count - 1])
    assert list(one.images) == [count - 1]
    assert (one.digest == found.digest) is (count == 1)


def test_several_places_are_the_samples_in_their_order(
    dataset: SemanticDataset, pictures: Pictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template("{id}.png", 0)(tmp_path / "A", pictures)
    template("{id}_fake.png", 1)(tmp_path / "B", pictures)
    found = open_images([tmp_path / "B", tmp_path / "A"], None, dataset)
    assert found.name == "B + A"
    assert "sample 0: " in capsys.readouterr().err
    manifests = [folder_source(pictures[sample][IDS[0]].parent).manifest for sample in (1, 0)]
    assert [source.manifest for source in found.images.values()] == manifests
    with pytest.raises(UserError, match="A: given twice"):
        open_images([tmp_path / "A", tmp_path / "A"], None, dataset)
    template("seed-{k}/{id}.png", 0, 1)(tmp_path / "C", pictures)
    with pytest.raises(UserError, match="C: 2 samples; of several --images each is one sample"):
        open_images([tmp_path / "A", tmp_path / "C"], None, dataset)


@pytest.mark.parametrize("kind", ["npz", "compressed", "npy"])
def test_an_array_is_in_the_order_of_the_split(
    kind: str, dataset: SemanticDataset, pictures: Pictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = sorted(IDS)
    stacked = np.stack([np.asarray(Image.open(pictures[0][name])) for name in ids])
    path = tmp_path / ("samples_5x4x8x3.npy" if kind == "npy" else "samples_5x4x8x3.npz")
    if kind == "npy":
        np.save(path, stacked)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, stacked, np.arange(5))
    found = open_images(path, None, dataset)
    assert (
        "an array of 5 pictures, in the order of the split (sorted ids); pictures of 5 of 5" in capsys.readouterr().err
    )
    assert (found.name, found.size, found.note) == ("samples_5x4x8x3", (4, 8), "matched by their order alone")
    assert found.images[0].ids == tuple(ids)
    for number in range(5):
        np.testing.assert_array_equal(found.images[0].read(number), stacked[number])
    both = open_images([pictures[1][IDS[0]].parent, path], "theirs", dataset)
    assert (list(both.images), both.note) == ([0, 1], "matched by their order alone")
    other = np.save if kind == "npy" else np.savez
    other(path, 255 - stacked)
    if kind == "npz":
        with pytest.raises(UserError, match="changed while it was measured"):
            found.images[0].read(0)
    other(path, stacked[:4])
    with pytest.raises(UserError, match=r"1 missing \(b_1\)"):
        open_images(path, None, dataset)
    assert open_images(path, None, dataset, allow_incomplete=True).incomplete == "1 of 5 missing"
    other(path, np.concatenate([stacked, stacked[:1]]))
    with pytest.raises(UserError, match=r"1 not of the split \(samples_5x4x8x3\.np.\[5\]\)"):
        open_images(path, None, dataset)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: np.savez(path, np.zeros((5, 3, 4, 8), np.uint8)), r"uint8 \(5, 3, 4, 8\); expected uint8 \(N, "),
        (lambda path: np.savez(path, np.zeros((5, 4, 8, 3), np.float32)), r"float32 \(5, 4, 8, 3\); expected uint8"),
        (lambda path: np.savez(path, samples=np.zeros((5, 4, 8, 3), np.uint8)), "holds samples; expected arr_0"),
        (lambda path: np.savez(path, np.array([{}], object)), "arr_0 of object"),
        (lambda path: path.write_bytes(b"PK\3\4 no archive"), "not a readable array file"),
    ],
)
def test_arrays_of_another_kind_are_refused(
    write: Callable[[Path], None], message: str, dataset: SemanticDataset, tmp_path: Path
) -> None:
    write(tmp_path / "a.npz")
    with pytest.raises(UserError, match=message):
        open_images(tmp_path / "a.npz", None, dataset)


@pytest.mark.parametrize("names", ["{n:05}.png", "{m}.png", "fake_{n:04}_x.png", "seed-0/{n}.png"])
def test_numbers_are_matched_only_by_order(
    names: str, dataset: SemanticDataset, pictures: Pictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ordered = {0: {name: pictures[0][name] for name in sorted(IDS)}}
    template(names)(tmp_path / "out", ordered)
    with pytest.raises(UserError, match="--by-order takes them in the order"):
        open_images(tmp_path / "out", None, dataset)
    found = open_images(tmp_path / "out", "theirs", dataset, by_order=True)
    assert "by their order, which can't be checked" in capsys.readouterr().err
    assert found.note == "matched by their order alone"
    assert found.images[0].manifest == folder_source(pictures[0][IDS[0]].parent).manifest


def test_by_order_is_refused_where_it_does_nothing_or_cannot_be(
    dataset: SemanticDataset, pictures: Pictures, tmp_path: Path
) -> None:
    template("{id}.png")(tmp_path / "out", pictures)
    with pytest.raises(UserError, match=r"--by-order: the names in .* are ids already, {id}; leave it out"):
        open_images(tmp_path / "out", None, dataset, by_order=True)
    template("1{n:03}.png")(tmp_path / "late", pictures)
    with pytest.raises(UserError, match=r"numbers 1000 to 1004 in .*; expected 0 to 4, or 1 to 5"):
        open_images(tmp_path / "late", None, dataset, by_order=True)


def test_what_fits_nothing_is_listed_with_the_nearest_ids(
    dataset: SemanticDataset, pictures: Pictures, tmp_path: Path
) -> None:
    template("{id}.png")(tmp_path / "out", pictures)
    (tmp_path / "out/b_1.png").rename(tmp_path / "out/b__1.png")
    with pytest.raises(UserError, match=r"1 missing \(b_1\); 1 not of the split \(b__1: nearest b_1"):
        open_images(tmp_path / "out", None, dataset)
    for number in range(30):
        put(tmp_path / "out" / f"other{number:02}.png", pictures[0]["a_0"])
    with pytest.raises(UserError) as caught:
        open_images(tmp_path / "out", None, dataset)
    assert "31 not of the split (b__1" in caught.value.message
    assert "other08 and 21 more)" in caught.value.message


def test_two_files_for_one_label_map_are_named(dataset: SemanticDataset, pictures: Pictures, tmp_path: Path) -> None:
    template("{id}.png")(tmp_path / "out", pictures)
    put(tmp_path / "out/deeper/a_0.png", pictures[1]["a_0"])
    both = rf"{tmp_path}/out/a_0\.png and {tmp_path}/out/deeper/a_0\.png"
    with pytest.raises(UserError, match=rf"1 twice \(a_0: {both}\)"):
        open_images(tmp_path / "out", None, dataset)
    template("{id}_other.png", 1)(tmp_path / "out", pictures)
    with pytest.raises(UserError, match=r"two files for a_0: .*a_0\.png and .*a_0_other\.png; say which are meant"):
        open_images(tmp_path / "out", None, dataset, allow_incomplete=True)


def test_numbers_that_contradict_each_other_are_refused(
    dataset: SemanticDataset, pictures: Pictures, tmp_path: Path
) -> None:
    template("seed-{k}/{id}_1.png", 0, 1)(tmp_path / "constant", pictures)
    assert list(open_images(tmp_path / "constant", None, dataset).images) == [0, 1]
    several(template("seed-0/{id}_{k}.png", 0, 1), template("seed-1/{id}_{k}.png", 0, 1))(tmp_path / "out", pictures)
    with pytest.raises(UserError, match="numbered in folders and in names"):
        open_images(tmp_path / "out", None, dataset)
    several(template("group_0/seed_{k}/{id}.png", 0, 1), template("group_1/seed_{k}/{id}.png", 0, 1))(
        tmp_path / "deep", pictures
    )
    with pytest.raises(UserError, match="two numbers in group_0/seed_0/"):
        open_images(tmp_path / "deep", None, dataset)
    several(template("seed_{k}/{id}.png", 0, 1), template("{id}.png", 2))(tmp_path / "beside", pictures)
    with pytest.raises(UserError, match="beside folders of samples"):
        open_images(tmp_path / "beside", None, dataset)


def test_a_sample_that_lacks_pictures_is_named(dataset: SemanticDataset, pictures: Pictures, tmp_path: Path) -> None:
    template("seed-{k}/{id}.png", 0, 1)(tmp_path / "out", pictures)
    (tmp_path / "out/seed-1/a_10.png").unlink()
    with pytest.raises(UserError, match=r"out, sample 1: not one picture .*: 1 missing \(a_10\)"):
        open_images(tmp_path / "out", None, dataset)
    allowed = open_images(tmp_path / "out", None, dataset, allow_incomplete=True)
    assert allowed.incomplete == "1 of 5 missing"
    assert all(len(source) == 4 for source in allowed.images.values())
    assert open_images(tmp_path / "out", None, dataset, seeds=[0]).incomplete == ""


@pytest.mark.parametrize(("ids", "names"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_names_are_the_same(ids: str, names: str, pictures: Pictures, tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path / "data", (unicodedata.normalize(ids, "école_0"),), "val")
    dataset = open_dataset("cityscapes", root, "val")
    name = unicodedata.normalize(names, "école_0")
    for place, file in (("flat", f"{name}.png"), ("pattern", f"x_{name}.png")):
        put(tmp_path / place / file, pictures[0]["a_0"])
    for place in (tmp_path / "flat", tmp_path / "pattern" / "x_{id}.png"):
        assert open_images(place, None, dataset).images[0].ids == (unicodedata.normalize("NFC", "école_0"),)


def test_links_and_what_systems_leave_do_no_harm(
    dataset: SemanticDataset, pictures: Pictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template("{id}.png")(tmp_path / "elsewhere", pictures)
    out = tmp_path / "out"
    out.mkdir()
    (out / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/up").symlink_to(tmp_path / "elsewhere")
    for name in ("._a_0.png", ".DS_Store", "Thumbs.db", "__MACOSX/._a_1.png", "index.html"):
        put(out / name, pictures[0]["a_0"])
    assert len(open_images(out, None, dataset).images[0]) == 5
    assert "passed over index.html, 4 hidden" in capsys.readouterr().err


def test_ids_that_are_numbers_are_told_from_samples(tmp_path: Path, pictures: Pictures) -> None:
    root = trees.folder(tmp_path / "data", tuple(map(str, range(12))), "val")
    dataset = open_dataset("folder", root, "val")
    for number in range(12):
        for sample in range(2):
            put(tmp_path / "behind" / f"{number}_{sample}.png", pictures[sample]["a_0"])
            put(tmp_path / "folders" / str(sample) / f"{number}.png", pictures[sample]["a_0"])
            put(tmp_path / "inside" / str(number) / f"{sample}.png", pictures[sample]["a_0"])
    for place in ("behind", "folders", "inside"):
        found = open_images(tmp_path / place, None, dataset)
        assert list(found.images) == [0, 1]
        assert [len(source) for source in found.images.values()] == [12, 12]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere", "no such file or folder; expected a folder of pictures, a pattern"),
        ("{name}.png", r"\{name\} in it; a pattern has \{id\}"),
        ("*.png", r"no \{id\} in it"),
        ("nowhere/{id}.png", "no folder .*nowhere"),
        ("{id}.jpg", r"none of the 5 pictures below .* fits it, such as a_0\.png"),
        ("a_0.png", "a file; expected a folder"),
        ("nowhere.npz", "no such file"),
    ],
)
def test_places_that_are_none_say_what_was_expected(
    place: str, message: str, dataset: SemanticDataset, pictures: Pictures, tmp_path: Path
) -> None:
    template("{id}.png")(tmp_path / "out", pictures)
    with pytest.raises(UserError, match=message):
        open_images(tmp_path / "out" / place, None, dataset)


def test_kinds_of_files_and_what_was_said_stand_in_notes(
    dataset: SemanticDataset, pictures: Pictures, tmp_path: Path
) -> None:
    for number, name in enumerate(IDS):
        Image.open(pictures[0][name]).save(tmp_path / "x.png")
        suffix = ".jpg" if number < 2 else ".png"
        (tmp_path / "out").mkdir(exist_ok=True)
        Image.open(tmp_path / "x.png").save(tmp_path / "out" / f"{name}{suffix}")
    found = open_images(tmp_path / "out", None, dataset, note="made at 512,  shown at 256")
    assert found.note == "resolution: made at 512, shown at 256; pictures: JPEG (2 of 5)"
    assert found.digest == open_images(tmp_path / "out", None, dataset).digest
    for note in ("", "a; b", "a\nb\x1b", "x" * 201):
        with pytest.raises(UserError, match=r"^--resolution-note "):
            open_images(tmp_path / "out", None, dataset, note=note)


def test_spade_like_folders_are_called_as_their_model(
    dataset: SemanticDataset, pictures: Pictures, tmp_path: Path
) -> None:
    folder = tmp_path / "results/model_A/test_latest/images/synthesized_image"
    template("{id}.png")(folder, pictures)
    assert open_images(folder, None, dataset).name == "model_A"
    assert open_images(tmp_path / "results/model_A", None, dataset).name == "model_A"
    assert open_images(folder / "{id}.png", None, dataset).name == "model_A"
