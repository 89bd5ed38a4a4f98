"""Groups of fields: frozen, strict, and told apart field by field."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError, model_validator

from sdm_bench.base.errors import UserError
from sdm_bench.base.sections import Section, parsed


class Inner(Section):
    sides: tuple[int, ...] = (1, 2)


class Outer(Section):
    name: str
    share: float = 0.5
    place: Path = Path("here")
    inner: Inner = Inner()

    @model_validator(mode="after")
    def check(self) -> "Outer":
        if self.share > 1:
            raise ValueError("a share is at most 1")
        return self


def test_nan_and_inf_are_no_values() -> None:
    for number in ("nan", "inf", "-inf", "1e999"):
        with pytest.raises(UserError, match=r"x\.yaml: share: .*finite"):
            parsed(Outer, {"name": "a", "share": float(number)}, "x.yaml")


def test_fields_become_a_section_that_stays_as_it_is() -> None:
    found = parsed(Outer, {"name": "a", "inner": {"sides": [3, 4]}}, "x.yaml")
    assert (found.name, found.share, found.inner.sides) == ("a", 0.5, (3, 4))
    with pytest.raises(ValidationError, match="frozen"):
        found.share = 0.1
    assert found == parsed(Outer, found.model_dump(), "x.yaml")
    assert hash(found) == hash(found.model_copy())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "name: Field required"),
        ({"name": "a", "nam": "b"}, "nam: Extra inputs are not permitted"),
        ({"name": "a", "inner": {"sides": [1, "x"]}}, "inner.sides.1: Input should be a valid integer"),
        ({"name": "a", "inner": {"side": 1}}, "inner.side: Extra inputs are not permitted"),
        ({"name": 1, "share": "half"}, "name: Input should be a valid string; share: Input should be a valid number"),
        ({"name": "a", "share": 2}, "a share is at most 1"),
        (["name"], "Input should be a valid dictionary or instance of Outer"),
        (None, "Input should be a valid dictionary or instance of Outer"),
    ],
)
def test_wrong_fields_are_refused_with_their_source(fields: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parsed(Outer, fields, Path("x.yaml"))
    assert caught.value.message.startswith(f"x.yaml: {message}")


def test_differences_are_a_line_a_field() -> None:
    there = Outer(name="a", inner=Inner(sides=(1, 3)))
    asked = Outer(name="a", share=0.25, place=Path("there"))
    assert there.differences(asked) == "\n".join(
        [
            "  share: 0.5 there, 0.25 asked for",
            "  place: 'here' there, 'there' asked for",
            "  inner: {'sides': [1, 3]} there, {'sides': [1, 2]} asked for",
        ]
    )
    assert there.differences(asked, frozenset({"share", "inner"})) == "  place: 'here' there, 'there' asked for"
    assert there.differences(there.model_copy()) == ""
