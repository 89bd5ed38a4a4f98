"""What `evaluate` and `difference` print of what they measured."""

from collections.abc import Sequence

import pandas as pd

from reports.names import method_name
from reports.tables import make_table
from sdm_bench.evaluation.differences import Difference
from sdm_bench.evaluation.metric import all_outputs
from sdm_bench.results.rows import TEXT, ResultRow

COLUMNS = (
    *("id", "dataset", "track", "method", "metric", "value", "spread", "num_images", "incomplete", "seeds", "protocol"),
    "extractor",
)


def evaluation_text(rows: Sequence[ResultRow]) -> str:
    """The table of protocols side by side where there are several, else a line a number, without those of classes."""
    if len({row.protocol for row in rows}) > 1:
        return make_table("sensitivity", rows).markdown()
    outputs = all_outputs()
    records = []
    for row in rows:
        if not row.class_name:
            digits = outputs[row.metric].digits if row.metric in outputs else 4
            spread = "" if row.spread is None else f"{row.spread:.{digits}f} over {row.spread_over}"
            shown = {
                "id": row.id,
                **row.model_dump(),
                "method": method_name(row.method),
                "value": f"{row.value:z.{digits}f}",
                "spread": spread,
            }
            records.append({name: shown[name] for name in COLUMNS})
    frame = pd.DataFrame(records)
    unneeded = [name for name in ("incomplete",) if not any(frame[name])]
    unneeded += [] if any(row.track == TEXT for row in rows) else ["track"]
    return frame.drop(columns=unneeded).to_string(index=False)


def differences_frame(found: Sequence[Difference]) -> pd.DataFrame:
    """A line a difference; values and ends of intervals at the digits of the metric."""

    def shown(each: Difference) -> dict[str, str | int]:
        numbers = {
            "of first": each.first_value,
            "of second": each.second_value,
            "difference": each.difference.value,
            "low": each.difference.low,
            "high": each.difference.high,
        }
        spelled = {name: f"{value:z.{each.digits}f}" for name, value in numbers.items()}
        return {"metric": each.metric, "first": each.first, "second": each.second, **spelled, "maps": each.examples}

    return pd.DataFrame([shown(each) for each in found])
