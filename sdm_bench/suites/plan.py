"""From a suite to its cells: what each does, what decides its result, and whose results it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.code import code_of
from sdm_bench.suites.factors import Combination, combinations
from sdm_bench.suites.measuring import called, given, measured
from sdm_bench.suites.planning import Planning, places_of
from sdm_bench.suites.pretrained import pretrained
from sdm_bench.suites.sampled import samples
from sdm_bench.suites.schema import Suite
from sdm_bench.suites.suite import read_suite, seeds_of
from sdm_bench.suites.trainings import segmenter


@dataclass
class Plan:
    """The cells of a suite by name, each after those whose results it needs.

    source: the suite's file. left_out: of the suite, a line each that says why. shipped: with checkpoints that ship in
    the place of trainings.
    """

    suite: Suite
    source: str
    cells: dict[str, Cell] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    shipped: bool = False

    @property
    def by_id(self) -> dict[str, Cell]:
        """The cells by `name/key`."""
        return {cell.id: cell for cell in self.cells.values()}


def make_plan(path: Path, roots: Mapping[str, Path] | None = None, shipped: bool = False) -> Plan:
    """The plan of the suite in a YAML file; raises UserError for what is wrong with the suite.

    roots: where datasets of the suite are, in place of what the suite says. shipped: with checkpoints that ship in the
    place of trainings, see `pretrained`.
    """
    suite, lined = read_suite(path)
    suite, left_out = pretrained(suite) if shipped else (suite, ())
    seeds = seeds_of(suite.sampling_seeds, lined.place(("sampling_seeds",)))
    planning = Planning(suite, lined, places_of(suite, dict(roots or {})), seeds)
    absent = tuple(label for label, data in suite.datasets.items() if data.optional and planning.places[label].nowhere)
    for each in combinations(suite, lined):
        if each.dataset not in absent:
            _measure(planning, each)
    _report(planning)
    lines = [f"--pretrained: left out: {', '.join(left_out)}"] if left_out else []
    lines += [f"{label}: optional, and left out; `sdm-bench run --data {label}=DIR` adds it" for label in absent]
    return Plan(suite, str(path), planning.cells, tuple(lines), shipped)


def _measure(planning: Planning, each: Combination) -> None:
    """The cells of a number: what makes the samples, and what measures them."""
    cells, key = samples(planning, each)
    if each.protocol is None or each.metric is None:
        return
    data, place = planning.suite.datasets[each.dataset], planning.places[each.dataset]
    known, seeds = place.split(data.split), [*planning.seeds]
    network = called(segmenter(planning, each.dataset, data)) if each.metric == "miou" else None
    about, more = measured(each.protocol, each.metric, place.dataset, network), given(each.metric, data)
    decided = {
        "samples": key,
        "seeds": seeds,
        "label maps and photographs": known.digest,
        **about.decided_by,
        **more.decided_by,
        **code_of("evaluate", each.metric),
    }
    options = {
        "dataset": place.dataset,
        "metric": each.metric,
        "protocol": each.protocol,
        "samples": cells[0].work_folder,
        "seeds": seeds,
        "segmenter": network if isinstance(network, str) else None,
        **more.options,
    }
    base = cells[0].name.removeprefix("generate.").partition(".shard-")[0]
    inputs = {f"samples {number}": cell.id for number, cell in enumerate(cells)}
    inputs["data"] = place.cell().id
    if isinstance(network, Cell):
        inputs["segmenter"] = network.id
    planning.add(
        Cell(
            "evaluate",
            f"evaluate.{base}.{each.protocol}.{each.metric}",
            options,
            decided,
            inputs,
            files=about.files | more.files,
            size=float(known.count * len(seeds)),
            rate=f"evaluate {each.metric} {each.protocol} {place.dataset}",
            lacks=(*known.lacks, *about.lacks, *more.lacks),
        )
    )


def _report(planning: Planning) -> None:
    cells = planning.cells.values()
    numbers = [cell for cell in cells if cell.kind == "evaluate"]
    if not numbers:
        return
    _refuse_report(planning)
    options = {
        **planning.suite.report.model_dump(mode="json"),
        "mean_over_training_seeds": _training_seeds(planning) > 1,
        # the sample folders that pictures are of
        "samples": list(dict.fromkeys(cell.work_folder for cell in cells if cell.kind == "generate")),
    }
    decided = {"options": options, "numbers": {cell.name: cell.key for cell in numbers}, **code_of("report")}
    measured = {each for cell in numbers for each in cell.inputs.values()}
    shown = [cell for cell in cells if cell.kind == "generate" and cell.id not in measured]
    inputs, size = {cell.name: cell.id for cell in (*numbers, *shown)}, float(len(numbers))
    planning.add(Cell("report", "report", options, decided, inputs, work="report", size=size, rate="report"))


def _refuse_report(planning: Planning) -> None:
    """Raises UserError for tables and factors that there aren't and one name for two, before anything is computed."""
    from reports.ablation import FACTORS
    from reports.names import refuse_one_for_two
    from reports.tables import TABLES

    about = planning.suite.report
    try:
        for name in about.tables:
            if name not in TABLES:
                raise unknown_name("table", name, TABLES)
        for name in about.factors:
            if name.replace("-", " ") not in FACTORS:
                raise unknown_name("factor", name, FACTORS)
        for names in about.names.values():
            refuse_one_for_two(names)
    except UserError as error:
        raise UserError(f"{planning.lined.place(('report',))}: report: {error.message}") from error


def _training_seeds(planning: Planning) -> int:
    """The largest number of seeds that one training of the suite has."""
    seeds: dict[str, set[int]] = {}
    for cell in planning.cells.values():
        if cell.kind == "train":
            seeds.setdefault(cell.name.partition(".seed-")[0], set()).add(cell.options["seed"])
    return max((len(each) for each in seeds.values()), default=0)
