"""A study's page tells nobody whose pictures it shows; its key tells all."""

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.study.build import StudyOptions
from reports.study.key import DEGRADED, PHOTOGRAPH, read_key
from reports.study.runs import find_matches
from sdm_bench.base.drawing import colorize
from sdm_bench.base.errors import UserError
from sdm_bench.datasets.pictures import read_image
from sdm_bench.results.sample_sets import open_run
from sdm_bench.sampling.folders import SampleFolder
from tests.evaluation.measured import make_run, noisy, real_at
from tests.reports.study.made import GAN, block, built, files, key_of, pixels


def test_the_key_says_whose_each_picture_is(study: Path, runs: list[Path], toy_cityscapes: Path) -> None:
    key, shown, real = key_of(study), files(study), real_at(toy_cityscapes)
    folders = {model.name: SampleFolder(Path(model.folder)) for model in key.models}
    places = {record.id: place for place, record in enumerate(real.dataset.records)}
    assert {name: each.folder for name, each in folders.items()} == {
        run.name.removesuffix("-run"): run.absolute() for run in runs
    }
    for name, item in key.items.items():
        example = real[places[item.example]]
        assert (pixels(shown[name]) == colorize(example.label, real.dataset.classes.colors)).all()
        for picture, whose in item.pictures.items():
            there = pixels(shown[picture])
            if whose == PHOTOGRAPH:
                assert (there == example.image).all()
            elif whose == DEGRADED:
                assert np.corrcoef(there.ravel(), example.image.ravel())[0, 1] < 0.5
            else:
                assert (there == read_image(folders[whose].sample(item.example, 0))).all()
    assert [item.pair for item in key.items.values()].count(None) == 3
    assert [item.pair for item in key.items.values()].count(("sdm", "oasis")) == 2


def test_the_record_has_seeds_digests_and_the_page(study: Path, runs: list[Path], toy_cityscapes: Path) -> None:
    key, dataset = key_of(study), real_at(toy_cityscapes).dataset
    assert [model.digest for model in key.models] == [open_run(run, dataset, [0]).digest for run in runs]
    assert [model.seed for model in key.models] == [0, 0, 0]
    assert key.seed == 5
    assert key.pages_sha256 == [hashlib.sha256((study / "study.html").read_bytes()).hexdigest()]
    assert key.study == block(study, "data")["study"]
    assert (study / "key.json").stat().st_mode & 0o077 == 0


def test_nothing_in_the_page_names_a_method_or_a_label_map(study: Path, runs: list[Path]) -> None:
    text = (study / "study.html").read_text()
    pictures = re.search(r'id="pictures">(.*?)</script>', text)
    assert pictures is not None
    words = text.replace(pictures[1], "").lower()
    examples = [item.example for item in key_of(study).items.values()]
    for word in ("sdm", "spade", "oasis", 'photograph"', "degraded", "obvious", "toyville", "cityscapes", *examples):
        assert word.lower() not in words
    assert str(runs[0].parent) not in text


def test_files_of_a_pair_are_alike(study: Path) -> None:
    shown = files(study)
    for item in key_of(study).items.values():
        first, second = (shown[picture] for picture in item.pictures)
        assert len(first) == len(second)
        assert chunks(first) == chunks(second) == [b"VP8X", b"VP8L", b"FILL"]
        assert pixels(first).shape == pixels(second).shape == (32, 64, 3)


