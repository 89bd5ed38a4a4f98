"""What a study is and which picture is whose: the record that participants never get."""

from collections import Counter
from pathlib import Path

from reports.names import method_name
from reports.pictured import title_of
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, write_json
from sdm_bench.base.sections import Section, parsed
from sdm_bench.sampling.folders import SampleOptions

KEY_FILE, ANSWERS_FOLDER = "key.json", "answers"
# What the pictures of an obvious pair are called where those of other pairs have a model's name.
PHOTOGRAPH, DEGRADED = "photograph", "degraded"


class Model(Section):
    """A run that takes part. name: as --pairs has it. digest: of its samples of this seed, see SampleSet."""

    name: str
    folder: str
    digest: str
    seed: int
    options: SampleOptions


class Item(Section):
    """Two pictures of one label map.

    pair: the names of the two models, None for an obvious pair. pictures: whose each is, by the picture's id.
    """

    dataset: str
    split: str
    example: str
    pair: tuple[str, str] | None
    pictures: dict[str, str]


class Rule(Section):
    """When a participant passes, fixed before anybody answers.

    obvious: the least share of obvious pairs answered rightly. repeats: of pairs shown twice, sides swapped, the same
    picture may be chosen as rarely as a coin would with this probability; who always takes one side never does.
    """

    obvious: float = 0.8
    repeats: float = 0.05


class Key(Section):
    """A study. study: its id, the beginning of SHA-256 over what the pages show. seed: of ids, order and choice.

    repeats: pairs that each participant sees twice. forms: the items of each form; a participant answers one form.
    pages_sha256: of each form's page as it was written. quality: of the pictures as WebP, None without loss.
    """

    study: str
    version: str
    command: str
    seed: int
    question: str
    label_map: bool
    quality: int | None
    per_pair: int
    repeats: int
    rule: Rule
    pages_sha256: list[str]
    models: list[Model]
    items: dict[str, Item]
    forms: list[list[str]]

    def page_file(self, form: int) -> str:
        """The name of a form's page: study.html for the only one, else study-01.html and so on."""
        digits = max(2, len(str(len(self.forms))))
        return "study.html" if len(self.forms) == 1 else f"study-{form + 1:0{digits}d}.html"

    def shown(self, form: int) -> int:
        """How many pairs a participant with this form sees, repeated ones twice."""
        return len(self.forms[form]) + self.repeats

    def titles(self) -> dict[str, str]:
        """What each model is called in tables: its method, with more where that is ambiguous."""
        options = {model.name: model.options for model in self.models}
        titles = {name: method_name(of.method) for name, of in options.items()}
        for longer in (lambda name: title_of(options[name]), lambda name: name):
            met = Counter(titles.values())
            titles = {name: longer(name) if met[title] > 1 else title for name, title in titles.items()}
        return titles


def read_key(path: Path) -> Key:
    """The key of a study; raises UserError where there is none or it is damaged."""
    if not path.is_file():
        raise UserError(f"{path}: no key of a study; expected the {KEY_FILE} that `sdm-bench study build` wrote")
    return parsed(Key, read_json(path), path)


def write_key(path: Path, key: Key) -> None:
    """Writes the key, readable by its owner alone."""
    write_json(path, key.model_dump(mode="json"))
    path.chmod(0o600)
