"""Files of answers: what belongs to a study is read, everything else is named."""

import re
from pathlib import Path

import pytest

from reports.study.answers import FIELDS, HEADER, read_sheets
from sdm_bench.base.errors import UserError
from tests.reports.study.answered import answers_of, prefers, write
from tests.reports.study.made import key_of

CHOICE = prefers("sdm", "spade", "oasis")


def test_what_was_written_is_read(study: Path, tmp_path: Path) -> None:
    key = key_of(study)
    made = [answers_of(key, CHOICE, name) for name in ("p1", "p2")]
    files = [write(tmp_path / f"{number}.csv", answers) for number, answers in enumerate(made)]
    assert [sheet.answers for sheet in read_sheets(files, key)] == made
    # as one file, and a file that is named twice
    both = write(tmp_path / "both.csv", [*made[0], *made[1]])
    sheets = read_sheets([both, both], key)
    assert [sheet.answers for sheet in sheets] == made
    assert all(sheet.complete(key) for sheet in sheets)
    assert [len(sheet.first_showings(key)) for sheet in sheets] == [7, 7]


def test_lines_of_a_spreadsheet_program_are_read(study: Path, tmp_path: Path) -> None:
    key = key_of(study)
    path = write(tmp_path / "answers.csv", answers_of(key, CHOICE))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (sheet,) = read_sheets([path], key)
    assert sheet.complete(key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-9], "line 10: cut off; remove the line if the rest is to count"),
        (lambda text: text.replace("study,", "stud,", 1), f"expected {HEADER.strip()}"),
        (lambda text: "", f"begins with ''; expected {HEADER.strip()}"),
        (lambda text: re.sub(r"s[0-9a-f]{16}", "s0", text), "line 2: of study s0; expected s"),
        (lambda text: re.sub(r",i[0-9a-f]{12},1", ",i0,1", text, count=1), "line 2: item i0, which the study"),
        (lambda text: text + text.splitlines()[-1] + "\n", "line 11: position 9; expected 10"),
        (lambda text: HEADER + text.splitlines()[2] + "\n", "line 2: position 2; expected 1"),
        (lambda text: text.replace(",1000\n", ",\n", 1), "line 2: milliseconds: Input should be a valid integer"),
        (lambda text: text.replace(",1000\n", ",1e3\n", 1), "line 2: milliseconds: Input should be a valid integer"),
        (lambda text: text.replace(",1000\n", "\n", 1), f"line 2: {len(FIELDS) - 1} fields; expected {len(FIELDS)}"),
        (lambda text: text.replace("\n", "\n\n", 1), "line 2: 1 fields; expected 11"),
        (lambda text: text.replace(",0,1,1,", ",5,1,1,", 1), "which form 5 doesn't have"),
        (lambda text: text.replace(",0,1,1,", ",0,7,1,", 1), "line 3: another form or seed than before of participant"),
    ],
)
def test_bad_files_are_named_with_the_line(change, message: str, study: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "answers.csv", answers_of(key_of(study), CHOICE))
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=re.escape(message)) as found:
        read_sheets([path], key_of(study))
    assert str(found.value).startswith(str(path))
    assert "\n" not in str(found.value)


def test_a_participant_in_two_files_is_refused(study: Path, tmp_path: Path) -> None:
    key = key_of(study)
    files = [write(tmp_path / name, answers_of(key, CHOICE)) for name in ("a.csv", "b.csv")]
    with pytest.raises(UserError, match=r"b.csv: participant p1 is in .*a.csv too; expected once"):
        read_sheets(files, key)


def test_more_repeats_than_the_study_has_are_refused(study: Path, tmp_path: Path) -> None:
    key = key_of(study)
    made = answers_of(key.model_copy(update={"repeats": 3}), CHOICE)
    with pytest.raises(UserError, match="line 11: more than 2 pairs a second time"):
        read_sheets([write(tmp_path / "a.csv", made)], key)


def test_what_is_no_text_is_named(study: Path, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(b"\x00\xff\xfe\x01")
    with pytest.raises(UserError, match=r"answers.csv: not a CSV of answers"):
        read_sheets([path], key_of(study))
