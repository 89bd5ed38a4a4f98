"""Whatever is done to a bundle is found, by its digests or by what it says; nothing outside of it is read."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reports.leaderboard.check import check
from sdm_bench.base.errors import UserError
from sdm_bench.results.provenance import record_name
from sdm_bench.results.rows import REAL, ResultRow
from tests.reports.leaderboard.made import edited, sealed, set_folder, with_rows


def picture(bundle: Path) -> Path:
    return min(set_folder(bundle).rglob("*.png"))


def record(bundle: Path) -> Path:
    return min((bundle / "provenance").iterdir())


def assert_found(bundle: Path, *expected: str) -> None:
    """Each pattern is in a finding, and each finding is one line."""
    wrong = check(bundle).wrong
    for pattern in expected:
        assert any(re.search(pattern, line) for line in wrong), (pattern, wrong)
    assert all(line.isprintable() for line in wrong)


def test_what_was_written_is_whole(whole: Path) -> None:
    found = check(whole)
    assert found.wrong == []
    assert len(found.rows) > 20
    assert {*found.sets} == {*found.options} == found.with_samples
    assert len(found.sets) == 1


def test_a_folder_that_is_no_bundle_is_refused_in_one_line(tmp_path: Path) -> None:
    def refused(folder: Path) -> str:
        with pytest.raises(UserError) as error:
            check(folder)
        assert error.value.message.isprintable()
        return error.value.message.removeprefix(f"{folder}: ")

    expected = "expected a folder that `sdm-bench submit` wrote"
    assert refused(tmp_path / "absent") == "no such folder; expected a bundle, as `sdm-bench submit` writes it"
    assert refused(tmp_path) == f"no bundle: no bundle.json in it; found nothing; {expected}"
    for name in ("run.json", "a\nb", ".lock", *"lkjihgfedc"):
        (tmp_path / name).touch()
    found = "a\\nb, c, d, e, f, g, h, i, j, k and 2 more"
    assert refused(tmp_path) == f"no bundle: no bundle.json in it; found {found}; {expected}"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/bundle.json").touch()
    assert refused(tmp_path) == f"no bundle: no bundle.json in it; found bundles in it: mine; {expected}"


def test_what_is_missing_in_a_bundle_is_listed(bundle: Path) -> None:
    for name in ("results.csv", "protocols.json", "system.json"):
        (bundle / name).unlink()
    assert_found(bundle, *(f"^{name}: missing$" for name in ("results.csv", "protocols.json", "system.json")))


def a_digit(bundle: Path) -> None:
    path, value = bundle / "results.csv", str(check(bundle).rows[0].value)
    path.write_text(path.read_text().replace(value, value[:-1] + ("1" if value[-1] != "1" else "2"), 1))


def a_pixel(bundle: Path) -> None:
    path = picture(bundle)
    with Image.open(path) as image:
        changed = image.copy()
    changed.putpixel((0, 0), (255 - changed.getpixel((0, 0))[0], 2, 3))
    changed.save(path)


def a_renamed_picture(bundle: Path) -> None:
    picture(bundle).rename(picture(bundle).with_name("another.png"))


def a_link(bundle: Path) -> None:
    moved = bundle.parent / "elsewhere.csv"
    (bundle / "results.csv").rename(moved)
    (bundle / "results.csv").symlink_to(moved)


def a_link_to_a_folder(bundle: Path) -> None:
    shutil.move(bundle / "provenance", bundle.parent / "records")
    (bundle / "provenance").symlink_to(bundle.parent / "records")


def a_large_file(bundle: Path) -> None:
    with (bundle / "system.json").open("r+b") as file:
        file.truncate((64 << 20) + 1)


def a_second_picture(bundle: Path) -> None:
    shutil.copy(picture(bundle), picture(bundle).with_suffix(".jpg"))
    sealed(bundle)


def a_deep_folder(bundle: Path) -> None:
    (bundle / "sets/a/b/c/d/e").mkdir(parents=True)
    (bundle / "sets/a/b/c/d/e/f.json").write_text("{}")


def a_foreign_set(bundle: Path) -> None:
    (bundle / "sets/0123456789abcdef").mkdir()
    (bundle / "sets/0123456789abcdef/set.json").write_text("{}")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (a_digit, ["results.csv: SHA-256", "results.csv, line 2: the id [0-9a-f]{10} does not fit"]),
        (a_pixel, [r"png: SHA-256 \w+; bundle.json has", r"png: SHA-256 \w+; set.json has"]),
        (a_renamed_picture, ["missing, or no file", "another.png: not listed", "another.png: no picture of"]),
        (lambda bundle: (bundle / "x\n.txt").write_text("x"), [r"x\\n\.txt: no file of a bundle", "not listed"]),
        (a_second_picture, ["png: the same picture as sets/.*jpg"]),
        (a_deep_folder, ["sets/a/b/c/d: a folder deeper than those of a bundle"]),
        (a_foreign_set, ["sets/0123456789abcdef: of no row"]),
        (a_link, [r"results\.csv: a link; expected files alone", r"results\.csv: missing$"]),
        (a_link_to_a_folder, ["provenance: a link", r"provenance/.*: missing; \d+ rows have it"]),
        (lambda bundle: os.mkfifo(bundle / "sets/pipe"), ["sets/pipe: a pipe or a device"]),
        (a_large_file, ["system.json: 67108865 bytes; expected at most 67108864"]),
        (lambda bundle: record(bundle).unlink(), [r"provenance/\w{16}\.json: missing; \d+ rows have it, the first"]),
        (lambda bundle: picture(bundle).unlink(), ["1 of 10 pictures are missing, the first of seed 0"]),
        (lambda bundle: (bundle / "bundle.json").write_text("{}"), ["bundle.json: version: Field required"]),
        (lambda bundle: (bundle / "bundle.json").write_text("null"), ["bundle.json: null; expected fields"]),
        (lambda bundle: (bundle / "protocols.json").write_text("null"), ["protocols.json: null; expected fields"]),
        (lambda bundle: (bundle / "protocols.json").write_text("[" * 99_999), ["protocols.json: not JSON in UTF-8"]),
    ],
)  # fmt: skip
def test_a_change_breaks_a_digest(change: Callable[[Path], Any], expected: list[str], bundle: Path) -> None:
    change(bundle)
    assert_found(bundle, *expected)


@pytest.mark.parametrize(
    "name", ["../outside.json", "/etc/passwd", "sets/../../outside.json", r"..\outside.json", "C:x"]
)
def test_a_path_that_leaves_the_bundle_is_named_and_not_read(name: str, bundle: Path) -> None:
    (bundle.parent / "outside.json").write_text("{}")
    stored = {"sha256": "0" * 64, "bytes": 2}
    edited(bundle / "bundle.json", lambda about: about["files"].update({name: stored}))
    (line,) = check(bundle).wrong
    assert line == f"bundle.json: {name} leads out of the bundle"


def of(metric: str, /, **changes: Any) -> Callable[[ResultRow], dict[str, Any]]:
    """Changes the row of a metric."""
    return lambda row: changes if row.metric == metric and row.method != REAL else {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (of("fid", value=float("nan")), "is nan; expected a finite number"),
        (of("fid", spread=float("inf")), "spread: Input should be a finite number"),
        (of("fid", value=float("-inf")), "is -inf; expected a finite number"),
        (of("lpips", value=1.5), "value 1.5; lpips is at most 1"),
        (of("fid", direction="higher"), "direction and unit higher ''; fid has lower ''"),
        (of("fid", metric="fidd"), "metric fidd; fid has no such number"),
        (of("fid", protocol_sha256="0" * 64), r"1 rows, the first \w{10}, have protocol_sha256 0{64}; the shipped"),
        (of("fid", protocol="mine@1"), "mine@1, fid on cityscapes: Unknown protocol 'mine@1'"),
        (of("fid", measure="fidd"), "Unknown metric 'fidd'"),
        (of("fid", dataset="ade20k"), "sdm-bench@1, fid on ade20k: not stated; expected sha256, weights and states"),
        (of("fid", guidance=9.0), "guidance 9.0; its sample set has"),
        (of("fid", method="spade"), "method spade; its sample set has sdm"),
        (of("fid", seeds="0-9"), "seeds 0-9; its sample set has 0-1"),
        (of("fid", num_images=50_000), "num_images 50000; its sample set has 5"),
        (of("fid", manifest_sha256="0" * 64), "manifest_sha256 0{64}; its sample set has"),
        (of("fid", sample_set="0" * 64), r"sets/0{16}/set\.json: missing; 1 rows are of it"),
        (of("fid", sample_set="../../../etc"), r"set\.json: missing; 1 rows are of it"),
        (of("fid", evaluation="../../bundle"), r"provenance/\.\./\.\./bundle\.json: missing; 1 rows"),
        (of("fid", evaluation=""), r"provenance/\.json: missing; 1 rows"),
        (of("fid", folder="/home/mallory77/sdm"), "a path of a machine in folder, extractor or note"),
        (of("fid", note="a\x1b[31m"), "note: control characters or line breaks in it"),
        (of("kid", metric="fid", value=1.0), "a second row of the same measurement"),
        (of("fid", image_size="512x256"), "pictures of 64x32 .*; rows have 512x256, 64x32"),
        (of("fid", labels_sha256="0" * 64), "label maps .*; its rows have 0{64}"),
    ],
)
def test_rows_that_say_something_else_are_found_though_all_digests_fit(
    change: Callable[[ResultRow], dict[str, Any]], expected: str, bundle: Path
) -> None:
    with_rows(bundle, change)
    assert_found(bundle, expected)


def in_record(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Changes the first record, its name and the rows that have it."""

    def done(bundle: Path) -> None:
        path = record(bundle)
        values: list[dict[str, Any]] = []
        edited(path, lambda value: (change(value), values.append(value)))
        name = record_name(values[0])
        before, _ = path.stem, path.rename(path.with_name(f"{name}.json"))
        with_rows(bundle, lambda row: {"evaluation": name} if row.evaluation == before else {})

    return done


