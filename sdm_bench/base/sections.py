"""Frozen groups of fields that refuse unknown ones: what YAML and JSON files of this program are made of."""

from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sdm_bench.base.errors import UserError

Model = TypeVar("Model")

# Pixels of a picture's height or width, up to more than any network takes.
Side = Annotated[int, Field(ge=1, le=16384)]


def unless_default(default: Any) -> Any:
    """A field that is written down only where it says something: older files have none, and mean the default."""
    return Field(default=default, exclude_if=lambda value: value == default)


class Section(BaseModel):
    """A frozen group of fields that refuses unknown ones, and NaN and Inf."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def differences(self, wanted: "Section", exclude: frozenset[str] = frozenset()) -> str:
        """A line for each field in which `wanted` differs from what this one, found on disk, says; empty if none."""
        there, asked = (each.model_dump(mode="json", exclude=set(exclude)) for each in (self, wanted))
        lines = [
            f"  {name}: {there.get(name)!r} there, {asked.get(name)!r} asked for"
            for name in {**there, **asked}
            if there.get(name) != asked.get(name)
        ]
        return "\n".join(lines)


def parsed(model: type[Model], fields: Any, source: object) -> Model:
    """The model, or dataclass, of `fields`; raises UserError that names `source`, the wrong fields and why."""
    try:
        kind: Any = model
        found: Model = _adapter(kind).validate_python(fields)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {_why(each)}".removeprefix(": ") for each in error.errors()]
        raise UserError(f"{source}: {'; '.join(wrong)}") from error
    return found


def _why(error: Any) -> str:
    # what this program's own checks say stands behind words of pydantic's
    return str(error["msg"]).removeprefix("Value error, ")


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    # made once: it costs more than what it is used for
    return TypeAdapter(model)
