"""Does a strategy know what it cannot know? Three probes, each with a name for what it finds.

- Truncated pasts: the same run on data that ends earlier. What a strategy wished for, and what it
  held in mind, up to that moment must be the same.
- A shifted calendar: the same prices some weeks later. Wishes must be the same, later by as much;
  a strategy that knows dates, or looks prices up elsewhere by their time, betrays itself.
- Doors: files and sockets that its code opens while it is built, warmed up or asked.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import Struct, structs

from tradewinds.engine.driver import Driver
from tradewinds.engine.endings import Endings
from tradewinds.engine.engine import Engine
from tradewinds.market.derive import Deriver
from tradewinds.model.commands import Command, RecordSignal
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import StrategyId, TradeId
from tradewinds.model.instrument import Instrument
from tradewinds.model.signal import ExitSignal, Signal, StopSignal
from tradewinds.model.timeframes import DAY_NS
from tradewinds.parts import (
    Recipe,
    engine_settings_of,
    opening_of,
    params_of,
    recipe_text,
    sim_settings_of,
    timeframes_of,
)
from tradewinds.ports import MarketView, Strategy, Subscription
from tradewinds.research.backtest import opening
from tradewinds.research.mind import contents, differences
from tradewinds.research.trial import Task
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import PAST_BEAT_NS, Past
from tradewinds.store.memory import NullJournal
from tradewinds.strategies.parameters import read_parameters
from tradewinds.strategies.registry import load

SHIFT_NS: Final = 7 * 52 * DAY_NS
"""Whole weeks, so that days of the week stay what they are."""
DOORS: Final = ("open", "os.listdir", "os.scandir", "socket.connect", "socket.getaddrinfo")
CODE: Final = (".py", ".pyc", ".so")
"""A module that is imported late opens its own file, which tells it nothing."""
TELLING: Final = 20
MakePast = Callable[[int | None], Past]
"""The data up to a moment (ns), or all of it. It must be read anew each time."""


class Leak(Struct, frozen=True, kw_only=True):
    """`strategy` knew something. `field` is the signal's part or the piece of its mind that
    differed, or what it opened; `at_ns` is when.
    """

    probe: str
    strategy: str
    field: str
    at_ns: int
    told: str


class LookaheadReport(Struct, frozen=True, kw_only=True):
    """`checked` counts the signals compared. No leak found is not a proof that there is none."""

    label: str
    strategies: tuple[str, ...]
    cuts: tuple[int, ...]
    checked: int
    leaks: tuple[Leak, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.leaks


class Wish(Struct, frozen=True):
    """A signal and when it was made."""

    time_ns: int
    signal: Signal


class Seen(Struct, frozen=True, kw_only=True):
    """What one run showed: every wish, each strategy's mind at the cuts, doors that were used."""

    wishes: tuple[Wish, ...]
    minds: dict[int, dict[str, dict[str, Any]]]
    doors: tuple[tuple[str, str, int], ...]


def lookahead(task: Task, make_past: MakePast, cuts: Sequence[int]) -> LookaheadReport:
    """Run all three probes. `cuts` are moments (ns) at which the past is made to end."""
    past = make_past(None)
    whole = watch(task, past, cuts)
    leaks = list(_door_leaks(whole))
    checked = 0
    for cut in cuts:
        short = make_past(cut)
        # What can be traded is the venue's word, not the recording's: it stays the same.
        part = watch(task, structs.replace(short, instruments=past.instruments), (cut,))
        checked += sum(wish.time_ns <= cut for wish in whole.wishes)
        leaks.extend(_truncated(whole, part, cut))
    later = watch(task, shifted(make_past(None), SHIFT_NS), ())
    leaks.extend(_compared("shifted calendar", whole.wishes, _earlier(later.wishes)))
    return LookaheadReport(
        label=past.label,
        strategies=task.strategies,
        cuts=tuple(cuts),
        checked=checked + len(whole.wishes),
        leaks=tuple(_first_of_each(leaks)),
    )