def chunks(file: bytes) -> list[bytes]:
    """The names of the chunks of a WebP file, whose lengths have to add up."""
    assert (file[:4], file[8:12], int.from_bytes(file[4:8], "little")) == (b"RIFF", b"WEBP", len(file) - 8)
    found, place = [], 12
    while place < len(file):
        found.append(file[place : place + 4])
        size = int.from_bytes(file[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    assert place == len(file)
    return found


def test_order_and_ids_say_nothing(runs: list[Path], tmp_path: Path) -> None:
    first, length = [], 0
    for seed in range(15):
        study = built(runs, tmp_path / str(seed), seed=seed)
        data, key = block(study, "data"), key_of(study)
        assert list(data["items"]) == sorted(data["items"])
        assert list(block(study, "pictures")) == sorted(block(study, "pictures"))
        assert [*data["items"]] == key.forms[0] == sorted(key.items)
        for name, item in key.items.items():
            assert data["items"][name] == {"pictures": sorted(item.pictures), "size": [64, 32], "legend": []}
            first.append([*item.pair, ""][0] == item.pictures[min(item.pictures)] if item.pair else None)
        length += len(item.pictures)
    asked = [each for each in first if each is not None]
    # 60 fair coins: outside of this in 1 of 10,000 trials
    assert 15 <= sum(asked) <= 45
    assert length == 30


def test_a_picture_is_not_shown_twice_where_there_are_enough(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = list(files(built(runs, tmp_path / "two", per_pair=2, obvious=1, repeats=1)).values())
    assert len({pixels(each).tobytes() for each in shown}) == len(shown)
    assert "again" not in capsys.readouterr().err
    built(runs, tmp_path / "three", per_pair=3)
    assert "1 of 12 pictures are shown again in another pair" in capsys.readouterr().err


def test_the_same_seed_makes_the_same_page(runs: list[Path], tmp_path: Path) -> None:
    pages = [
        (built(runs, tmp_path / name, seed=seed) / "study.html").read_bytes()
        for name, seed in {"a": 1, "b": 1, "c": 2}.items()
    ]
    assert pages[0] == pages[1] != pages[2]
    assert StudyOptions([("a", "b")]).seed is None
    assert key_of(built(runs, tmp_path / "d", seed=None)).seed != key_of(built(runs, tmp_path / "e", seed=None)).seed


def test_forms_have_all_pairs_evenly_and_the_same_obvious_ones(runs: list[Path], tmp_path: Path) -> None:
    key = key_of(built(runs, tmp_path / "study", per_participant=2, repeats=0))
    assert len(key.forms) == 2
    obvious = {name for name, item in key.items.items() if item.pair is None}
    assert {*key.forms[0]} & {*key.forms[1]} == obvious
    assert {*key.forms[0]} | {*key.forms[1]} == {*key.items}
    for number, form in enumerate(key.forms):
        page = f"study-0{number + 1}.html"
        data = block(tmp_path / "study", "data", page)
        assert (data["study"], data["form"], [*data["items"]]) == (key.study, number, form)
        assert {*files(tmp_path / "study", page)} == {each for name in form for each in key.items[name].pictures}
        pairs = [key.items[name].pair for name in form if name not in obvious]
        assert sorted(pairs) == [("sdm", "oasis"), ("sdm", "spade")]


def test_question_and_consent_are_the_users(runs: list[Path], tmp_path: Path) -> None:
    study = built(runs, tmp_path / "study", question="Which <one>?", consent="First.\n\nSecond & last.\n")
    text = (study / "study.html").read_text()
    assert text.count("Which &lt;one&gt;?") == 1
    assert "<p>First.</p>\n<p>Second &amp; last.</p>" in text
    assert key_of(study).question == "Which <one>?"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_pair": 6}, "--per-pair 6: sdm:spade on cityscapes: both have 5 label maps; give 5 or fewer"),
        ({"obvious": 6}, "--obvious 6: cityscapes has 5 photographs"),
        ({"repeats": 3}, "--repeats 3: a participant sees 7 pairs; expected at most a third, 2"),
        ({"pairs": [("sdm", "spode")]}, "no run is called spode; there are oasis, sdm, spade"),
        ({"pairs": [("sdm", "spade"), ("spade", "sdm")]}, "one of them twice"),
        ({"pairs": [("sdm", "spade"), ("sdm-run", "oasis")]}, "sdm and sdm-run are one run"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    options: dict[str, Any], message: str, runs: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        built(runs, tmp_path / "study", **options)
    assert not (tmp_path / "study").exists()


def test_runs_that_differ_or_are_called_alike_are_refused(
    runs: list[Path], tmp_path: Path, toy_cityscapes: Path
) -> None:
    common: dict[str, Any] = {"data": str(toy_cityscapes)}
    real = real_at(toy_cityscapes, (16, 32))
    small = make_run(tmp_path / "small", real, [0], noisy, method="clade", image_size=(16, 32), **common)
    with pytest.raises(UserError, match="on cityscapes their pictures differ in size 64x32 and 32x16"):
        built([*runs, small], tmp_path / "study", pairs=[("sdm", "clade")])
    twin = make_run(tmp_path / "twin", real_at(toy_cityscapes), [0], noisy, method="spade", **GAN, **common)
    with pytest.raises(UserError, match=r"2 runs of cityscapes are called spade: .*spade-run, .*twin; call one by"):
        built([*runs, twin], tmp_path / "study", pairs=[("sdm", "spade")])
    assert key_of(built([*runs, twin], tmp_path / "study", pairs=[("spade-run", "twin")], repeats=0)).titles() == {
        "spade-run": "spade-run",
        "twin": "twin",
    }


def test_runs_of_a_suite_are_called_by_their_cells(tmp_path: Path, toy_cityscapes: Path) -> None:
    real, samples = real_at(toy_cityscapes), tmp_path / "samples"
    cells = {"cityscapes.sdm": "sdm", "cityscapes.sdm-guided": "sdm", "cityscapes.spade.seed-1": "spade"}
    made = [
        make_run(samples / cell / f"digest{number}", real, [0], noisy, method=method, data=str(toy_cityscapes))
        for number, (cell, method) in enumerate(cells.items())
    ]
    pairs = [("sdm", "sdm-guided"), ("cityscapes.sdm-guided", "sdm")], [("sdm", "spade.seed-1"), ("digest1", "spade")]
    found = [
        [[str(run.folder.name) for run in match.runs] for match in find_matches(made, [pair])]
        for of in pairs
        for pair in of
    ]
    assert found == [
        [["digest0", "digest1"]],
        [["digest1", "digest0"]],
        [["digest0", "digest2"]],
        [["digest1", "digest2"]],
    ]


def test_pictures_lose_alike_where_that_is_asked_for(runs: list[Path], tmp_path: Path) -> None:
    lossy, exact = (built(runs, tmp_path / str(quality), quality=quality) for quality in (90, None))
    assert key_of(lossy).quality == 90
    shown, whole = files(lossy), files(exact)
    assert [*shown] == [*whole]
    assert sum(map(len, shown.values())) < sum(map(len, whole.values()))
    for item in key_of(lossy).items.values():
        first, second = (shown[picture] for picture in item.pictures)
        assert len(first) == len(second)
        assert chunks(first) == chunks(second) == [b"VP8X", b"VP8 ", b"FILL"]
        if item.pair is not None:
            before, after = (np.stack([pixels(of[each]) for each in item.pictures]) for of in (whole, shown))
            assert 0.9 < np.corrcoef(before.ravel(), after.ravel())[0, 1] < 1


def test_a_study_is_not_replaced_but_a_page_without_a_key_is(study: Path, runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"key\.json is there, of another study"):
        built(runs, study)
    out = tmp_path / "study"
    (out / "answers").mkdir(parents=True)
    with pytest.raises(UserError, match="answers is there, of another study"):
        built(runs, out)
    (out / "answers").rmdir()
    (out / "study.html").write_text("of a command that was killed")
    assert key_of(built(runs, out)).study == block(out, "data")["study"]


def test_a_damaged_key_is_named(tmp_path: Path, study: Path) -> None:
    with pytest.raises(UserError, match=r"key.json: no key of a study"):
        read_key(tmp_path / "key.json")
    (tmp_path / "key.json").write_text('{"study": "a"}')
    with pytest.raises(UserError, match=r"key.json: version: Field required"):
        read_key(tmp_path / "key.json")


def test_only_label_maps_that_both_have_are_shown(runs: list[Path], tmp_path: Path, toy_cityscapes: Path) -> None:
    fewer = make_run(tmp_path / "clade", real_at(toy_cityscapes), [0], noisy, method="clade", data=str(toy_cityscapes))
    names = sorted(fewer.glob("samples/seed-000/*.png"))
    for gone in names[:3]:
        gone.unlink()
    study = built([*runs, fewer], tmp_path / "study", pairs=[("sdm", "clade")], repeats=0)
    asked = {item.example for item in key_of(study).items.values() if item.pair}
    assert asked == {path.stem for path in names[3:]}
    with pytest.raises(UserError, match="both have 2 label maps; give 2 or fewer"):
        built([*runs, fewer], tmp_path / "other", pairs=[("sdm", "clade")], per_pair=3)
