"""Captions: three forms of one thing; whatever is not one caption a label map is refused with the ids."""

import json
from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.captions import read_captions
from sdm_bench.datasets.known_datasets import open_dataset


@pytest.fixture
def dataset(toy_cityscapes: Path) -> SemanticDataset:
    return open_dataset("cityscapes", toy_cityscapes, "val")


@pytest.fixture
def texts(dataset: SemanticDataset) -> dict[str, str]:
    return {record.id: f'a street, "{number}"' for number, record in enumerate(dataset.records)}


def as_csv(texts: dict[str, str]) -> str:
    quoted = {name: text.replace('"', '""') for name, text in texts.items()}
    return "caption,id\r\n" + "".join(f'"{text}",{name}\r\n' for name, text in quoted.items())


def as_lines(texts: dict[str, str]) -> str:
    return "".join(json.dumps({"id": name, "caption": text}) + "\n" for name, text in texts.items())


def test_three_forms_of_one_thing(dataset: SemanticDataset, texts: dict[str, str], tmp_path: Path) -> None:
    backwards = dict(reversed(texts.items()))
    forms = {"a.json": json.dumps(backwards), "a.jsonl": as_lines(texts), "a.CSV": "\ufeff" + as_csv(texts)}
    found = []
    for name, text in forms.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found.append(read_captions(tmp_path / name, dataset))
    assert [each.texts for each in found] == [texts] * 3
    assert len({each.sha256 for each in found}) == 1
    (tmp_path / "a.json").write_text(json.dumps(texts | {dataset.records[0].id: "another"}))
    assert read_captions(tmp_path / "a.json", dataset).sha256 != found[0].sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda texts: texts | {"other": "x"}, r"label maps: 1 not of the split \(other\)$"),
        (lambda texts: dict(list(texts.items())[1:]), r"each of the split's 5 label maps: 1 missing \(toy"),
        (lambda texts: texts | dict.fromkeys(texts, " "), r"the caption of toy.* is ' '; expected text"),
        (lambda texts: {name: {"en": "x"} for name in texts}, r"the caption of toy.* is \[.*expected text"),
    ],
)  # fmt: skip
def test_ids_and_captions_that_are_wrong_are_named(
    change: object, message: str, dataset: SemanticDataset, texts: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(change(texts)))  # type: ignore[operator]
    with pytest.raises(UserError, match=rf"--captions .*a\.json: .*{message}"):
        read_captions(tmp_path / "a.json", dataset)


def test_an_id_that_is_there_twice_is_named_in_every_form(
    dataset: SemanticDataset, texts: dict[str, str], tmp_path: Path
) -> None:
    first = next(iter(texts))
    forms = {
        "a.json": json.dumps(texts).replace("{", f'{{"{first}": "again", '),
        "a.jsonl": as_lines(texts) + as_lines({first: "again"}),
        "a.csv": as_csv(texts) + f"again,{first}\r\n",
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match=rf"1 twice \({first}\)$"):
            read_captions(tmp_path / name, dataset)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "x", r"ends in '\.txt'; expected \.json, \.jsonl, \.csv"),
        ("a.json", '["x"]', "expected one object, id to caption; found list"),
        ("a.json", "{", "Expecting property name"),
        ("a.jsonl", '{"id": "x"}', r'line 1: expected an object with id and caption; found {"id": "x"}'),
        ("a.jsonl", "x", "line 1: not JSON"),
        ("a.csv", "id,text\nx,y\n", "columns id, text; expected id and caption"),
        ("a.csv", "", "columns none; expected id and caption"),
        ("a.csv", "id,caption\nx\n", "line 2: expected two cells"),
        ("a.csv", 'id,caption\nx,"y', "unexpected end of data"),
    ],
)
def test_what_is_no_file_of_captions_is_named(
    name: str, text: str, message: str, dataset: SemanticDataset, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_captions(tmp_path / name, dataset)
    assert "\n" not in caught.value.message
