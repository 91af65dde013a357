"""Why a vault or a key is not used; each message says what to do."""

from tradewinds.model.errors import ConfigError


class VaultRefused(ConfigError):
    """The vault cannot be opened or written as it is. Nothing was changed."""


class KeyRefused(ConfigError):
    """This key is not taken, or not used: it may do too much, too little, or nobody knows."""
