"""What a suite can say: every option of the commands that its cells are, or why it can't."""

import click
import pytest

from sdm_bench.commands.evaluate import evaluate
from sdm_bench.commands.generate import generate
from sdm_bench.commands.segment import segment
from sdm_bench.commands.train import train
from sdm_bench.suites.schema import ELSEWHERE, Data, Entry, Sampling, SegmenterTraining, Stage, Suite

# What suites call otherwise: a dataset or a method is an entry, and `method` of a segmenter the command's NAME.
ENTRIES = {"dataset", "method", "name", "run", "metrics", "protocol"}
PLACES = {
    train: (Stage, Entry),
    segment.commands["train"]: (SegmenterTraining,),
    generate: (Sampling, Entry, Data),
    evaluate: (Data, Suite),
}


@pytest.mark.parametrize("command", PLACES, ids=lambda command: str(command.name))
def test_every_option_can_be_said_or_is_refused_with_the_reason(command: click.Command) -> None:
    names = {each.name for each in command.params} - {"help"}
    sayable = {field for place in PLACES[command] for field in place.model_fields}
    assert names - sayable - ENTRIES - ELSEWHERE.keys() == set()
