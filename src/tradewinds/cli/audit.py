"""`audit`: proves that nothing in the journal was changed since it was written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.exits import Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.store_access import reading

if TYPE_CHECKING:
    from tradewinds.store.audit import AuditResult


class AuditArguments(Struct, frozen=True, kw_only=True):
    """Whose journal, and what to compare its head with."""

    account: Annotated[
        str | None, Option(help="Account (else account.name of the settings).", metavar="NAME")
    ] = None
    head: Annotated[
        str | None,
        Option(help="A head hash noted earlier: it must be in the chain's end.", metavar="HASH"),
    ] = None
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


class AuditAnswer(Struct, frozen=True, kw_only=True):
    """`rows` batches with `entries` events and commands were right, up to `head_batch`.

    `bad_batch` is the first wrong one, or null. Keep `head_hash` elsewhere to compare later.
    """

    account: str
    rows: int
    entries: int
    head_batch: int
    head_hash: str
    bad_batch: int | None
    problem: str


def audit(arguments: AuditArguments, frame: Frame) -> Outcome:
    """Walk the journal's hash chain; exit code 5 names the first row that is not as written."""
    from tradewinds.store.audit import verify

    settings = load_settings(frame, arguments.config)
    account = arguments.account or settings.account.name
    with reading(settings, frame.home) as engine:
        result = verify(engine, account, anchor_of(frame.home))
    answer = answer_of(account, result, arguments.head)
    return Outcome(
        data=answer,
        show=lambda screen: show_audit(screen, answer),
        code=Exit.AUDIT_FAILED if answer.problem else Exit.OK,
        message=answer.problem,
        fix="do not trade on this journal: keep a copy of it and restore a backup",
    )


def anchor_of(home: Path) -> Path:
    """Where the engine notes the head of the chain outside the database."""
    return home / "journal.head"


def answer_of(account: str, result: "AuditResult", noted: str | None) -> AuditAnswer:
    """The walk's result, and the operator's own note against it."""
    problem = result.problem
    if not problem and noted and noted.lower() != result.head_hash:
        problem = f"the head is {result.head_hash}, not the {noted} you noted"
    return AuditAnswer(
        account=account,
        rows=result.rows,
        entries=result.entries,
        head_batch=result.head_batch,
        head_hash=result.head_hash,
        bad_batch=result.bad_batch,
        problem=problem,
    )


def show_audit(screen: Screen, answer: AuditAnswer) -> None:
    """Verdict, counts, head."""
    verdict, style = ("BROKEN", "red") if answer.problem else ("intact", "green")
    screen.line(f"Journal of account {answer.account}: {verdict}", style)
    screen.pairs(
        [
            ("good batches", f"{answer.rows:,}"),
            ("entries", f"{answer.entries:,}"),
            ("head", f"batch {answer.head_batch}, {answer.head_hash}"),
        ]
    )
