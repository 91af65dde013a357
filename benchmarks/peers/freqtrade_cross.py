"""The cross as freqtrade's strategies are written."""

from typing import Any

from freqtrade.strategy import IStrategy


class Cross(IStrategy):  # type: ignore[misc]
    """Long above, flat below."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    stoploss = -0.9
    minimal_roi = {"0": 1000}
    startup_candle_count = 0
    process_only_new_candles = True

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:
        """Both averages."""
        fast, slow = (dataframe["close"].ewm(span=n, adjust=False).mean() for n in (20, 50))
        dataframe["above"] = (fast > slow).astype(int)
        dataframe["turn"] = dataframe["above"].diff()
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
        """Upwards."""
        dataframe.loc[dataframe["turn"] > 0, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
        """Downwards."""
        dataframe.loc[dataframe["turn"] < 0, "exit_long"] = 1
        return dataframe
