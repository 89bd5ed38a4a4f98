"""What is published names no path of the machine."""

from pathlib import Path

import pytest

from reports.anonymous import in_text, last, rows_without_paths, without_paths
from tests.results.test_rows import row


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/runs/sdm", "sdm"),
        ("runs/sdm/", "sdm"),
        (r"C:\Users\me\runs\sdm", "sdm"),
        ("sdm", "sdm"),
        ("https://example.org/a/b.pt", "https://example.org/a/b.pt"),
    ],
)
def test_a_path_is_its_last_component(text: str, shown: str) -> None:
    assert last(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("unet (/home/me/runs/unet)", "unet (unet)"),
        ("real: statistics of ~/x/m.npy, 3f2a", "real: statistics of m.npy, 3f2a"),
        ("FID/KID at 1/2 size", "FID/KID at 1/2 size"),
        ("from https://example.org/a/b.pt", "from https://example.org/a/b.pt"),
        (f"below {Path.home()}/my files/x", "below my files/x"),
    ],
)
def test_sentences_lose_absolute_paths_alone(text: str, shown: str) -> None:
    assert in_text(text) == shown


def test_rows_keep_their_ids() -> None:
    before = row(folder="/home/me/runs/sdm", extractor="unet (/home/me/unet)", note="of /home/me/x.npz")
    (after,) = rows_without_paths([before])
    assert (after.folder, after.extractor, after.note) == ("sdm", "unet (unet)", "of x.npz")
    assert after.id == before.id


def test_records_lose_paths_wherever_they_stand() -> None:
    record = {
        "command": "sdm-bench evaluate '/home/me/my runs/sdm' --segmenter=/home/me/unet --metric fid",
        "arguments": {"run": "my runs/sdm", "where": {"root": "/data/me"}, "metrics": ["fid"], "name": None},
        "pictures": {"runs/sdm/samples/seed-000": "ab12"},
        "weights": {"a": {"source": "package x: lib/y.pt", "url": "https://example.org/a/b"}},
        "protocol": {"sources": ["NVlabs/SPADE@fecacc9"]},
        "versions": {"machine": "Linux-6.1.0-mine-x86_64-with-glibc2.36", "torch": "2.13.0"},
        "threads": 2,
    }
    assert without_paths(record) == {
        "command": "sdm-bench evaluate sdm --segmenter=unet --metric fid",
        "arguments": {"run": "sdm", "where": {"root": "me"}, "metrics": ["fid"], "name": None},
        "pictures": {"seed-000": "ab12"},
        "weights": {"a": {"source": "package x: lib/y.pt", "url": "https://example.org/a/b"}},
        "protocol": {"sources": ["NVlabs/SPADE@fecacc9"]},
        "versions": {"machine": "Linux x86_64", "torch": "2.13.0"},
        "threads": 2,
    }


def test_a_command_that_is_no_shell_line_is_a_sentence() -> None:
    assert without_paths({"command": "it's /home/me/x"}) == {"command": "it's x"}