def watch(task: Task, past: Past, cuts: Sequence[int]) -> Seen:
    """One run of the engine over the past, with an eye on what strategies wish for and know."""
    params = params_of(task.settings, past.default_params)
    doors = _Doors()
    built = [
        _build(name, params[name], past.instruments, doors)
        for name in sorted(params)
        if name in task.strategies
    ]
    strategies = [cast("Strategy", Watched(each, doors)) for each in built]
    base = engine_settings_of(task.settings)
    balances = opening_of(task.settings)
    venue = SimVenue(past.instruments, balances, sim_settings_of(task.settings))
    driver = Driver(
        Engine(base, strategies), venue, NullJournal(), beat_ns=PAST_BEAT_NS, durable=False
    )
    driver.derive = Deriver(timeframes_of(strategies)).add
    wishes: list[Wish] = []

    def listen(commands: Sequence[Command]) -> None:
        wishes.extend(_wish(each) for each in commands if isinstance(each, RecordSignal))

    driver.listener = listen
    text = recipe_text(Recipe(engine=base, params=params))
    minds: dict[int, dict[str, dict[str, Any]]] = {}
    waiting = sorted(cuts)
    endings = Endings(driver, past.instruments, past.endings)
    for event in _events(past):
        if not driver.started:
            driver.start(*opening(past, text, balances, event.received_time_ns))
        while waiting and event.received_time_ns > waiting[0]:
            minds[waiting.pop(0)] = {each.strategy_id: contents(each) for each in built}
        endings.market(event)
    for cut in waiting:
        minds[cut] = {each.strategy_id: contents(each) for each in built}
    return Seen(wishes=tuple(wishes), minds=minds, doors=tuple(doors.used))


def shifted(past: Past, by_ns: int) -> Past:
    """The same prices later."""
    return structs.replace(
        past,
        blocks=([moved(event, by_ns) for event in block] for block in past.blocks),
        endings={id_: at_ns + by_ns for id_, at_ns in past.endings.items()},
        history={
            id_: tuple(moved(bar, by_ns) for bar in bars) for id_, bars in past.history.items()
        },
    )


def moved(event: Any, by_ns: int) -> Any:
    """An event with all of its times later."""
    times = {
        name: getattr(event, name) + by_ns
        for name in ("venue_time_ns", "received_time_ns", "open_time_ns")
        if hasattr(event, name)
    }
    return structs.replace(event, **times)


class Watched:
    """A strategy whose doors are watched; otherwise the same."""

    def __init__(self, inner: Strategy, doors: "_Doors") -> None:
        self.Params = inner.Params
        self.strategy_id = inner.strategy_id
        self._inner = inner
        self._doors = doors

    def subscriptions(self) -> Sequence[Subscription]:
        """The strategy's."""
        return self._inner.subscriptions()

    def warm(self, history: Any) -> None:
        """If it can be."""
        warm = getattr(self._inner, "warm", None)
        if warm is not None:
            with self._doors.watching(self.strategy_id):
                warm(history)

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """The strategy's, with its doors watched."""
        self._doors.name, self._doors.now_ns = self.strategy_id, view.now_ns
        try:
            return self._inner.on_event(event, view)
        finally:
            self._doors.name = ""


class _Doors:
    """Files and sockets that are opened while a strategy's code runs.

    Python's audit hooks cannot be taken back, so this one goes deaf when nobody listens.
    """

    def __init__(self) -> None:
        self.used: list[tuple[str, str, int]] = []
        self.name = ""
        self.now_ns = 0
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.name and event in DOORS and len(self.used) < TELLING:
            what = str(arguments[0])
            if not what.endswith(CODE):
                self.used.append((self.name, f"{event} {what!r}", self.now_ns))

    def watching(self, name: str) -> "_Watching":
        """For a `with`."""
        return _Watching(self, name)


