import asyncio
import gzip
import json
from pathlib import Path

import pytest

from tradewinds.market.archive import Archive
from tradewinds.market.pace import BATCH_EVENTS, Pace
from tradewinds.market.replay import ReplayFeed
from tradewinds.market.selection import Selection
from tradewinds.model.errors import DataError
from tradewinds.model.market import MarkPrice
from tradewinds.model.timeframes import MINUTE_NS, SECOND_NS

T0 = 1_704_067_200_000_000_000
EVERYTHING = Selection()


class Clock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.ns = 7_000
        self.slept: list[float] = []

    def now_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ns += round(seconds * SECOND_NS)


def batches_of(feed):
    async def gathered():
        return [list(batch) async for batch in feed.batches()]

    return asyncio.run(gathered())


def marks_of_lines(frames):
    """A decoder for frames like `{"p": 1.5}`; anything else gives nothing."""

    def decode(frame, received_ns):
        try:
            price = float(json.loads(frame)["p"])
        except (ValueError, KeyError, TypeError):
            return ()
        at = received_ns or T0
        return (
            MarkPrice(
                instrument_id="BTC/USDT@binance",
                price=price,
                venue_time_ns=at,
                received_time_ns=at,
            ),
        )

    return decode


def raw_file(path, lines):
    data = b"".join(line.encode() + b"\n" for line in lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def raw_feed(path, lines, selection=EVERYTHING):
    return ReplayFeed(raw_file(path, lines), selection, make_decoder=marks_of_lines)


def test_a_file_of_bars_is_a_feed(write, rows):
    feed = ReplayFeed(write("a.parquet", rows("BTCUSDT", 10)), EVERYTHING)
    assert feed.label == "REPLAY a.parquet 5m bars"
    assert [instrument.id for instrument in feed.instruments] == ["BTC/USDT@binance"]
    assert [event for batch in batches_of(feed) for event in batch] == list(feed.events())


def test_a_folder_gives_all_its_bars_and_says_what_it_leaves_out(write, rows, tmp_path):
    write("a.parquet", rows("BTCUSDT", 3))
    write("b.parquet", rows("ETHUSDT", 3))
    (tmp_path / "c.parquet").write_bytes(b"nonsense")
    (tmp_path / "notes.txt").write_text("x")
    feed = ReplayFeed(tmp_path, EVERYTHING)
    assert len(list(feed.events())) == 6
    assert feed.label == f"REPLAY {tmp_path.name} (2 files) 5m bars"
    assert any("c.parquet" in note for note in feed.notes)


def test_nothing_to_replay_is_an_error_with_the_place(tmp_path):
    with pytest.raises(DataError, match="no Parquet of bars and no recorded messages"):
        ReplayFeed(tmp_path, EVERYTHING)
    with pytest.raises(DataError, match="no such file or folder"):
        ReplayFeed(tmp_path / "missing", EVERYTHING)


def test_progress_goes_from_nought_to_one(write, rows):
    for other in ([], rows("ETHUSDT", 100)):
        feed = ReplayFeed(write("a.parquet", rows("BTCUSDT", 100, first=5) + other), EVERYTHING)
        assert feed.progress == 0.0
        seen = [feed.progress for _ in feed.blocks()]
        assert seen == sorted(seen)
        assert feed.progress == 1.0


def test_history_holds_only_what_closed_before_the_start(write, rows):
    start = T0 + 50 * MINUTE_NS
    path = write("a.parquet", rows("BTCUSDT", 100) + rows("ETHUSDT", 4))
    feed = ReplayFeed(path, Selection(start_ns=start))
    history = feed.history(6)
    assert [bar.open for bar in history["BTC/USDT@binance"]] == [104, 105, 106, 107, 108, 109]
    assert history["BTC/USDT@binance"][-1].venue_time_ns == start
    assert next(feed.events()).open_time_ns == start
    assert ReplayFeed(path, EVERYTHING).history(6) == {}
    assert ReplayFeed(path, Selection(start_ns=T0)).history(6) == {}


def test_at_real_speed_each_bar_comes_when_it_is_due(write, rows):
    clock = Clock()
    path = write("a.parquet", rows("BTCUSDT", 4) + rows("ETHUSDT", 4))
    feed = ReplayFeed(path, EVERYTHING, Pace(1.0, clock.now_ns, clock.sleep))
    batches = batches_of(feed)
    assert [len(batch) for batch in batches] == [2, 2, 2, 2]
    assert clock.slept == [0.0, 300.0, 300.0, 300.0]


def test_speed_divides_the_waiting(write, rows):
    clock = Clock()
    path = write("a.parquet", rows("BTCUSDT", 4))
    batches_of(ReplayFeed(path, EVERYTHING, Pace(60.0, clock.now_ns, clock.sleep)))
    assert clock.slept == pytest.approx([0.0, 5.0, 5.0, 5.0])


def test_a_slow_reader_is_not_made_to_wait_again(write, rows):
    clock = Clock()
    path = write("a.parquet", rows("BTCUSDT", 4))
    feed = ReplayFeed(path, EVERYTHING, Pace(1.0, clock.now_ns, clock.sleep))

    async def read_slowly():
        async for _ in feed.batches():
            clock.ns += 450 * SECOND_NS

    asyncio.run(read_slowly())
    assert clock.slept == [0.0, 0.0, 0.0, 0.0]


def test_days_without_data_are_skipped(write, rows):
    clock = Clock()
    path = write("a.parquet", rows("BTCUSDT", 2) + rows("BTCUSDT", 2, first=10_000))
    batches_of(ReplayFeed(path, EVERYTHING, Pace(1.0, clock.now_ns, clock.sleep)))
    assert clock.slept == [0.0, 300.0, 0.0, 300.0]


def test_at_full_speed_the_loop_gets_its_turn_between_batches(write, rows):
    clock = Clock()
    path = write("a.parquet", rows("BTCUSDT", 3 * BATCH_EVENTS))
    batches = batches_of(ReplayFeed(path, EVERYTHING, Pace(None, clock.now_ns, clock.sleep)))
    assert [len(batch) for batch in batches] == [BATCH_EVENTS] * 3
    assert clock.slept == [0.0] * 3


@pytest.mark.parametrize("name", ["a.jsonl", "a.gz", "a.json"])
@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_raw_lines_carry_their_arrival_time(tmp_path, name, unit):
    lines = [f'{(T0 + i * SECOND_NS) // unit} {{"p": {100.5 + i}}}' for i in range(5)]
    feed = raw_feed(tmp_path / name, lines)
    assert [event.received_time_ns for event in feed.events()] == [
        T0 + i * SECOND_NS for i in range(5)
    ]
    assert feed.label == f"REPLAY {name}"
    assert [i.id for i in feed.instruments] == ["BTC/USDT@binance"]
    assert feed.progress == 1.0


def test_raw_lines_without_a_time_are_handed_on_as_such(tmp_path):
    events = raw_feed(tmp_path / "a.jsonl", ['{"p": 1.5}']).events()
    assert [event.price for event in events] == [1.5]


def test_bad_raw_lines_are_counted_and_time_never_goes_back(tmp_path):
    lines = [f'{T0 + 9} {{"p": 1.5}}', "", "123", "7x7 {}", f"{T0}", f'{T0} {{"p": 2.5}}']
    feed = raw_feed(tmp_path / "a.jsonl", lines)
    assert [event.received_time_ns for event in feed.events()] == [T0 + 9, T0 + 9]
    assert feed.dropped == {"line without a message": 3, "arrival time went back": 1}


def test_a_recording_cut_off_is_replayed_as_far_as_it_goes(tmp_path):
    path = raw_file(tmp_path / "a.gz", [f'{T0 + i} {{"p": 1.5}}' for i in range(50_000)])
    path.write_bytes(path.read_bytes()[:-4_000])
    feed = ReplayFeed(path, EVERYTHING, make_decoder=marks_of_lines)
    assert 4_000 < len(list(feed.events())) < 50_000
    assert feed.dropped["file cut off"] == 1


@pytest.mark.parametrize("content", [b"", b"not gzip at all", gzip.compress(b"", mtime=0)])
def test_a_recording_that_is_none_is_an_error_with_the_place(tmp_path, content):
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.gz"):
        ReplayFeed(path, EVERYTHING, make_decoder=marks_of_lines)


def test_messages_nobody_understands_are_an_error_with_an_example(tmp_path):
    with pytest.raises(DataError, match="no message in its first"):
        raw_feed(tmp_path / "a.jsonl", ['{"x": 1}'] * 3)


def test_raw_messages_need_a_decoder(tmp_path):
    path = raw_file(tmp_path / "a.jsonl", ['{"p": 1}'])
    with pytest.raises(DataError, match="give Parquet bars"):
        ReplayFeed(path, EVERYTHING)


def test_raw_messages_and_bars_are_merged_by_when_they_were_known(write, rows, tmp_path):
    bars = write("a.parquet", rows("ETHUSDT", 3))
    raw = raw_file(
        tmp_path / "b.jsonl",
        [f'{T0 + i * 4 * MINUTE_NS} {{"p": 1.5}}' for i in range(5)],
    )
    feed = ReplayFeed([bars, raw], EVERYTHING, make_decoder=marks_of_lines)
    times = [event.received_time_ns for event in feed.events()]
    assert times == sorted(times)
    assert len(times) == 8
    assert [i.id for i in feed.instruments] == ["BTC/USDT@binance", "ETH/USDT@binance"]


def test_raw_messages_are_selected_by_symbol_and_span(tmp_path):
    lines = [f'{T0 + i} {{"p": 1.5}}' for i in range(10)]
    span = Selection(start_ns=T0 + 3, end_ns=T0 + 5, symbols=("BTCUSDT",))
    assert len(list(raw_feed(tmp_path / "a.jsonl", lines, span).events())) == 2
    other = Selection(symbols=("ETHUSDT",))
    assert list(raw_feed(tmp_path / "a.jsonl", lines, other).events()) == []


def test_the_recorded_folder_replays_as_one_feed(recorded):
    """Uses ../shared/data: seven files of three timeframes."""
    feed = ReplayFeed(recorded, EVERYTHING)
    assert "timeframes 1m, 5m, 1h found, 1m replayed" in feed.notes
    files = sorted(Path(recorded).glob("*_1m_*.parquet"))
    expected = sum(map(len, Archive(files, EVERYTHING).blocks()))
    assert sum(map(len, feed.blocks())) == expected
