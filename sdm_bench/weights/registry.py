"""The published weights by name: what each is for, its licence, where it is and how it is read."""

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from sdm_bench.base.errors import unknown_name

Reader = Literal["torch", "torchscript", "numpy_pickle", "safetensors"]
Convert = Literal["state_dict", "inception_modules", "lpips_torchvision", "lpips_flax"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Sha256Start = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Published(_Row):
    """A file at an address. sha256: the whole digest or how it starts, None where nobody has published one."""

    address: str
    sha256: Sha256Start | None = None
    by_hand: bool = False
    reader: Reader = "torch"
    convert: Convert = "state_dict"


class Package(_Row):
    """A member of one file of a project on the package index, data that needs none of the package's code."""

    project: str
    version: str
    file: str
    sha256: Sha256
    member: str
    member_sha256: Sha256
    reader: Reader
    convert: Convert

    @property
    def title(self) -> str:
        """What the user reads: project, version, file and member."""
        return f"package {self.project} {self.version}, {self.file}: {self.member}"


class Entry(_Row):
    """One set of weights. holds: name -> shape of tensors that the converted file must contain."""

    name: str
    purpose: str
    licence: str
    published: tuple[Published, ...] = ()
    package: Package | None = None
    holds: dict[str, tuple[int, ...]] = {}
    tensors_sha256: Sha256 | None = None

    @property
    def fetchable(self) -> bool:
        """Whether a program can download it."""
        return self.package is not None or any(not source.by_hand for source in self.published)

    @property
    def pinned(self) -> bool:
        """Whether the registry knows a digest of every file that it accepts."""
        return all(source.sha256 for source in self.published)


def parse(text: str) -> dict[str, Entry]:
    """The entries of a registry in YAML; raises pydantic.ValidationError where a row is wrong."""
    return {name: Entry(name=name, **row) for name, row in yaml.safe_load(text).items()}


@cache
def registry() -> dict[str, Entry]:
    """Every entry of the shipped registry, by name."""
    return parse(resources.files("sdm_bench.weights").joinpath("registry.yaml").read_text(encoding="utf-8"))


def entry(name: str) -> Entry:
    """The entry called `name`; raises UserError with the nearest known name."""
    if name not in registry():
        raise unknown_name("weights", name, registry())
    return registry()[name]


def entries_of(names: Iterable[str]) -> list[Entry]:
    """The entries called `names`, each once, in that order; raises UserError on an unknown name."""
    return [entry(name) for name in dict.fromkeys(names)]
