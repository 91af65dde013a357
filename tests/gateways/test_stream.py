import asyncio
import contextlib
import json
import ssl

import pytest
from picows import WSCloseCode

from tests.gateways.scripted import Hand, ScriptedServer, calm, quick, until
from tradewinds.gateways.link import HandshakeRefused, open_link
from tradewinds.gateways.restraint import CONNECTS_MAX, WINDOW_S, ConnectBudget, pause_s
from tradewinds.gateways.stream import Pace, Stream, StreamTerms
from tradewinds.model.errors import VenueUnavailable
from tradewinds.practice.certificate import make_certificate
from tradewinds.practice.resolver import LoopbackResolver


class Heard:
    """A Receiver that keeps what it hears; answers to subscriptions are of no use."""

    def __init__(self):
        self.messages = []
        self.opens = []
        self.usable = 0
        self.wrong = ""

    def opened(self, *, carries_on):
        self.opens.append(carries_on)

    def frame(self, message, received_ns):
        assert received_ns > 0
        self.messages.append(message)
        self.usable += message.startswith(b"{")

    def fault(self):
        return self.wrong


def terms(server, **changes):
    fields = {
        "name": "test",
        "url": server.url(),
        "hello": (b'{"id":1}',),
        "tick_s": 0.01,
        "overlap_s": 0.05,
        "first_data_s": 1.0,
        "rotate_again_s": 0.05,
        **changes,
    }
    return StreamTerms(**fields)


@contextlib.asynccontextmanager
async def streaming(server, heard, *, wire=None, pace=None, **changes):
    stream = Stream(
        terms(server, **changes), heard, wire or quick(), ConnectBudget(), pace or calm()
    )
    task = asyncio.create_task(stream.run())
    try:
        yield stream
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def scenario(test):
    """Run an asyncio test with a server of its own."""

    def run(*args, **kwargs):
        async def main():
            async with asyncio.timeout(20):
                async with ScriptedServer(lambda visit, message: ()) as server:
                    await test(server, *args, **kwargs)

        asyncio.run(main())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@scenario
async def test_messages_come_whole_and_in_order(server):
    heard = Heard()
    async with streaming(server, heard) as stream:
        visit = await server.visit(0)
        assert visit.heard == [{"id": 1}]
        visit.say(*({"n": n} for n in range(500)), b'"' + b"x" * 300_000 + b'"')
        await until(lambda: len(heard.messages) == 501)
        assert [json.loads(m)["n"] for m in heard.messages[:500]] == list(range(500))
        assert len(heard.messages[500]) == 300_002
        assert (heard.opens, stream.connected) == ([False], True)


@scenario
async def test_a_message_in_pieces_is_put_together(server):
    heard = Heard()
    async with streaming(server, heard):
        visit = await server.visit(0)
        from picows import WSMsgType

        visit.transport.send(WSMsgType.TEXT, b'{"a', fin=False)
        visit.transport.send(WSMsgType.CONTINUATION, b'":', fin=False)
        visit.transport.send(WSMsgType.CONTINUATION, b"1}", fin=True)
        visit.say({"b": 2})
        await until(lambda: len(heard.messages) == 2)
        assert heard.messages == [b'{"a":1}', b'{"b":2}']


@scenario
async def test_the_venues_ping_is_answered_with_its_own_payload(server):
    heard = Heard()
    async with streaming(server, heard):
        visit = await server.visit(0)
        visit.transport.send_ping(b"1723161253937")
        await until(lambda: bool(visit.pongs))
        assert visit.pongs == [b"1723161253937"]


@pytest.mark.parametrize("how", ["goodbye", "cut", "too long", "half open", "fault"])
def test_however_a_connection_ends_another_is_made(how):
    @scenario
    async def play(server):
        heard, wire = Heard(), quick(message_bytes_max=10_000)
        async with streaming(server, heard, wire=wire, silent_s=60.0) as stream:
            visit = await server.visit(0)
            visit.say({"n": 1})
            await until(lambda: heard.usable == 1)
            match how:
                case "goodbye":
                    visit.close(WSCloseCode.GOING_AWAY)
                case "cut":
                    visit.cut()
                case "too long":
                    visit.say(b"x" * 20_000)
                case "half open":
                    server.answers_pings = False
                case "fault":
                    heard.wrong = "told so"
                    await until(lambda: stream.losses == 1)
                    heard.wrong = ""
            (await server.visit(1)).say({"n": 2})
            await until(lambda: heard.usable == 2)
            assert stream.losses == 1
            assert heard.opens == [False, False]

    play()