class _Watching:
    def __init__(self, doors: _Doors, name: str) -> None:
        self._doors, self._name = doors, name

    def __enter__(self) -> None:
        self._doors.name = self._name

    def __exit__(self, *_: object) -> None:
        self._doors.name = ""


def _build(
    name: str, params: Mapping[str, Any], instruments: Sequence[Instrument], doors: _Doors
) -> Strategy:
    """As the registry does it, but listening only to the strategy's own code."""
    kind = load(name)
    given = read_parameters(name, kind.Params, params)
    with doors.watching(name):
        return cast("Strategy", cast("type", kind)(StrategyId(name), given, instruments))


def _wish(command: RecordSignal) -> Wish:
    """Ids begin with the run's, which begins with its first moment: that part says nothing."""
    signal = command.signal
    if isinstance(signal, ExitSignal | StopSignal):
        own = TradeId(signal.trade_id.rpartition("-")[2])
        return Wish(command.time_ns, structs.replace(signal, trade_id=own))
    return Wish(command.time_ns, signal)


def _events(past: Past) -> Iterator[MarketEvent]:
    for block in past.blocks:
        yield from block


def _earlier(wishes: Iterable[Wish]) -> tuple[Wish, ...]:
    return tuple(Wish(wish.time_ns - SHIFT_NS, wish.signal) for wish in wishes)


def _truncated(whole: Seen, part: Seen, cut: int) -> Iterator[Leak]:
    probe = "truncated past"
    before = tuple(wish for wish in whole.wishes if wish.time_ns <= cut)
    yield from _compared(probe, before, part.wishes)
    for name, mind in part.minds.get(cut, {}).items():
        for path, (short, long) in differences(mind, whole.minds[cut].get(name, {})).items():
            told = f"with the past ending here it is {short}, with the future at hand {long}"
            yield Leak(probe=probe, strategy=name, field=path, at_ns=cut, told=told)


def _compared(probe: str, whole: Sequence[Wish], part: Sequence[Wish]) -> Iterator[Leak]:
    """Wishes in order; the first that differs in any field, for each strategy."""
    names = dict.fromkeys(wish.signal.strategy_id for wish in (*whole, *part))
    for name in names:
        mine = [wish for wish in whole if wish.signal.strategy_id == name]
        other = [wish for wish in part if wish.signal.strategy_id == name]
        for index in range(max(len(mine), len(other))):
            one = mine[index] if index < len(mine) else None
            two = other[index] if index < len(other) else None
            if one != two:
                yield _difference(probe, name, one, two)
                break


def _difference(probe: str, name: str, one: Wish | None, two: Wish | None) -> Leak:
    known = one or two
    assert known is not None
    kind = type(known.signal).__name__
    if one is None or two is None or type(one.signal) is not type(two.signal):
        field = kind
        told = "made only with the whole data" if two is None else "not made with the whole data"
    else:
        fields = ("time_ns", *one.signal.__struct_fields__)
        pairs = {f: (_field(one, f), _field(two, f)) for f in fields}
        changed = {f: pair for f, pair in pairs.items() if pair[0] != pair[1]}
        field = f"{kind}.{next(iter(changed))}"
        told = "; ".join(f"{f}: {a} and {b}" for f, (a, b) in changed.items())
    return Leak(probe=probe, strategy=name, field=field, at_ns=known.time_ns, told=told)


def _field(wish: Wish, name: str) -> Any:
    return wish.time_ns if name == "time_ns" else getattr(wish.signal, name)


def _door_leaks(seen: Seen) -> Iterator[Leak]:
    for name, door, now_ns in seen.doors:
        told = "a strategy may only know what events tell it"
        yield Leak(probe="doors", strategy=name, field=door, at_ns=now_ns, told=told)


def _first_of_each(leaks: Iterable[Leak]) -> Iterator[Leak]:
    seen = set()
    for leak in leaks:
        key = (leak.probe, leak.strategy, leak.field)
        if key not in seen:
            seen.add(key)
            yield leak