def in_file(name: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Changes a file; the digests of files fit again."""

    def done(bundle: Path) -> None:
        edited(next(bundle.rglob(name)), change)
        sealed(bundle)

    return done


def stated(about: dict[str, Any]) -> dict[str, Any]:
    return about["sdm-bench@1"]["fid"]["cityscapes"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (in_file("protocols.json", lambda about: stated(about)["states"].update(resize="sdm")),
         "sdm-bench@1, fid on cityscapes: resize: 'sdm'; the shipped protocol has 'clean'"),
        (in_file("protocols.json", lambda about: stated(about)["states"].pop("resize")),
         "resize: missing; the shipped protocol has 'clean'"),
        (in_file("protocols.json", lambda about: stated(about)["states"].update(mine=1)),
         "mine: 1; the shipped protocol has no such field"),
        (in_file("protocols.json", lambda about: stated(about)["weights"].update({"lpips-alex": "0"})),
         "weights of lpips-alex: '0'; the shipped protocol has 'ae7f"),
        (in_file("protocols.json", lambda about: stated(about).update(sha256="0")), "sha256 0; the shipped"),
        (in_file("protocols.json", lambda about: about["sdm-bench@1"].pop("fid")), "fid on cityscapes: not stated"),
        (in_file("protocols.json", lambda about: about.update({"sdm@1": {"fid": {"ade20k": {}}}})), "of no row"),
        (in_file("set.json", lambda about: about.update(name="spade")), "states the digest .*; its content has"),
        (in_file("set.json", lambda about: about["pictures"].pop("1")), "states the digest .*; its content has"),
        (in_file("set.json", lambda about: about["pictures"].update({"../2": {}})), r"seeds 0, 1, \.\./2; expected"),
        (in_file("run.json", lambda about: about["options"].update(guidance=9.0)), "states the digest .*; its content"),
        (in_file("run.json", lambda about: about.update(command="sdm-bench generate /home/me/x")), "run.json: a path"),
        (in_file("system.json", lambda about: about.update(cores="/proc/x")), "system.json: expected fields without"),
        (in_file("system.json", lambda about: about.update(cores=float("inf"))), "Infinity is no finite number"),
        (lambda bundle: ((bundle / "system.json").write_text('{"cores": 1e999}'), sealed(bundle)), "1e999 is no"),
        (in_record(lambda about: about["protocol"]["states"].update(averaged=True)), "states of the protocol: av"),
        (in_record(lambda about: about.update(metric="kid")), r"provenance/\w{16}\.json: metric kid; its rows have"),
        (in_record(lambda about: about["arguments"].update(run="/home/me/x")), r"provenance/\w+\.json: a path of a"),
        (in_file("bundle.json", lambda about: about["submitter"].update(url="javascript:x()")), "url: .*begins with"),
    ],
)  # fmt: skip
def test_contents_that_say_something_else_are_found_though_all_digests_fit(
    change: Callable[[Path], None], expected: str, bundle: Path
) -> None:
    change(bundle)
    assert_found(bundle, expected)


def test_a_record_that_was_changed_no_longer_fits_its_name(bundle: Path) -> None:
    edited(record(bundle), lambda about: about.update(device="cuda"))
    sealed(bundle)
    assert_found(bundle, r"provenance/\w{16}\.json: its content has the digest \w{16}")


def test_a_bundle_without_samples_holds_their_digests(bundle: Path) -> None:
    shutil.rmtree(set_folder(bundle) / "samples")
    sealed(bundle)
    found = check(bundle)
    assert found.wrong == []
    assert found.with_samples == set()
