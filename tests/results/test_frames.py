"""Names are read by the ids inside them: which frame counts, and which number is a sample's."""

from collections import Counter
from pathlib import Path

import pytest

from sdm_bench.results.frames import Match, Named, best_match, folder_sample

IDS = {"a", "a_1", "b_2", "b_2_c"}


def match(*names: str) -> Match:
    return best_match([Named(Path(f"{name}.png"), name) for name in names], IDS.__contains__)


@pytest.mark.parametrize(
    ("names", "frame", "found"),
    [
        (("a", "a_1", "b_2"), "{id}", {("a", None), ("a_1", None), ("b_2", None)}),
        (("a_x", "a_1_x", "b_2_x"), "{id}_x", {("a", None), ("a_1", None), ("b_2", None)}),
        (("a_0", "a_1", "b_2_0", "b_2_1"), "{id}_{sample}", {("a", 0), ("a", 1), ("b_2", 0), ("b_2", 1)}),
        (("a_7", "b_2_7"), "{id}_7", {("a", None), ("b_2", None)}),
        (("a_seed7", "b_2_seed7"), "{id}_seed{sample}", {("a", 7), ("b_2", 7)}),
        (("sample-3_a", "sample-4_a"), "sample-{sample}_{id}", {("a", 3), ("a", 4)}),
        (("a_fake_B", "b_2_fake_B", "a_real_A", "b_2_real_A"), "{id}_fake_B", {("a", None), ("b_2", None)}),
        (("a_fake_B", "a_real_A", "b_2_real_A"), "{id}_fake_B", {("a", None)}),
        (
            ("a_gtFine_labelIds_synthesized_image", "a_gtFine_labelIds_input_label", "b_2_gtFine_labelIds_input_label"),
            "{id}_gtFine_labelIds_synthesized_image",
            {("a", None)},
        ),
        (("epoch9-fake_a", "epoch9-real_a", "epoch9-real_b_2"), "epoch9-fake_{id}", {("a", None)}),
        (("a_x_real", "b_2_x_real"), "{id}_x_real", {("a", None), ("b_2", None)}),
        (("a_real", "b_2_real"), "{id}_real", {("a", None), ("b_2", None)}),
        (("b_2_c", "b_2"), "{id}", {("b_2_c", None), ("b_2", None)}),
        (("xa", "ax", "x"), "{id}", set()),
    ],
)
def test_the_frame_of_most_ids_counts(names: tuple[str, ...], frame: str, found: set[tuple[str, int | None]]) -> None:
    best = match(*names)
    assert best.frame.text == frame
    assert {(reading.id, reading.sample) for reading in best.readings} == found


def test_other_frames_and_foreign_names_are_kept_apart() -> None:
    best = match("a", "a_1", "b_2", "a_other", "grid")
    assert {frame.text: [reading.id for reading in found] for frame, found in best.others.items()} == {
        "{id}_other": ["a"]
    }
    assert [file.name for file in best.foreign] == ["grid"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("seed-000", 0), ("Seed3", 3), ("group_12", 12), ("ade20k_sample_1", 1), ("seed=4", 4), ("run-2", 2),
        ("aachen", None), ("epoch_10", None), ("7", None), ("seed", None), ("seed_1_old", None), ("oversample_2", None),
    ],
)  # fmt: skip
def test_folders_say_samples_by_a_word_and_a_number(name: str, number: int | None) -> None:
    assert folder_sample(name) == number


def test_names_are_looked_up_not_compared_with_every_id() -> None:
    ids = {f"city_{k:06}_000019" for k in range(500)}
    files = [Named(Path(f"{each}.png"), f"{each}_fake_B") for each in sorted(ids)]
    asked = Counter[str]()

    def known(text: str) -> bool:
        asked[text] += 1
        return text in ids

    match = best_match(files, known)
    assert (match.ids, match.frame.text) == (ids, "{id}_fake_B")
    assert asked.total() < 100 * len(files)