@scenario
async def test_rotation_opens_the_new_connection_first_and_loses_nothing(server):
    heard, hand = Heard(), Hand()
    async with streaming(server, heard, pace=calm(hand), silent_s=1e9) as stream:
        old = await server.visit(0)
        old.say({"n": 1})
        await until(lambda: heard.usable == 1)
        hand.ahead_s += 23 * 3600.0
        new = await server.visit(1)
        assert old.open
        old.say({"n": 2})
        new.say({"n": 2}, {"n": 3})
        await until(lambda: stream.rotations == 1)
        new.say({"n": 4})
        await until(lambda: heard.usable == 5)
        assert [json.loads(m)["n"] for m in heard.messages] == [1, 2, 2, 3, 4]
        assert heard.opens == [False, True]
        await until(lambda: not old.open)
        assert (stream.losses, len(server.visits)) == (0, 2)


@scenario
async def test_a_rotation_that_fails_leaves_the_old_connection_alone(server):
    heard, hand = Heard(), Hand()
    async with streaming(server, heard, pace=calm(hand), silent_s=1e9) as stream:
        old = await server.visit(0)
        old.say({"n": 1})
        server.refuses = True
        stream.rotate("serverShutdown")
        await until(lambda: server.knocks >= 2)
        old.say({"n": 2})
        await until(lambda: heard.usable == 2)
        assert (old.open, stream.rotations, stream.losses) == (True, 0, 0)
        server.refuses = False
        (await server.visit(1)).say({"n": 3}, {"n": 4})
        await until(lambda: stream.rotations == 1)


@scenario
async def test_refusal_by_status_waits_a_minute(server):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        await asyncio.sleep(0.001)

    server.refuses = True
    async with streaming(server, Heard(), pace=calm(sleep=sleep)):
        await until(lambda: server.knocks >= 3)
    assert slept[0] == 60.0
    with pytest.raises(HandshakeRefused) as refused:
        await open_link(server.url(), quick())
    assert refused.value.status == 404


def test_nobody_there_is_venue_unavailable():
    with pytest.raises(VenueUnavailable):
        asyncio.run(open_link("ws://127.0.0.1:9/", quick()))


def test_a_silent_host_is_given_up_in_time():
    async def main():
        silent = await asyncio.start_server(lambda r, w: asyncio.sleep(60), "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(VenueUnavailable):
            await open_link(f"ws://127.0.0.1:{port}/", quick(connect_s=0.2))
        silent.close()

    asyncio.run(main())


def test_pauses_grow_to_half_a_minute_and_are_spread_from_zero():
    assert [pause_s(n, lambda: 1.0) for n in (1, 2, 3, 7, 100)] == [0.5, 1.0, 2.0, 30.0, 30.0]
    assert pause_s(7, lambda: 0.0) == 0.0


def test_the_budget_holds_any_window_below_the_venues_limit():
    budget, now, made = ConnectBudget(), 0.0, []
    while now < 3 * WINDOW_S:
        wait = budget.wait_s(now)
        now += wait
        budget.spend(now)
        made.append(now)
        now += 0.1
    for start in range(0, int(2 * WINDOW_S), 7):
        assert sum(start <= at < start + WINDOW_S for at in made) <= CONNECTS_MAX + 1


def test_tls_and_the_venues_own_names_reach_a_practice_venue(tmp_path):
    """The same resolver and authority that take ccxt there take the stream there."""
    host = "stream.binance.com"
    made = make_certificate([host], tmp_path)

    async def main():
        from picows import ws_create_server

        from tests.gateways.scripted import Visit

        server = ScriptedServer()
        listening = await ws_create_server(
            lambda request: Visit(server, request.path.decode()),
            "127.0.0.1",
            0,
            ssl=made.server_context(),
        )
        port = listening.sockets[0].getsockname()[1]
        resolver = LoopbackResolver([host], port)
        wire = quick(resolver=resolver, context=made.client_context())
        link = await open_link(f"wss://{host}:9443/stream", wire)
        link.send(b'{"id":7}')
        assert (await server.visit(0)).heard == [{"id": 7}]
        link.drop("done")
        with pytest.raises(VenueUnavailable):
            await open_link("wss://elsewhere.example/stream", wire)
        assert resolver.refused == ["elsewhere.example"]
        stranger = quick(resolver=resolver, context=ssl.create_default_context())
        with pytest.raises(VenueUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await open_link(f"wss://{host}:9443/stream", stranger)
        listening.close()

    asyncio.run(main())


def test_the_pace_of_the_world_is_the_default():
    assert Pace().now_s() > 0.0
