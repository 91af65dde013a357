"""Few exceptions, drawn as a tree; each says what to do about it."""


class TradewindsError(Exception):
    """Root of everything this product raises on purpose."""


class ConfigError(TradewindsError):
    """The operator must fix something; we never start."""


class DataError(TradewindsError):
    """A file of market data cannot be used as it is; the message names the place and the fix."""


class VenueUnavailable(TradewindsError):
    """Nothing happened; safe to try again."""


class OutcomeUnknown(TradewindsError):
    """Something may have happened; reconcile, never resend."""


class StoreUnavailable(TradewindsError):
    """The journal cannot be written now; no new risk until it can."""


class BusUnavailable(TradewindsError):
    """The other process did not answer; nothing durable is lost, safe to try again."""


class JournalCorrupt(TradewindsError):
    """The hash chain is broken; the message names the first bad row."""


class AccountInUse(TradewindsError):
    """Another engine holds the lease on this account."""


class InvariantBroken(TradewindsError):
    """Our own bug; halt."""
