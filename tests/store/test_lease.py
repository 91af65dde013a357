"""One account, one engine: also when two start in the same instant."""

import multiprocessing
import os
import threading

import pytest
from sqlalchemy import Engine

from tradewinds.model.errors import AccountInUse, StoreUnavailable
from tradewinds.store.database import open_database
from tradewinds.store.lease import Lease, this_host

SECOND = 1_000_000_000
TTL = 10 * SECOND


def alive(database: Engine, owner: str) -> Lease:
    """An engine whose process lives: ours."""
    return Lease(database, "paper", owner, pid=os.getpid())


def dead_pid() -> int:
    child = multiprocessing.get_context("spawn").Process(target=int)
    child.start()
    child.join()
    assert child.pid is not None
    return child.pid


def test_a_fresh_lease_refuses_another_owner_and_says_who_has_it(database: Engine) -> None:
    assert alive(database, "one").acquire(100 * SECOND, TTL) == 1
    with pytest.raises(AccountInUse) as refused:
        alive(database, "two").acquire(103 * SECOND, TTL)
    for word in ("paper", "one", str(os.getpid()), this_host(), "3.0 s ago"):
        assert word in str(refused.value)


def test_accounts_do_not_disturb_each_other(database: Engine) -> None:
    alive(database, "one").acquire(0, TTL)
    assert Lease(database, "live", "two").acquire(0, TTL) == 1


def test_a_lease_that_is_not_renewed_expires(database: Engine) -> None:
    alive(database, "one").acquire(100 * SECOND, TTL)
    assert alive(database, "two").acquire(110 * SECOND, TTL) == 2


def test_renewing_keeps_it(database: Engine) -> None:
    one = alive(database, "one")
    one.acquire(100 * SECOND, TTL)
    one.renew(109 * SECOND)
    with pytest.raises(AccountInUse):
        alive(database, "two").acquire(112 * SECOND, TTL)


def test_who_lost_it_is_told_at_the_next_renewal(database: Engine) -> None:
    one = alive(database, "one")
    one.acquire(100 * SECOND, TTL)
    alive(database, "two").acquire(120 * SECOND, TTL)
    with pytest.raises(AccountInUse, match="lost to two"):
        one.renew(121 * SECOND)
    one.release()
    with pytest.raises(AccountInUse):
        alive(database, "three").acquire(122 * SECOND, TTL)


def test_a_released_lease_is_free_at_once_and_the_epoch_goes_on(database: Engine) -> None:
    one = alive(database, "one")
    one.acquire(100 * SECOND, TTL)
    one.release()
    assert alive(database, "two").acquire(100 * SECOND, TTL) == 2


def test_the_same_owner_may_ask_again(database: Engine) -> None:
    one = alive(database, "one")
    assert one.acquire(100 * SECOND, TTL) == 1
    assert one.acquire(101 * SECOND, TTL) == 1
    one.renew(102 * SECOND)


def test_a_dead_process_on_this_host_is_not_waited_for(database: Engine) -> None:
    Lease(database, "paper", "one", pid=dead_pid()).acquire(100 * SECOND, TTL)
    assert alive(database, "two").acquire(100 * SECOND, TTL) == 2


def test_a_process_on_another_host_is_waited_for(database: Engine) -> None:
    elsewhere = Lease(database, "paper", "one", pid=dead_pid(), host="elsewhere")
    elsewhere.acquire(100 * SECOND, TTL)
    with pytest.raises(AccountInUse, match="elsewhere"):
        alive(database, "two").acquire(101 * SECOND, TTL)


def test_a_clock_that_went_backwards_does_not_free_it(database: Engine) -> None:
    alive(database, "one").acquire(100 * SECOND, TTL)
    with pytest.raises(AccountInUse):
        alive(database, "two").acquire(50 * SECOND, TTL)


@pytest.mark.parametrize("held_before", [False, True])
def test_of_many_threads_one_wins(url: str, database: Engine, held_before: bool) -> None:
    if held_before:
        alive(database, "gone").acquire(0, TTL)
    won: list[str] = []
    start = threading.Barrier(8)

    def race(owner: str) -> None:
        engine = open_database(url, busy_timeout_ms=10_000)
        with engine.connect():
            start.wait()
        try:
            if acquired(engine, owner):
                won.append(owner)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=race, args=(f"owner{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def acquired(database: Engine, owner: str) -> bool:
    """False where another has it. Asked once more after a disk that stood still for ten seconds:
    then nobody has been told anything yet."""
    lease = alive(database, owner)
    try:
        try:
            lease.acquire(100 * SECOND, TTL)
        except StoreUnavailable:
            lease.acquire(100 * SECOND, TTL)
    except AccountInUse:
        return False
    return True


def test_of_two_processes_one_wins(url: str, database: Engine) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(2), spawn.Queue()
    pair = [spawn.Process(target=try_once, args=(url, n, start, answers)) for n in range(2)]
    for process in pair:
        process.start()
    won = [answers.get(timeout=60) for _ in pair]
    for process in pair:
        process.join()
    assert sorted(won) == [False, True]


def try_once(url, number, start, answers):  # type: ignore[no-untyped-def]
    """In a process of its own; it stays alive until both have answered."""
    engine = open_database(url, busy_timeout_ms=10_000)
    start.wait(60)
    try:
        Lease(engine, "paper", f"owner{number}").acquire(SECOND, TTL)
        answers.put(True)
    except AccountInUse:
        answers.put(False)
    start.wait(60)
