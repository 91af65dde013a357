"""What is wrong with recorded bars is found and told apart."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from tradewinds.market.inspection import Inspection, Inspector
from tradewinds.market.instruments import instruments_from_prices
from tradewinds.market.listing import Listing, with_listed_fees
from tradewinds.market.parquet_rows import ROW, Rows
from tradewinds.model.ids import instrument_id
from tradewinds.model.instrument import Instrument
from tradewinds.model.timeframes import DAY_NS, MINUTE_NS


def calm(count: int = 2_000) -> Rows:
    """A minute series that wanders by a thousandth at most."""
    made = np.zeros(count, dtype=ROW)
    made["ts"] = 19_700 * DAY_NS + np.arange(count) * MINUTE_NS
    made["close"] = 100.0 * (1.0 + 0.001 * np.sin(np.arange(count)))
    made["open"] = np.concatenate((made["close"][:1], made["close"][:-1]))
    made["high"] = np.maximum(made["open"], made["close"]) * 1.0002
    made["low"] = np.minimum(made["open"], made["close"]) * 0.9998
    made["volume"] = 1.0
    return made


def inspected(rows: Rows, block: int = 512) -> Inspection:
    return Inspector(MINUTE_NS).take(rows[i : i + block] for i in range(0, len(rows), block))


def test_a_calm_series_has_nothing_to_tell() -> None:
    found = inspected(calm())
    assert (found.rows, found.gaps, found.spikes, found.jumps, found.frozen_bars) == (
        2_000, 0, 0, 0, 0,
    )  # fmt: skip


@pytest.mark.parametrize("at", [3, 511, 512, 1_000])
def test_a_wick_and_a_bad_close_are_spikes(at: int) -> None:
    rows = calm()
    rows["low"][at] /= 1_000
    found = inspected(rows)
    assert (found.spikes, found.jumps) == (1, 0)
    assert found.outliers[0].open_time_ns == rows["ts"][at]
    bad = calm()
    bad["close"][at] *= 10
    bad["high"][at] = bad["close"][at]
    found = inspected(bad)
    assert (found.spikes, found.jumps) == (1, 0)
    assert found.outliers[0].open_time_ns == bad["ts"][at]
    assert inspected(bad, block=100_000) == found


def test_a_redenomination_is_a_jump() -> None:
    rows = calm()
    for name in ("open", "high", "low", "close"):
        rows[name][1_000:] *= 1_000
    found = inspected(rows)
    assert (found.spikes, found.jumps) == (0, 1)
    assert found.outliers[0].what == "jump"


def test_holes_are_counted_over_blocks() -> None:
    rows = np.delete(calm(), [100, 101, 102, 512, 1_500])
    found = inspected(rows)
    assert (found.gaps, found.missing, found.longest_gap_bars) == (3, 5, 3)


def test_a_frozen_price_is_told_from_a_quiet_minute() -> None:
    rows = calm()
    rows["volume"][50:60] = 0
    assert inspected(rows).frozen_bars == 0
    for name in ("open", "high", "low", "close"):
        rows[name][500:620] = 99.0
    rows["volume"][500:620] = 0
    found = inspected(rows)
    assert found.frozen_bars == 120
    assert found.zero_volume == 130


def listed(symbol: str) -> Instrument:
    id_ = instrument_id(symbol, "binance")
    (found,) = instruments_from_prices({id_: [100.0, 100.5]})
    return found


def test_who_was_delisted_stays_known(tmp_path: Path) -> None:
    btc, luna = listed("BTC/USDT"), listed("LUNA/USDT")
    listing = Listing(tmp_path / "binance")
    listing.note([btc, luna], 1)
    listing.note([btc], 2)
    listing.note([btc], 3)
    found = {entry.instrument.id: entry for entry in listing.read()}
    assert not found[luna.id].traded
    assert found[btc.id].traded
    assert (found[btc.id].first_seen_ns, found[btc.id].last_seen_ns) == (1, 3)


def test_fees_come_from_the_listing_and_steps_from_the_prices() -> None:
    derived = listed("BTC/USDT")
    told = structs.replace(derived, taker_fee=Decimal("0.0031"), tick_size=Decimal(7))
    (found,) = with_listed_fees([derived], {told.id: told})
    assert found.taker_fee == Decimal("0.0031")
    assert found.tick_size == derived.tick_size
