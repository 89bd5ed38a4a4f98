"""A suite with the checkpoints that ship in the place of its trainings: `run --pretrained`."""

from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.shipped import SHIPPED, shipped
from sdm_bench.suites.planning import PRESET
from sdm_bench.suites.schema import TRAIN_FACTORS, Data, Entry, SegmenterTraining, Suite

SUFFIX = "-pretrained"
NONE = "no checkpoint ships"
# What of a training makes it one of another network than ships.
OTHER_NETWORK = ("image_size", "network", "diffusion")


def pretrained(suite: Suite) -> tuple[Suite, list[str]]:
    """The suite with checkpoints that ship instead of trainings, and what is left out of it, with reasons.

    Methods and segmenters that it trains on toy scenes become `toy` where that ships for the dataset; of the scenes
    val is left. Seeds and factors of trainings fall away. Raises UserError where a method is trained by another preset,
    and where nothing that is trained ships.
    """
    others = [f"{name} ({entry.preset})" for name, entry in suite.methods.items() if _of_another_preset(entry)]
    if others:
        raise UserError(
            f"--pretrained: checkpoints of preset '{PRESET}' ship; {suite.name} trains {', '.join(others)} by others"
        )
    methods: dict[str, Entry] = {}
    reasons: dict[str, list[str]] = {}
    for name, entry in suite.methods.items():
        found = _replaced(suite, name, entry)
        if isinstance(found, Entry):
            methods[name] = found
        else:
            reasons.setdefault(found, []).append(name)
    left_out = [f"{', '.join(names)} ({reason})" for reason, names in reasons.items()]
    if not any(suite.methods[name].stages for name in methods):
        why = f": {', '.join(left_out)}" if left_out else ", for it trains nothing"
        raise UserError(f"--pretrained: nothing that ships takes the place of a training of {suite.name}{why}")
    used = {label for entry in methods.values() for label in entry.datasets or suite.datasets}
    left_out += [f"the dataset {label}" for label in suite.datasets if label not in used]
    left_out += [
        f"{name} of {label} ({NONE})"
        for name, entry in methods.items()
        for label in suite.methods[name].datasets or suite.datasets
        if label in used and label not in (entry.datasets or suite.datasets)
    ]
    changed = {
        "name": suite.name + SUFFIX,
        "datasets": {label: _data(data) for label, data in suite.datasets.items() if label in used},
        "methods": methods,
        "factors": {name: values for name, values in suite.factors.items() if name not in TRAIN_FACTORS},
    }
    return _conditioned(suite, suite.model_copy(update=changed)), left_out


def _of_another_preset(entry: Entry) -> bool:
    return bool(entry.stages) and entry.preset not in (None, PRESET)


def _replaced(suite: Suite, name: str, entry: Entry) -> Entry | str:
    """The entry with what ships in the place of its training; or why there is none."""
    if not entry.stages:
        return entry
    if entry.raw:
        return "raw; what ships is an average"
    changed = [
        option for option in OTHER_NETWORK if any(getattr(stage, option) not in (None, {}) for stage in entry.stages)
    ]
    changed += [option for option in entry.factors if option in TRAIN_FACTORS]
    if changed:
        return f"{changed[0]} of its own"
    there, labels = shipped(), entry.datasets or tuple(suite.datasets)
    datasets = tuple(
        label
        for label in labels
        if suite.datasets[label].toy is not None
        and (entry.method or name) in there.get(suite.datasets[label].dataset or label, ())
    )
    if not datasets:
        return NONE
    return entry.model_copy(update={"train": None, "checkpoint": SHIPPED, "training_seeds": None, "datasets": datasets})


def _data(data: Data) -> Data:
    """The dataset; of toy scenes with the segmenter that ships, and without scenes that only trainings need."""
    if data.toy is None:
        return data
    update: dict[str, Any] = {"segmenter": SHIPPED} if isinstance(data.segmenter, SegmenterTraining) else {}
    if data.split != "train":
        update["toy"] = data.toy.model_copy(update={"train": 0})
    return data.model_copy(update=update)


def _conditioned(before: Suite, after: Suite) -> Suite:
    """The suite with those of its conditions that are about something which is left.

    `exclude` of a training seed or a factor of trainings is of trainings that are not there; `only` is then of the rest
    of its condition.
    """
    trainings = {"training_seed", *before.factors.keys() & TRAIN_FACTORS}

    known = {"dataset": {*after.datasets}, "method": {*after.methods}}

    def left(condition: dict[str, Any]) -> bool:
        return all(
            not known[name].isdisjoint(wanted if isinstance(wanted, list) else [wanted])
            for name, wanted in condition.items()
            if name in known
        )

    exclude = tuple(each for each in before.exclude if left(each) and trainings.isdisjoint(each))
    only = tuple(
        {name: wanted for name, wanted in each.items() if name not in trainings} for each in before.only if left(each)
    )
    if before.only and not only:
        raise UserError(f"--pretrained: nothing ships of what `only` leaves of {before.name}")
    return after.model_copy(update={"exclude": exclude, "only": only})
