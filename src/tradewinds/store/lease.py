"""One account is traded by one engine: a row that must be kept fresh."""

import os
import socket
from pathlib import Path

from sqlalchemy import Connection, Engine, RowMapping, Update, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tradewinds.model.errors import AccountInUse
from tradewinds.store.database import writing
from tradewinds.store.faults import told
from tradewinds.store.tables import LEASES

NOBODY = ""


def this_host() -> str:
    """The machine's name, and where process ids count apart (containers), that too."""
    try:
        apart = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()} {apart}"


def holders(engine: Engine, now_ns: int, ttl_ns: int) -> frozenset[str]:
    """Who holds a fresh lease on any account."""
    query = select(LEASES.c.owner).where(
        LEASES.c.owner != NOBODY, LEASES.c.renewed_ns > now_ns - ttl_ns
    )
    with told(engine.url, "cannot read the leases"), engine.connect() as connection:
        return frozenset(connection.execute(query).scalars())


class Lease:
    """Acquire before trading, renew well within the ttl, release at the end.

    `owner` names this engine (its run id). `epoch` grows by one with every new owner.
    """

    def __init__(
        self,
        engine: Engine,
        account: str,
        owner: str,
        *,
        pid: int | None = None,
        host: str | None = None,
    ) -> None:
        self._engine = engine
        self._account = account
        self._owner = owner
        self._pid = os.getpid() if pid is None else pid
        self._host = this_host() if host is None else host
        self.epoch = 0

    def acquire(self, now_ns: int, ttl_ns: int) -> int:
        """Returns the epoch. Raises AccountInUse while another owner's lease is fresh.

        An owner on this host whose process is gone is not waited for.
        """
        doing = f"cannot acquire the lease on {self._account}"
        with told(self._engine.url, doing), writing(self._engine) as connection:
            held = self._row(connection)
            ours = held["owner"] == self._owner
            if not ours:
                self._require_free(held, now_ns, ttl_ns)
            epoch = held["epoch"] if ours else held["epoch"] + 1
            connection.execute(
                update(LEASES)
                .where(LEASES.c.account == self._account)
                .values(
                    owner=self._owner,
                    pid=self._pid,
                    host=self._host,
                    acquired_ns=held["acquired_ns"] if ours else now_ns,
                    renewed_ns=now_ns,
                    epoch=epoch,
                )
            )
        self.epoch = epoch
        return self.epoch

    def renew(self, now_ns: int) -> None:
        """Raises AccountInUse when the lease went to another engine: stop trading at once."""
        doing = f"cannot renew the lease on {self._account}"
        with told(self._engine.url, doing), writing(self._engine) as connection:
            changed = connection.execute(self._mine().values(renewed_ns=now_ns)).rowcount
            if changed == 0:
                row = self._row(connection)
                raise AccountInUse(
                    f"the lease on {self._account} is lost to {row['owner'] or 'nobody'} "
                    f"(pid {row['pid']} on {row['host']}); this engine must not trade on"
                )

    def release(self) -> None:
        """Free for the next engine, if it is still ours."""
        doing = f"cannot release the lease on {self._account}"
        with told(self._engine.url, doing), writing(self._engine) as connection:
            connection.execute(self._mine().values(owner=NOBODY, renewed_ns=0))

    def _mine(self) -> Update:
        return update(LEASES).where(
            LEASES.c.account == self._account,
            LEASES.c.owner == self._owner,
            LEASES.c.epoch == self.epoch,
        )

    def _row(self, connection: Connection) -> RowMapping:
        free = {
            "account": self._account,
            "owner": NOBODY,
            "pid": 0,
            "host": "",
            "acquired_ns": 0,
            "renewed_ns": 0,
            "epoch": 0,
        }
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(LEASES).on_conflict_do_nothing(), free)
        # The row lock makes a second acquirer on PostgreSQL wait, as SQLite's write lock does.
        locked = select(LEASES).where(LEASES.c.account == self._account).with_for_update()
        return connection.execute(locked).mappings().one()

    def _require_free(self, held: RowMapping, now_ns: int, ttl_ns: int) -> None:
        age_ns = now_ns - held["renewed_ns"]
        if held["owner"] == NOBODY or age_ns >= ttl_ns:
            return
        if held["host"] == self._host and not _alive(held["pid"]):
            return
        raise AccountInUse(
            f"account {self._account} is traded by {held['owner']} "
            f"(pid {held['pid']} on {held['host']}), seen {age_ns / 1e9:.1f} s ago; "
            f"stop that one, or wait {ttl_ns / 1e9:.0f} s after it has died"
        )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
