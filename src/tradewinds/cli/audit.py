"""`audit`: proves that nothing in the journal was changed since it was written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.exits import Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.store_access import accounts_of, chosen_account, reading

if TYPE_CHECKING:
    from tradewinds.store.database import Database


class AuditArguments(Struct, frozen=True, kw_only=True):
    """Whose journal, and what to compare its head with."""

    account: Annotated[
        str | None, Option(help="One account (else all of them).", metavar="NAME")
    ] = None
    head: Annotated[
        str | None,
        Option(
            help="A head hash noted earlier: one of the journals must end with it.", metavar="HASH"
        ),
    ] = None
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


class AuditAnswer(Struct, frozen=True, kw_only=True):
    """`rows` batches with `entries` events and commands were right, up to `head_batch`.

    In the account's place `clearance.jsonl`: its rows are counted alike.

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
    settings = load_settings(frame, arguments.config)
    record = () if arguments.account else cleared(frame.home)
    with reading(settings, frame.home) as database:
        first = chosen_account(database, settings, frame.home, arguments.account)
        accounts = (first,) if arguments.account else accounts_of(database, settings, frame.home)
        walks = tuple(walked(database, account, frame.home) for account in accounts)
    answers = walks + record
    problem = next((answer.problem for answer in answers if answer.problem), "")
    problem = problem or problem_with_head(answers, arguments.head)
    return Outcome(
        data=answers,
        show=lambda screen: show_audits(screen, answers),
        code=Exit.AUDIT_FAILED if problem else Exit.OK,
        message=problem,
        fix="do not trade on this journal: keep a copy of it and restore a backup",
    )


def walked(database: "Database", account: str, home: Path) -> AuditAnswer:
    """One account's chain, from its first batch to the head noted beside the database."""
    from tradewinds.store.audit import verify

    result = verify(database, account, anchor_of(home, account))
    return AuditAnswer(
        account=account,
        rows=result.rows,
        entries=result.entries,
        head_batch=result.head_batch,
        head_hash=result.head_hash,
        bad_batch=result.bad_batch,
        problem=f"account {account}: {result.problem}" if result.problem else "",
    )


def cleared(home: Path) -> tuple[AuditAnswer, ...]:
    """What allows real money: its chain, to the end that was noted; none where nothing does."""
    from tradewinds import clearance
    from tradewinds.model.errors import JournalCorrupt

    path = clearance.path_of(home)
    found, problem = None, ""
    try:
        found = clearance.head(path)
    except JournalCorrupt as error:
        problem = str(error)
    if found is None and not problem:
        return ()
    rows = found.rows if found else 0
    return (
        AuditAnswer(
            account=clearance.FILE,
            rows=rows,
            entries=rows,
            head_batch=rows,
            head_hash=found.hash if found else "",
            bad_batch=None,
            problem=problem,
        ),
    )


def anchor_of(home: Path, account: str) -> Path:
    """Where the engine notes the head of the chain outside the database."""
    return home / "anchors" / account


def problem_with_head(answers: tuple[AuditAnswer, ...], noted: str | None) -> str:
    """The operator's own note against what is there."""
    heads = [answer.head_hash for answer in answers]
    if not noted or noted.lower() in heads:
        return ""
    return f"no journal ends with {noted}, but with {', '.join(heads)}"


def show_audits(screen: Screen, answers: tuple[AuditAnswer, ...]) -> None:
    """Verdict, counts, head of each."""
    from tradewinds import clearance

    for answer in answers:
        verdict, style = ("BROKEN", "red") if answer.problem else ("intact", "green")
        whole = answer.account == clearance.FILE
        name = f"{answer.account}" if whole else f"Journal of account {answer.account}"
        screen.line(f"{name}: {verdict}", style)
        screen.pairs(
            [
                ("good rows" if whole else "good batches", f"{answer.rows:,}"),
                ("entries", f"{answer.entries:,}"),
                ("head", f"batch {answer.head_batch}, {answer.head_hash}"),
            ]
        )
