"""The dashboard over the real bus and the real database instead of fakes."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.dashboard.conftest import Hand
from tests.dashboard.fakes import FakeEngine
from tradewinds.bus.local import LocalBusClient, LocalBusServer
from tradewinds.dashboard.desk import Desk
from tradewinds.dashboard.history import History
from tradewinds.dashboard.state import LiveState
from tradewinds.dashboard.store_history import StoreHistory
from tradewinds.model.errors import TradewindsError
from tradewinds.model.snapshot import TOPIC_ACTIVITY, TOPIC_SNAPSHOT
from tradewinds.store.database import open_database, sqlite_url


async def converse(path: Path) -> tuple[LiveState, FakeEngine, bool]:
    import msgspec

    engine = FakeEngine()

    async def answer(verb: str, payload: bytes) -> bytes:
        return engine.obey(verb, payload)

    server = LocalBusServer(path, answer)
    await server.start()
    client = LocalBusClient(path)
    state = LiveState(client, Hand(), 3.0)
    listening = asyncio.create_task(state.run())
    for _ in range(100):
        await server.publish(TOPIC_SNAPSHOT, msgspec.msgpack.encode(engine.step()))
        await server.publish(TOPIC_ACTIVITY, msgspec.msgpack.encode(engine.chatter()))
        await asyncio.sleep(0.02)
        if state.lines_total >= 3:
            break
    reply = await Desk(client).emergency("test")
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    await server.close()
    gone = await Desk(client).pause("test")
    assert "no answer" in gone.detail
    return state, engine, reply.done


def test_snapshots_lines_and_verbs_cross_the_real_bus(tmp_path: Path) -> None:
    state, engine, done = asyncio.run(converse(tmp_path / "bus.sock"))
    assert done
    assert engine.flat
    assert state.snapshot is not None
    assert state.malformed == 0
    assert state.lines_total >= 3


def test_the_store_answers_every_question_of_the_pages(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "tradewinds.db")
    history: History = StoreHistory(url, "paper")
    with pytest.raises(TradewindsError):
        history.day_results()
    open_database(url).dispose()
    assert list(history.equity_curve(100)) == []
    assert list(history.trades(0, 10)) == []
    assert list(history.recent_activity(10)) == []
    assert list(history.day_results()) == []
