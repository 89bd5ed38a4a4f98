"""`edit --draw`: a picture and its label map, or a toy scene, on a page to paint on."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import Example, Record
from sdm_bench.drawing.server import DrawingServer
from sdm_bench.drawing.session import Session
from sdm_bench.sampling.edit import OpenedEditor
from sdm_bench.sampling.editor import needs_instances
from sdm_bench.toy.layout import FIRST_INDEX
from sdm_bench.toy.scenes import SCENERY, render

TOY_ID = "toy"


def draw(
    opened: OpenedEditor,
    image: Path | None,
    labels: Path | None,
    instances: Path | None,
    out: Path,
    port: int = 0,
    command: str = "",
) -> DrawingServer:
    """The server of the page for a picture and its label map; without them, of a toy scene of the network's dataset.

    It listens and is served by the caller. Raises UserError for a pair that can't be edited, and for a port in use.
    """
    source = _toy(opened) if image is None else _read(opened, image, labels, instances)
    if needs_instances(opened.trained) and source.instance is None:
        raise UserError(f"--instances: {opened.trained.source} has an instance edge channel and wants the map's")
    try:
        return DrawingServer(Session(opened, source, out, command), port)
    except OSError as error:
        raise UserError(f"--port {port}: {error.strerror}; expected a free one, or 0 for any") from error


def _read(opened: OpenedEditor, image: Path, labels: Path | None, instances: Path | None) -> Example:
    if labels is None:
        raise UserError(f"LABELS: which is the label map of {image}?")
    return opened.transform(opened.reader.read(Record(image.stem, image, labels, instances)))


def _toy(opened: OpenedEditor) -> Example:
    """A toy scene at the network's size, with its maps as the dataset's files hold them."""
    dataset = opened.trained.about.dataset
    if dataset not in SCENERY:
        raise UserError(f"IMAGE and LABELS: what is drawn on? {dataset} has no toy scenes")
    scene = render(dataset, FIRST_INDEX["val"], 0, opened.transform.size)
    label = opened.reader.to_classes(scene.label, Path(TOY_ID))
    record = Record(TOY_ID, None, Path(TOY_ID), None)
    instance = opened.reader.instances(record, label) if scene.instance is None else scene.instance.astype(np.int32)
    say(f"no IMAGE: a toy scene of {dataset}")
    return replace(opened.transform(Example(TOY_ID, scene.image, label, instance)), id=TOY_ID)
