"""A bundle has all that numbers can be checked by, and nothing of the machine; what can't be checked is refused."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from reports.leaderboard import bundle as module
from reports.leaderboard.bundle import write_bundle
from reports.leaderboard.check import check
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import read_rows, to_csv
from tests.reports.leaderboard.made import HOST, USER, bundled, copied, edited, measured_pictures, set_folder, somebody

NOBODY = {"name": "", "url": "", "note": ""}


@pytest.fixture(autouse=True)
def me(home: Path, run: Path) -> Iterator[None]:
    with somebody(home, run.parent):
        yield


@pytest.fixture
def mine(run: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may change."""
    return copied(run, tmp_path / "sdm")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_tree_is_as_described(whole: Path) -> None:
    found = files(whole)
    names = {name.split("/")[0] for name in found}
    assert names == {"bundle.json", "results.csv", "system.json", "protocols.json", "provenance", "sets"}
    inside = {path.name for path in set_folder(whole).iterdir()}
    assert inside == {"set.json", "run.json", "samples"}
    assert len(list(set_folder(whole).glob("samples/seed-00?/*.png"))) == 10
    about = json.loads(found["bundle.json"])
    assert {*about["files"]} == {*found} - {"bundle.json"}
    assert about["submitter"] == {"name": "A lab", "url": "", "note": "<b>first</b>"}
    assert {row.evaluation for row in read_rows(whole / "results.csv")} == {
        path.stem for path in (whole / "provenance").iterdir()
    }


def test_nothing_of_the_machine_is_in_it(whole: Path, run: Path, home: Path, toy_cityscapes: Path) -> None:
    before = b"".join(files(run).values())
    assert str(home).encode() in before
    secrets = [str(place) for place in (home, run.parent, Path.cwd(), toy_cityscapes.parent)]
    for name, data in files(whole).items():
        for secret in [*secrets, USER, HOST]:
            assert secret.encode() not in data, (name, secret)


def test_the_same_results_give_the_same_bytes(whole: Path, run: Path, tmp_path: Path) -> None:
    again = bundled([run], tmp_path / "again", name="A lab", note="<b>first</b>")
    assert files(again) == files(whole)
    assert again.stat().st_mode & 0o777 == 0o755


def test_an_earlier_bundle_is_replaced_and_nothing_else(run: Path, tmp_path: Path) -> None:
    out = bundled([run], tmp_path / "bundle")
    bundled([run], out, samples=False)
    assert not (set_folder(out) / "samples").exists()
    assert check(out).wrong == []
    before = files(out)
    (out / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match=r"--out .*bundle: thesis.tex is not of the bundle, and would be lost"):
        bundled([run], out)
    shutil.rmtree(tmp_path / "bundle")
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="no bundle of this program; expected an earlier one, an empty folder or none"):
        bundled([run], out)
    assert files(out) == {"thesis.tex": b"mine"}
    assert len(before) > 5


