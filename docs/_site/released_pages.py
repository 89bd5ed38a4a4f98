"""Step by step with every released checkpoint: how it comes here, the commands, and the numbers that were published."""

from reports.names import dataset_name
from reports.published.numbers import UNKNOWN, PublishedNumber, published
from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.matching import PresetMatch
from sdm_bench.evaluation.metric import metric
from sdm_bench.models.methods import METHODS, Method
from sdm_bench.protocols.protocols import DEFAULT, protocol, protocol_names
from sdm_bench.weights.registry import registry
from sdm_bench.weights.released import Source, find_released

METRICS = ("fid", "lpips", "miou")
DATASETS = ("celebamask_hq", "cityscapes", "ade20k", "coco_stuff")
# Statistics that the authors' repository ships; STATISTICS is the dataset's folder there, below datasets/train_mu_si.
OF_TRAINING = "statistics of the training split"
# Whose scripts take each photograph's own style: CC-FPSE's everywhere, SCGAN's on faces.
TRUE_STYLES = {("ccfpse", dataset) for dataset in DATASETS} | {("scgan", "celebamask_hq")}


def sections() -> str:
    """A section a method of which anything was released."""
    return "\n\n".join(_section(each) for each in METHODS.values() if each.released)


def _section(method: Method) -> str:
    own = f"{method.name}@1"
    says = f"[{own}](protocols/{own}.md)" if own in protocol_names() else f"none of its own; {DEFAULT} below"
    parts = [
        f"## {method.title}",
        f"- Original: {method.original}; licence: {method.license}\n- Files: {method.released}\n- Protocol: {says}",
    ]
    parts += [_on_dataset(method, name, found) for name in DATASETS if (found := _released(method.name, name))]
    return "\n\n".join(parts)


def _released(method: str, dataset: str) -> Source | None:
    try:
        return find_released(method, dataset).source
    except UserError:
        return None


def _on_dataset(method: Method, dataset: str, source: Source) -> str:
    file = source.file
    measured = _measured(method.name, dataset)
    seeds = max((samples for _, _, samples in measured), default=1)
    out = f"runs/{method.name}-{dataset}"
    style = " --style ground-truth" if (method.name, dataset) in TRUE_STYLES else ""
    lines = [f"# needs DIR, {dataset_name(dataset)}, and {file}, the released file or folder"]
    segmenters = {name: segmenter for name, segmenter, _ in measured if segmenter}
    lines += [f"sdm-bench weights import {name} FILE" for each in segmenters.values() for name in _files(each)]
    lines.append(
        f"sdm-bench generate --method {method.name} --checkpoint {file} --dataset {dataset} --data DIR \\\n   "
        f"{f' --seeds 0-{seeds - 1}' if seeds > 1 else ''}{style} --out {out}"
    )
    for name in dict.fromkeys(each for each, _, _ in measured):
        asked = " ".join(f"--metric {each}" for each, by in _by_protocol(method.name, dataset).items() if by == name)
        statistics = ""
        if "fid" in asked and metric("fid").stated(protocol(name), dataset).real == OF_TRAINING:
            statistics = f" --statistics {method.name}-{dataset}"
            lines.append(f"sdm-bench stats import STATISTICS {method.name}-{dataset} --resize legacy_pytorch")
        lines.append(f"sdm-bench evaluate {out} --protocol {name} {asked}{statistics}")
    expected = [each for each in published(dataset) if each.method == method.name and each.metric in METRICS]
    title, block = f"### {method.title} on {dataset_name(dataset)}", "\n".join(["```sh", *lines, "```"])
    return "\n\n".join([title, _bring(source), block, _table(expected)])


def _by_protocol(method: str, dataset: str) -> dict[str, str]:
    """Under which protocol each metric is measured: the method's own where it says all of it, else the default."""
    own = f"{method}@1"
    found = {name: own if own in protocol_names() and _whole(own, name, dataset) else DEFAULT for name in METRICS}
    if not _stochastic(method, dataset):
        del found["lpips"]
    return found


def _stochastic(method: str, dataset: str) -> bool:
    """Whether another seed gives another picture."""
    return METHODS[method].kind == "diffusion" or PresetMatch.of(method, "paper", dataset).config.stochastic


def _whole(name: str, of: str, dataset: str) -> bool:
    found = protocol(name)
    return dataset in found.datasets(of) and not found.unknown(of, dataset)


def _measured(method: str, dataset: str) -> list[tuple[str, str | None, int]]:
    """The protocols, each with the segmenter it names and how many samples of a label map it wants."""
    found = []
    for name, by in _by_protocol(method, dataset).items():
        section = metric(name).stated(protocol(by), dataset)
        samples = getattr(section, "samples", None) or (2 if name == "lpips" else 1)
        found.append((by, getattr(section, "segmenter", None), samples))
    return found


def _files(segmenter: str) -> list[str]:
    """The files of the registry that a segmenter is made of."""
    known = registry()
    return [segmenter] if segmenter in known else [name for name in known if name.startswith(f"{segmenter}-")]


def _bring(source: Source) -> str:
    if source.address:
        return f"Download [{source.file}]({source.address})."
    if source.drive or source.drive_folder:
        return (
            f"Bring it from Google Drive as `{source.file}`, or have a suite bring it: `checkpoint: released`, with "
            "the extra `released`."
        )
    return f"Only a person can bring it: from the place above, as `{source.file}`."


def _table(numbers: list[PublishedNumber]) -> str:
    if not numbers:
        return "Nobody's published number of it is known to this program."
    lines = ["| published | value | measured by | read in | source |", "| --- | --- | --- | --- | --- |"]
    for each in numbers:
        by = each.protocol if each.protocol != UNKNOWN else f"not known: {each.note}"
        agree = "several sources that agree" if each.mark == "V" else "one source"
        variant = f" ({each.variant})" if each.variant else ""
        lines.append(f"| {each.output.title}{variant} | {each.value:.4g} | {by} | {agree} | {each.source} |")
    return "\n".join(lines)
