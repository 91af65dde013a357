"""The exit codes, and which error ends in which."""

from enum import IntEnum

from tradewinds.clearance import NotCleared
from tradewinds.model.errors import (
    AccountInUse,
    ConfigError,
    DataError,
    InvariantBroken,
    JournalCorrupt,
    StoreUnavailable,
    TradewindsError,
)
from tradewinds.vault.errors import KeyRefused, VaultRefused


class Exit(IntEnum):
    """What the shell sees. The lower-case names are the `error.code` of `--json`."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    ENGINE_NOT_RUNNING = 3
    NOT_FLAT = 4
    AUDIT_FAILED = 5
    DATA_ERROR = 6
    IN_USE = 7
    STORE_UNAVAILABLE = 8
    REPLAY_DIFFERS = 9
    KEY_REFUSED = 10
    VAULT_REFUSED = 11
    NOT_CLEARED = 12
    BUG = 70
    INTERRUPTED = 130


MEANINGS = (
    (Exit.OK, "done; for `emergency`: verified flat"),
    (Exit.FAILURE, "it did not work; the message says why (for `doctor`: a check failed)"),
    (Exit.USAGE, "wrong arguments, or settings that cannot be used"),
    (Exit.ENGINE_NOT_RUNNING, "no engine answers in this data folder"),
    (Exit.NOT_FLAT, "an emergency stop was sent but flat is not verified"),
    (Exit.AUDIT_FAILED, "the journal's hash chain is broken"),
    (Exit.DATA_ERROR, "a file of market data is missing or cannot be used as it is"),
    (Exit.IN_USE, "the port, the account or the data folder is in use by another process"),
    (Exit.STORE_UNAVAILABLE, "the database cannot be reached or written"),
    (Exit.REPLAY_DIFFERS, "replaying the journal gave other commands than it holds"),
    (Exit.KEY_REFUSED, "an API key may do too much or too little, or its rights are not verified"),
    (Exit.VAULT_REFUSED, "the vault of API keys cannot be opened or written; nothing was changed"),
    (Exit.NOT_CLEARED, "real money is not traded yet: what is missing is named"),
    (Exit.BUG, "an invariant of ours is broken: please report it"),
    (Exit.INTERRUPTED, "stopped with Ctrl-C before it was done"),
)

# The first that fits counts: what is more special stands before what it is a kind of.
CODES = (
    (KeyRefused, Exit.KEY_REFUSED),
    (VaultRefused, Exit.VAULT_REFUSED),
    (NotCleared, Exit.NOT_CLEARED),
    (ConfigError, Exit.USAGE),
    (DataError, Exit.DATA_ERROR),
    (AccountInUse, Exit.IN_USE),
    (StoreUnavailable, Exit.STORE_UNAVAILABLE),
    (JournalCorrupt, Exit.AUDIT_FAILED),
    (InvariantBroken, Exit.BUG),
)


class CliError(TradewindsError):
    """A refusal of the command line itself: which code it ends in, and what to do about it."""

    def __init__(self, message: str, code: Exit, fix: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.fix = fix


def code_of(error: TradewindsError) -> Exit:
    """The exit code an error ends in."""
    if isinstance(error, CliError):
        return error.code
    return next((code for kind, code in CODES if isinstance(error, kind)), Exit.FAILURE)


def fix_of(error: TradewindsError) -> str:
    """What the operator can do; '' where the message says it already."""
    match error:
        case CliError():
            return error.fix
        case KeyRefused() | VaultRefused() | NotCleared():
            return ""
        case ConfigError():
            return "`trading-cli config path` names the file, `config check` lists every problem"
        case AccountInUse():
            return "stop the other engine first, or give this one its own --home and account.name"
        case StoreUnavailable():
            return "`trading-cli doctor` says what is wrong with the database"
        case JournalCorrupt():
            return "do not trade on it: keep a copy, then run `trading-cli audit`"
        case InvariantBroken():
            return "this is a bug in Tradewinds: keep the data folder and report it"
    return ""