def test_what_fails_half_way_leaves_the_earlier_bundle(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = bundled([run], tmp_path / "bundle", samples=False)
    before = files(out)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", fails)
    with pytest.raises(OSError, match="No space left"):
        bundled([run], out)
    assert files(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def an_edited_value(run: Path) -> None:
    rows = read_rows(run / "results.csv")
    text = (run / "results.csv").read_text()
    (run / "results.csv").write_text(text.replace(str(rows[0].value), "0.5", 1))


def another_protocol(run: Path) -> None:
    rows = [row.model_copy(update={"protocol_sha256": "0" * 64}) for row in read_rows(run / "results.csv")]
    (run / "results.csv").write_text(to_csv(rows))
    for path in (run / "provenance").iterdir():
        edited(path, lambda about: about["protocol"]["states"].update(companions=False))


def another_picture(run: Path) -> None:
    path = min(run.rglob("*.png"))
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (an_edited_value, r"results.csv: the id \w+ does not fit what its line says; measure again"),
        (lambda run: shutil.rmtree(run / "provenance"), r"\w+ has no record of its evaluation in .*; measure"),
        (another_protocol, r"measured under another sdm-bench@1 .*companions: False; the shipped protocol has"),
        (another_picture, r"sdm: not the pictures behind \w+ \(5 a seed, seeds 0-1\): they changed since, or others"),
        (lambda run: shutil.copy(min(run.rglob("*.png")), run / "samples/seed-000/x.png"), "or others lie among them"),
        (lambda run: shutil.rmtree(run / "samples/seed-001"), "seed-001: no such folder"),
        (lambda run: (run / "run.json").unlink(), "sdm: no samples there; the pictures behind"),
        (lambda run: (run / "results.csv").write_text(to_csv([])), "no rows; `sdm-bench evaluate` writes them"),
    ],
)  # fmt: skip
def test_what_no_check_would_take_is_refused(
    change: Callable[[Path], None], message: str, mine: Path, run: Path, tmp_path: Path
) -> None:
    rows = [row.model_copy(update={"folder": str(mine)}) for row in read_rows(mine / "results.csv")]
    (mine / "results.csv").write_text(to_csv(rows))
    change(mine)
    with pytest.raises(UserError, match=message):
        bundled([mine], tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_samples_that_moved_are_found_where_the_results_are(mine: Path, tmp_path: Path) -> None:
    rows = [row.model_copy(update={"folder": str(tmp_path / "gone")}) for row in read_rows(mine / "results.csv")]
    (mine / "results.csv").write_text(to_csv(rows))
    assert check(bundled([mine], tmp_path / "bundle")).wrong == []


def test_names_of_the_machine_are_refused_unless_they_are_to_stay(run: Path, tmp_path: Path) -> None:
    for word, what in ((USER, "the name of its user"), (HOST, "its name")):
        about = {**NOBODY, "note": f"by {word.title()}, at home"}
        with pytest.raises(
            UserError, match=rf"bundle.json, note: says '{word}', {what}.*let it stand with --keep {word}"
        ):
            write_bundle([run], tmp_path / "bundle", about)
        assert check(write_bundle([run], tmp_path / "bundle", about, keep=[word])[0]).wrong == []
        shutil.rmtree(tmp_path / "bundle")
    with pytest.raises(UserError, match=r"bundle.json, note: has the path /\S+ of this machine; call it otherwise"):
        write_bundle([run], tmp_path / "bundle", {**NOBODY, "note": f"see {Path.cwd()}/x"})


def test_pictures_that_hold_a_path_are_refused(
    mine: Path, home: Path, toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path
) -> None:
    path, about = min(mine.rglob("*.png")), PngInfo()
    about.add_text("workflow", f"{home}/secret.json")
    with Image.open(path) as image:
        image.save(path, pnginfo=about)
    out = measured_pictures(path.parent, toy_cityscapes, untrained_cache, "theirs", tmp_path / "their.csv")
    with pytest.raises(UserError, match=r"png: has the path /\S+ of this machine in it; write it without metadata"):
        bundled([out], tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert check(bundled([out], tmp_path / "bundle", samples=False)).wrong == []


@pytest.mark.parametrize(
    "about", [{"url": "javascript:alert(1)"}, {"url": "https://x y"}, {"name": "x" * 81}, {"note": "a\nb"}]
)
def test_what_is_said_of_a_bundle_is_one_line_and_an_address(about: dict[str, str], run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--submitter, --url and --note: "):
        write_bundle([run], tmp_path / "bundle", {**NOBODY, **about})


def test_somebodys_pictures_are_a_set_without_a_run_wherever_they_are_submitted_from(
    run: Path, toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "theirs"
    for path in sorted((run / "samples/seed-000").iterdir()):
        images.mkdir(exist_ok=True)
        with Image.open(path) as image:
            image.save(images / f"{path.stem}_fake_B.webp", lossless=True)
    monkeypatch.chdir(tmp_path)
    place, out = Path(images.name), tmp_path / "their.csv"
    measured_pictures(place, toy_cityscapes, untrained_cache, "Their <i>net</i>", out)
    monkeypatch.chdir(run)
    found = check(bundled([out], tmp_path / "bundle"))
    assert found.wrong == []
    (stored,) = found.sets.values()
    assert (stored.name, stored.track, found.options) == ("Their <i>net</i>", "text", {})
    assert len(list(set_folder(tmp_path / "bundle").glob("samples/seed-000/*.webp"))) == 5


def test_pictures_in_an_array_are_refused(
    run: Path, toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path
) -> None:
    pictures = []
    for path in sorted((run / "samples/seed-000").iterdir()):
        with Image.open(path) as image:
            pictures.append(np.array(image))
    np.savez(tmp_path / "theirs.npz", np.stack(pictures))
    out = measured_pictures(tmp_path / "theirs.npz", toy_cityscapes, untrained_cache, "theirs", tmp_path / "their.csv")
    with pytest.raises(UserError, match=r"theirs.npz: an array, .* write them as PNG, measure these"):
        bundled([out], tmp_path / "bundle")


def test_of_two_measurements_of_the_same_the_newer_is_taken(
    mine: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_rows(run / "results.csv")
    older = [row.model_copy(update={"value": row.value / 2, "time": "2020-01-01T00:00:00+00:00"}) for row in rows]
    (mine / "results.csv").write_text(to_csv(older))
    for places in ([mine, run], [run, mine]):
        made = bundled(places, tmp_path / "bundle", samples=False)
        assert {row.id for row in read_rows(made / "results.csv")} == {row.id for row in rows}
    assert "these are one measurement; the newer is taken" in capsys.readouterr().err
