"""What `data record` keeps, read back: every event, also after the power failed."""

from pathlib import Path

import pytest

from tradewinds.market import recording
from tradewinds.market.recording import EventRecording, Recorder
from tradewinds.market.replay import ReplayFeed
from tradewinds.market.selection import Selection
from tradewinds.market.synthetic import SyntheticFeed
from tradewinds.model.errors import DataError
from tradewinds.model.events import MarketEvent
from tradewinds.model.timeframes import DAY_NS, HOUR_NS, SECOND_NS

START_NS = 19_700 * DAY_NS


@pytest.fixture(scope="module")
def market() -> SyntheticFeed:
    return SyntheticFeed(3, START_NS, duration_s=120)


def recorded(root: Path, market: SyntheticFeed, close: bool = True) -> list[MarketEvent]:
    """Everything the market brings, kept."""
    recorder = Recorder(root, "LIVE somewhere", market.instruments)
    kept: list[MarketEvent] = []
    for block in market.blocks():
        if block:
            recorder.take(block, block[-1].received_time_ns)
        kept.extend(block)
    if close:
        recorder.close()
    assert recorder.events == len(kept) > 100
    return kept


def test_a_replay_brings_back_every_event_and_the_instruments(
    tmp_path: Path, market: SyntheticFeed
) -> None:
    kept = recorded(tmp_path, market)
    feed = ReplayFeed(tmp_path, Selection())
    assert list(feed.events()) == kept
    assert list(feed.events()) == kept, "a second time as well"
    assert list(feed.instruments) == sorted(market.instruments, key=lambda i: i.id)
    assert feed.dropped == {}
    assert feed.progress == 1.0


def test_segments_follow_one_another(
    tmp_path: Path, market: SyntheticFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SEGMENT_NS", 30 * SECOND_NS)
    kept = recorded(tmp_path, market)
    assert len(list(tmp_path.glob("live-somewhere-*.events.gz"))) >= 2
    assert list(ReplayFeed(tmp_path, Selection()).events()) == kept


def test_what_was_flushed_survives_a_kill(tmp_path: Path, market: SyntheticFeed) -> None:
    kept = recorded(tmp_path, market, close=False)
    feed = ReplayFeed(tmp_path, Selection())
    found = list(feed.events())
    assert found == kept[: len(found)]
    assert kept[-1].received_time_ns - found[-1].received_time_ns <= 2 * SECOND_NS
    assert feed.dropped == {"file cut off": 1}


def test_lines_that_are_no_events_are_counted(tmp_path: Path, market: SyntheticFeed) -> None:
    recorder = Recorder(tmp_path, "x", market.instruments)
    block = next(iter(market.blocks()))
    recorder.take(block, START_NS)
    recorder._put(recorder._packer.compress(b'{"type":"Nonsense"}\nnot json\n'))
    recorder.take(list(reversed(block)), START_NS)
    recorder.close()
    segment = EventRecording(next(tmp_path.glob("*.gz")))
    found = [event for part in segment.blocks() for event in part]
    assert found[: len(block)] == block
    assert segment.dropped["line that is no event"] == 2
    times = [event.received_time_ns for event in found]
    assert times == sorted(times)


def test_a_recording_of_a_newer_version_is_refused(
    tmp_path: Path, market: SyntheticFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, market)
    monkeypatch.setattr(recording, "VERSION", 0)
    with pytest.raises(DataError, match="upgrade"):
        ReplayFeed(tmp_path, Selection())


def test_a_new_segment_begins_each_hour(tmp_path: Path, market: SyntheticFeed) -> None:
    block = next(iter(market.blocks()))
    recorder = Recorder(tmp_path, "x", market.instruments)
    for hour in range(3):
        recorder.take(block, START_NS + hour * HOUR_NS)
    recorder.close()
    assert recorder.segments == 3 == len(list(tmp_path.iterdir()))
