"""How often something was tried: every evaluation on recorded data counts against the best one.

One line of JSON each in `research/trials.jsonl` of the data folder, only ever appended to.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from tradewinds.model.errors import DataError

FOLDER: Final = "research"
FILE: Final = "trials.jsonl"


class TrialRow(Struct, frozen=True, kw_only=True):
    """One evaluation: of what, on which data and span, and its daily Sharpe ratio there.

    Or a sweep of `sets` parameter sets, whose daily Sharpe ratios vary by `variance`.
    """

    verb: str
    strategies: tuple[str, ...]
    data: str
    start_ns: int
    end_ns: int
    params: str
    sharpe: float | None
    days: int
    noted_ns: int
    sets: int = 1
    variance: float = 0.0


class TrialCount(Struct, frozen=True, kw_only=True):
    """`evaluations` is everything; `distinct` leaves out what was only repeated. Each set of a
    sweep is one.

    `sharpes` are the daily Sharpe ratios of the distinct ones that have one; `variance` is the
    largest of a sweep's, 0 without one.
    """

    evaluations: int
    distinct: int
    sharpes: tuple[float, ...]
    variance: float


class TrialBook:
    """The evaluations made in one data folder."""

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER / FILE

    def note(self, rows: Sequence[TrialRow]) -> None:
        """Append; several processes may, because a short write at the end is one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for row in rows:
            with self.path.open("ab", buffering=0) as file:
                file.write(msgspec.json.encode(row) + b"\n")

    def count(self, strategies: Sequence[str], data: str) -> TrialCount:
        """What was tried with these strategies on this data, by every verb.

        Raises DataError for a line that cannot be read: fewer trials would be a kinder verdict.
        """
        mine = [
            row
            for row in self._rows()
            if row.data == data and row.strategies == tuple(sorted(strategies))
        ]
        distinct = {(row.params, row.start_ns, row.end_ns): row for row in mine}
        found = [row.sharpe for row in distinct.values()]
        return TrialCount(
            evaluations=sum(row.sets for row in mine),
            distinct=sum(row.sets for row in distinct.values()),
            sharpes=tuple(sharpe for sharpe in found if sharpe is not None),
            variance=max((row.variance for row in distinct.values()), default=0.0),
        )

    def _rows(self) -> list[TrialRow]:
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().splitlines()
        try:
            return [msgspec.json.decode(line, type=TrialRow) for line in lines]
        except msgspec.MsgspecError as error:
            raise DataError(
                f"{self.path}: a line is damaged ({error}); mend or remove it, but know that"
                " the number of trials is then too small"
            ) from error


def trial_row(
    verb: str, strategies: Mapping[str, Any], data: str, span_ns: tuple[int, int], **found: Any
) -> TrialRow:
    """A row for strategies with the parameters they had. The clock is only for people."""
    text = msgspec.json.encode(dict(strategies), order="deterministic")
    return TrialRow(
        verb=verb,
        strategies=tuple(sorted(strategies)),
        data=data,
        start_ns=span_ns[0],
        end_ns=span_ns[1],
        params=hashlib.sha256(text).hexdigest()[:16],
        noted_ns=time.time_ns(),
        **found,
    )
