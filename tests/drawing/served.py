"""Sessions on the shipped toy checkpoint, and their servers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.drawing.draw import draw
from sdm_bench.drawing.server import DrawingServer
from sdm_bench.drawing.session import Job, Session
from sdm_bench.sampling.edit import OpenedEditor, open_editor
from sdm_bench.sampling.editor import InpaintingChoice
from sdm_bench.sampling.synthesizers import SamplingOptions


def toy_editor(steps: int = 2) -> OpenedEditor:
    """The shipped SDM with so many steps."""
    sampling = SamplingOptions(solver="ddim", solver_steps=steps, guidance=1.0)
    return open_editor(WeightsSpec(method="sdm", checkpoint="toy"), sampling, InpaintingChoice(), device="cpu")


@contextmanager
def serving(opened: OpenedEditor, out: Path) -> Iterator[DrawingServer]:
    """The page of a toy scene, served by a thread."""
    server = draw(opened, None, None, None, out)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.session.cancel()
        server.shutdown()
        thread.join()
        server.server_close()


def finished(session: Session, number: int) -> Job:
    """An edit that is no longer made."""
    end = time.monotonic() + 60
    while session.job(number).state == "running":
        assert time.monotonic() < end
        time.sleep(0.02)
    return session.job(number)
