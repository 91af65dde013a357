"""Who trades here: accounts with balances, and the keys that speak for them."""

import hashlib
import secrets
from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import ZERO


class Balance(Struct, kw_only=True):
    """Of one asset. What is locked cannot be spent until its order ends."""

    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked


class Account(Struct, kw_only=True, eq=False):
    """One customer. Fees are fractions of notional; `fee_asset` pays them where it lasts."""

    name: str
    uid: int
    balances: dict[str, Balance] = {}
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    fee_asset: str | None = None
    can_trade: bool = True

    def balance(self, asset: str) -> Balance:
        """Made when first asked for."""
        return self.balances.setdefault(asset, Balance())

    def credit(self, asset: str, amount: Decimal) -> None:
        """Free money in, or out when negative. The caller says so in the streams."""
        self.balance(asset).free += amount


class ApiKey(Struct, kw_only=True, eq=False):
    """Speaks for an account. `public_pem` is set for an Ed25519 key, `secret` for an HMAC one.

    Change a field and it counts from the next request on: that is how a key is revoked.
    """

    key: str
    account: Account
    secret: str = ""
    public_pem: str = ""
    private_pem: str = ""
    can_read: bool = True
    can_trade: bool = True
    can_trade_futures: bool = True
    can_withdraw: bool = False
    can_transfer: bool = False
    ip_restricted: bool = True
    revoked: bool = False
    used: bool = False
    created_ms: int = 1_767_225_600_000


class Keyring:
    """All accounts and keys of the venue."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._keys: dict[str, ApiKey] = {}
        self.accounts: dict[str, Account] = {}

    def open_account(self, name: str, balances: dict[str, Decimal] | None = None) -> Account:
        """A new customer with these free balances."""
        account = Account(name=name, uid=10_000_000 + len(self.accounts))
        for asset, amount in (balances or {}).items():
            account.credit(asset, amount)
        self.accounts[name] = account
        return account

    def issue(self, account: Account) -> ApiKey:
        """An HMAC key, the same for the same seed and place in line."""
        count = len(self._keys)
        key = ApiKey(
            key=self._letters(f"key {count}"), secret=self._letters(f"s {count}"), account=account
        )
        return self.admit(key)

    def issue_throwaway(self, account: Account) -> ApiKey:
        """An HMAC key nobody could know beforehand."""
        key = ApiKey(key=secrets.token_hex(32), secret=secrets.token_hex(32), account=account)
        return self.admit(key)

    def admit(self, key: ApiKey) -> ApiKey:
        """Take up a key made elsewhere."""
        self._keys[key.key] = key
        return key

    def find(self, key: str) -> ApiKey | None:
        """The key by its public part, revoked or not."""
        return self._keys.get(key)

    def _letters(self, purpose: str) -> str:
        return hashlib.sha256(f"practice {self._seed} {purpose}".encode()).hexdigest()
