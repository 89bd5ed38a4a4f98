"""A gallery of many rows in a real browser: python -m tests.benchmarks.gallery [ROWS [METHODS]]

Copies toy scenes until there are ROWS of them, links METHODS runs' samples to brightened photographs, writes the page
by the program itself, and prints its size, the time to first paint, when rows are there, memory, and how even scrolling
is.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from reports.gallery.gallery import Shelf, write_galleries
from reports.pictured import of_runs
from sdm_bench.base.files import write_png
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.toy import write_toy
from tests.evaluation.measured import real_at
from tests.reports.gallery.browser import opened, started, until
from tests.reports.gallery.made import brightened
from tests.sampling.test_generate import sample_options

SCENES = 20
SIZE = (64, 128)
# Frames in which the page is scrolled, and by how many pixels each: fast, and flying by.
FRAMES = 240
SPEEDS = (40, 300)
SCROLL = """
() => new Promise((done) => {
  const times = [];
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    scrollBy(0, PIXELS);
    if (times.length < FRAMES) requestAnimationFrame(step);
    else done(times.slice(1));
  };
  requestAnimationFrame(step);
})
""".replace("FRAMES", str(FRAMES))


def copied_scenes(root: Path, rows: int) -> None:
    """Toy scenes under `rows` ids: each file is a link to one of those that were drawn."""
    write_toy("cityscapes", root, {"val": SCENES}, SIZE)
    for file in sorted(root.rglob("toyville_*")):
        city, number, rest = file.name.split("_", 2)
        for copy in range(SCENES, rows, SCENES):
            other = int(number) + copy
            if other - 500000 < rows:
                os.link(file, file.with_name(f"{city}_{other:06d}_{rest}"))


def linked_samples(folder: Path, root: Path, methods: int) -> list[Path]:
    """Runs whose samples are links to the first run's twenty pictures."""
    real = real_at(root, SIZE)
    digest = labels_sha256(real.dataset)
    names = [record.id for record in real.dataset.records]
    runs = [folder / f"{number:02d}" for number in range(methods)]
    drawn = [folder / f"{place}.png" for place in range(SCENES)]
    for place, path in enumerate(drawn):
        write_png(path, brightened(20)(real[place], 0))
    for number, run in enumerate(runs):
        options = sample_options(
            image_size=SIZE, labels_sha256=digest, data=str(root), weights_sha256=str(number), guidance=1 + number / 10
        )
        SampleFolder(run).start(options, [0], "")
        SampleFolder(run).seed_folder(0).mkdir(parents=True)
        for place, name in enumerate(names):
            os.link(drawn[place % SCENES], SampleFolder(run).sample(name, 0))
    return runs


def memory(browser: Any) -> float:
    """Megabytes that the browser's processes hold of their own."""
    pid = next(each.pid for each in psutil.Process().children(recursive=True) if "chrom" in each.name())
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(each.memory_full_info().uss for each in family) / 1e6


def look(page: Path, rows: int) -> None:
    """Opens the page three times, scrolls it and sorts it."""
    with started() as browser:
        empty = memory(browser)
        for _ in range(3):
            begun = time.monotonic()
            with opened(browser, page.as_uri()) as tab:
                until(tab, f"document.querySelectorAll('.row').length === {rows}")
                ready = time.monotonic() - begun
                until(tab, "performance.getEntriesByName('first-contentful-paint').length === 1")
                paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
                script = tab.evaluate("performance.memory.usedJSHeapSize") / 1e6
                print(f"first paint {paint / 1000:.2f} s, rows there {ready:.2f} s, script's memory {script:.0f} MB")
                at_first = memory(browser)
                for pixels in SPEEDS:
                    times = sorted(tab.evaluate(SCROLL.replace("PIXELS", str(pixels))))
                    half, most = times[len(times) // 2], times[len(times) * 95 // 100]
                    print(
                        f"scrolling by {pixels} pixels a frame: median frame {half:.0f} ms, 95 % below {most:.0f} ms, "
                        f"longest {times[-1]:.0f} ms"
                    )
                begun = time.monotonic()
                tab.evaluate("view.sort = 0; view.of = 0; sorted()")
                sort = time.monotonic() - begun
                print(
                    f"sorted in {sort:.2f} s; browser's memory {at_first - empty:.0f} MB, after scrolling "
                    f"{memory(browser) - empty:.0f} MB"
                )


def main(rows: int, methods: int) -> None:
    """Builds the page and looks at it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copied_scenes(root / "data", rows)
        runs = linked_samples(root / "runs", root / "data", methods)
        begun = time.monotonic()
        (page,) = write_galleries(root / "out" / "gallery.html", of_runs(runs), Shelf([], [], []))
        beside = [path.stat().st_size for path in page.parent.rglob("*.webp")]
        print(
            f"{rows} rows, {methods + 2} columns: written in {time.monotonic() - begun:.0f} s, page "
            f"{page.stat().st_size / 1e6:.1f} MB, beside it {len(beside)} pictures of {sum(beside) / 1e6:.0f} MB"
        )
        look(page, rows)
        shutil.rmtree(root / "out")


if __name__ == "__main__":
    asked = [int(each) for each in sys.argv[1:]]
    main(*(asked + [5000, 10][len(asked) :]))
