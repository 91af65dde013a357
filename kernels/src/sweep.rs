//! Many parameter sets of two rule families over the same bars, with costs, one position at a time.
//!
//! A bar hides its path, so it is read against us: at the open what was decided at the last close,
//! then the stop, then the target. A decision at a close is carried out at the next open.

use crate::bars::Bar;
use crate::indicators::{Atr, Ema, RollingMax, RollingMean};
use crate::nothing;

/// Open, high, low, close, volume.
pub const ROW: usize = 5;
pub const PARAMETERS: usize = 14;
pub const RESULTS: usize = 16;
pub const MARKET: usize = 13;
pub const TRADE: usize = 10;

const LENGTH_MAX: f64 = 1_000_000.0;
/// Share of a tick by which arithmetic may miss one.
const TICK_FUZZ: f64 = 1e-6;
/// What is left free besides the fee when nearly all cash goes into a position.
const CASH_MARGIN: f64 = 1e-4;

#[derive(Clone, Copy, PartialEq)]
enum Family {
    Cross,
    Breakout,
}

/// One set of parameters. Lengths in bars, `_atr` in average true ranges.
struct Rules {
    family: Family,
    fast: u32,
    slow: u32,
    channel: u32,
    volume_bars: u32,
    volume_factor: f64,
    atr: u32,
    stop_atr: f64,
    target_atr: f64,
    trail_atr: f64,
    trail_step_atr: f64,
    hold_max: f64,
    cooldown: f64,
    shorts: bool,
}

impl Rules {
    fn from_row(row: &[f64]) -> Option<Rules> {
        let length = |place: usize| {
            let value: f64 = row[place];
            if (1.0..=LENGTH_MAX).contains(&value) && value.fract() == 0.0 {
                Some(value as u32)
            } else {
                None
            }
        };
        if !row.iter().all(|value| *value >= 0.0 && *value < f64::INFINITY) || row[7] <= 0.0 {
            return None;
        }
        let breakout = row[0] == 1.0;
        Some(Rules {
            family: if breakout { Family::Breakout } else { Family::Cross },
            fast: length(1)?,
            slow: length(2)?,
            channel: if breakout { length(3)? } else { 1 },
            volume_bars: if breakout { length(4)? } else { 1 },
            volume_factor: row[5],
            atr: length(6)?,
            stop_atr: row[7],
            target_atr: row[8],
            trail_atr: row[9],
            trail_step_atr: row[10],
            hold_max: row[11],
            cooldown: row[12],
            shorts: row[13] != 0.0,
        })
    }
}

/// Costs, steps and sizing. Rates, slippage, slack and allowance as fractions.
struct Market {
    cash: f64,
    taker: f64,
    maker: f64,
    slippage: f64,
    tick: f64,
    lot: f64,
    risk_money: f64,
    risk_share: f64,
    exposure: f64,
    slack: f64,
    allowance: f64,
    notional_min: f64,
    first_bar: f64,
}

impl Market {
    fn from_row(row: &[f64]) -> Market {
        Market {
            cash: row[0],
            taker: row[1],
            maker: row[2],
            slippage: row[3],
            tick: row[4],
            lot: row[5],
            risk_money: row[6],
            risk_share: row[7],
            exposure: row[8],
            slack: row[9],
            allowance: row[10],
            notional_min: row[11],
            first_bar: row[12],
        }
    }

    fn up(&self, price: f64) -> f64 {
        if self.tick > 0.0 {
            (price / self.tick - TICK_FUZZ).ceil() * self.tick
        } else {
            price
        }
    }

    fn down(&self, price: f64) -> f64 {
        if self.tick > 0.0 {
            (price / self.tick + TICK_FUZZ).floor() * self.tick
        } else {
            price
        }
    }

    /// On a tick, up for a side of 1 and down for -1.
    fn toward(&self, side: f64, price: f64) -> f64 {
        if side > 0.0 {
            self.up(price)
        } else {
            self.down(price)
        }
    }

    /// What a taker gets: worse by the slippage, and never below one tick.
    fn taken(&self, side: f64, price: f64) -> f64 {
        let worse = self.toward(side, price * (1.0 + side * self.slippage));
        if worse < self.tick {
            self.tick
        } else {
            worse
        }
    }

    /// Base quantity of an entry whose worst price is `worst`, in whole lots; 0 for none.
    fn quantity(&self, side: f64, worst: f64, stop: f64, close: f64, equity: f64) -> f64 {
        // A seller may get more than the worst price, and then holds more.
        let value = if side < 0.0 && close > worst { close } else { worst };
        let stop_fill = stop * (1.0 - side * self.allowance);
        let move_against = side * (worst - stop_fill);
        let fee = if self.maker > self.taker { self.maker } else { self.taker };
        let dearest = if stop_fill > worst { stop_fill } else { worst };
        let kept = if move_against > 0.0 { move_against } else { 0.0 };
        let loss = kept + (worst + dearest) * fee;
        let mut risk = self.risk_share * equity;
        if self.risk_money < risk {
            risk = self.risk_money;
        }
        let mut quantity = if loss > 0.0 { risk / loss } else { f64::INFINITY };
        let exposed = self.exposure * equity / value;
        if exposed < quantity {
            quantity = exposed;
        }
        let paid = equity / (value * (1.0 + fee + CASH_MARGIN));
        if paid < quantity {
            quantity = paid;
        }
        if self.lot > 0.0 {
            quantity = (quantity / self.lot + TICK_FUZZ).floor() * self.lot;
        }
        if quantity > 0.0 && quantity * worst >= self.notional_min {
            quantity
        } else {
            0.0
        }
    }
}

/// Why a position ended.
#[derive(Clone, Copy, PartialEq)]
enum Reason {
    Stop = 0,
    Target = 1,
    Signal = 2,
    Time = 3,
}

/// An entry decided at a close.
#[derive(Clone, Copy)]
struct Order {
    side: f64,
    quantity: f64,
    limit: f64,
    stop: f64,
    /// 0 for none.
    target: f64,
}

#[derive(Clone, Copy)]
struct Position {
    order: Order,
    bar: usize,
    price: f64,
    fees: f64,
    stop: f64,
    peak: f64,
    leaving: Option<Reason>,
}

/// What is kept besides the result row.
pub trait Record {
    fn trade(&mut self, row: [f64; TRADE]);
    fn equity(&mut self, equity: f64);
}

/// Keeps nothing.
pub struct Discard;

impl Record for Discard {
    #[inline(always)]
    fn trade(&mut self, _row: [f64; TRADE]) {}
    #[inline(always)]
    fn equity(&mut self, _equity: f64) {}
}

/// Keeps everything.
#[derive(Default)]
pub struct Keep {
    pub trades: Vec<f64>,
    pub curve: Vec<f64>,
}

impl Record for Keep {
    fn trade(&mut self, row: [f64; TRADE]) {
        self.trades.extend_from_slice(&row);
    }
    fn equity(&mut self, equity: f64) {
        self.curve.push(equity);
    }
}

/// What a set's indicators say at a close.
#[derive(Clone, Copy)]
struct Reading {
    atr: f64,
    fast: f64,
    slow: f64,
    rises: bool,
    falls: bool,
}

struct Gauges {
    fast: Ema,
    slow: Ema,
    atr: Atr,
    highest: RollingMax,
    /// Of negated lows.
    lowest: RollingMax,
    volume: RollingMean,
    /// Of the last reading: the fast average above the slow one, and below it.
    above: Option<(bool, bool)>,
}

impl Gauges {
    fn new(rules: &Rules) -> Gauges {
        Gauges {
            fast: Ema::new(rules.fast),
            slow: Ema::new(rules.slow),
            atr: Atr::new(rules.atr),
            highest: RollingMax::new(rules.channel),
            lowest: RollingMax::new(rules.channel),
            volume: RollingMean::new(rules.volume_bars),
            above: None,
        }
    }

    #[inline(always)]
    fn update(&mut self, rules: &Rules, bar: &Bar) -> Option<Reading> {
        let fast = self.fast.update(bar.close);
        let slow = self.slow.update(bar.close);
        let atr = self.atr.update(bar.high, bar.low, bar.close);
        let out =
            if rules.family == Family::Breakout { Some(self.breakout(rules, bar)?) } else { None };
        let (fast, slow, atr) = match (fast, slow, atr) {
            (Some(fast), Some(slow), Some(atr)) => (fast, slow, atr),
            _ => return None,
        };
        let (above, below) = (fast > slow, fast < slow);
        let (was_above, was_below) = self.above.unwrap_or((true, true));
        self.above = Some((above, below));
        let (rises, falls) = match out {
            Some((up, down)) => (up && above, down && below),
            None => (above && !was_above, below && !was_below),
        };
        Some(Reading { atr, fast, slow, rises, falls: falls && rules.shorts })
    }

    /// Whether the close is above all highs before it, or below all lows, on volume; None until both
    /// are known.
    #[inline(always)]
    fn breakout(&mut self, rules: &Rules, bar: &Bar) -> Option<(bool, bool)> {
        let (high, volume) = (self.highest.value(), self.volume.value());
        let low = self.lowest.value();
        self.highest.update(bar.high);
        if rules.shorts {
            self.lowest.update(-bar.low);
        }
        self.volume.update(bar.volume);
        let (high, volume) = match (high, volume) {
            (Some(high), Some(volume)) => (high, volume),
            _ => return None,
        };
        let ratio = if volume > 0.0 { bar.volume / volume } else { 0.0 };
        let confirmed = ratio > rules.volume_factor || rules.volume_factor == 0.0;
        let below = matches!(low, Some(low) if -bar.close > low);
        Some((confirmed && bar.close > high, confirmed && below))
    }
}

/// Running totals of a set.
#[derive(Default)]
struct Tally {
    trades: f64,
    wins: f64,
    gained: f64,
    lost: f64,
    fees: f64,
    drawdown: f64,
    held: f64,
    returns: f64,
    squares: f64,
    turnover: f64,
    worst: f64,
    best: f64,
    missed: f64,
    slippage: f64,
}

struct Account {
    cash: f64,
    equity: f64,
    peak: f64,
    position: Option<Position>,
    waiting: Option<Order>,
    free_from: f64,
    tally: Tally,
}

pub struct Sweep {
    pub rows: Vec<f64>,
    pub parameters: Vec<f64>,
    pub market: [f64; MARKET],
    pub results: Vec<f64>,
    pub kept: Keep,
}

impl Sweep {
    pub fn new(bars: usize, sets: usize) -> Self {
        Sweep {
            rows: vec![0.0; ROW * bars],
            parameters: vec![0.0; PARAMETERS * sets],
            market: [0.0; MARKET],
            results: vec![0.0; RESULTS * sets],
            kept: Keep::default(),
        }
    }

    /// Looks at the bars. Answers 0, or the number (from 1) of the first that cannot be true.
    pub fn check(&self) -> usize {
        let mut bars = self.rows.chunks_exact(ROW).map(Bar::from_row);
        bars.position(|bar| !bar.sane()).map_or(0, |index| index + 1)
    }

    /// Runs the first `count` sets. A set that cannot be run gets a row of no answers; answers how
    /// many.
    pub fn run(&mut self, count: usize) -> usize {
        let market = Market::from_row(&self.market);
        let mut refused = 0;
        for index in 0..count {
            let row = &self.parameters[PARAMETERS * index..PARAMETERS * index + PARAMETERS];
            let out = &mut self.results[RESULTS * index..RESULTS * index + RESULTS];
            match Rules::from_row(row) {
                Some(rules) => simulate(&self.rows, &rules, &market, &mut Discard, out),
                None => {
                    out.fill(nothing());
                    refused += 1;
                }
            }
        }
        refused
    }

    /// Runs one set and keeps its trades and its equity at every close. Answers the trades, or None
    /// for a set that cannot be run.
    pub fn detail(&mut self, index: usize) -> Option<usize> {
        let market = Market::from_row(&self.market);
        let row = &self.parameters[PARAMETERS * index..PARAMETERS * index + PARAMETERS];
        let out = &mut self.results[RESULTS * index..RESULTS * index + RESULTS];
        let rules = Rules::from_row(row)?;
        self.kept.trades.clear();
        self.kept.curve.clear();
        simulate(&self.rows, &rules, &market, &mut self.kept, out);
        Some(self.kept.trades.len() / TRADE)
    }
}

fn simulate<R: Record>(
    rows: &[f64],
    rules: &Rules,
    market: &Market,
    record: &mut R,
    out: &mut [f64],
) {
    let mut gauges = Gauges::new(rules);
    let mut account = Account {
        cash: market.cash,
        equity: market.cash,
        peak: market.cash,
        position: None,
        waiting: None,
        free_from: 0.0,
        tally: Tally::default(),
    };
    for (index, row) in rows.chunks_exact(ROW).enumerate() {
        let bar = &Bar::from_row(row);
        if account.position.is_some() || account.waiting.is_some() {
            account.meet(index, bar, rules, market, record);
            account.mark(bar.close);
        }
        record.equity(account.equity);
        if let Some(reading) = gauges.update(rules, bar) {
            account.decide(index, bar, &reading, rules, market);
        } else {
            account.check_time(index, rules);
        }
    }
    account.report(out);
}

impl Account {
    /// The bar's path, read against us.
    fn meet<R: Record>(
        &mut self,
        index: usize,
        bar: &Bar,
        rules: &Rules,
        market: &Market,
        record: &mut R,
    ) {
        if let Some(order) = self.waiting.take() {
            self.enter(index, bar, order, market);
        }
        let mut position = match self.position {
            Some(position) => position,
            None => return,
        };
        let side = position.order.side;
        let (against, favour) = if side > 0.0 { (bar.low, bar.high) } else { (bar.high, bar.low) };
        self.tally.held += 1.0;
        let ended = if let Some(reason) = position.leaving {
            Some((bar.open, reason))
        } else if side * bar.open <= side * position.stop {
            Some((bar.open, Reason::Stop))
        } else if side * against <= side * position.stop {
            Some((position.stop, Reason::Stop))
        } else {
            None
        };
        if let Some((price, reason)) = ended {
            let filled = market.taken(-side, price);
            self.tally.slippage += position.order.quantity * side * (price - filled);
            self.leave(index, &position, filled, market.taker, reason, record);
            self.rest(index, &position, rules);
            return;
        }
        let target = position.order.target;
        if target > 0.0 && side * (favour - target) > market.tick * (1.0 - TICK_FUZZ) {
            self.leave(index, &position, target, market.maker, Reason::Target, record);
            self.rest(index, &position, rules);
            return;
        }
        if index > position.bar && side * favour > side * position.peak {
            position.peak = favour;
        }
        self.position = Some(position);
    }

    fn enter(&mut self, index: usize, bar: &Bar, order: Order, market: &Market) {
        let price = market.taken(order.side, bar.open);
        if order.side * price > order.side * order.limit {
            self.tally.missed += 1.0;
            return;
        }
        let paid = order.quantity * price;
        let fees = paid * market.taker;
        self.cash -= order.side * paid + fees;
        self.tally.fees += fees;
        self.tally.turnover += paid;
        self.tally.slippage += order.quantity * order.side * (price - bar.open);
        self.position = Some(Position {
            order,
            bar: index,
            price,
            fees,
            stop: order.stop,
            peak: price,
            leaving: None,
        });
    }

    fn leave<R: Record>(
        &mut self,
        index: usize,
        position: &Position,
        price: f64,
        rate: f64,
        reason: Reason,
        record: &mut R,
    ) {
        let order = &position.order;
        let got = order.quantity * price;
        let fees = got * rate;
        self.cash += order.side * got - fees;
        let all_fees = position.fees + fees;
        let net = order.side * order.quantity * (price - position.price) - all_fees;
        let tally = &mut self.tally;
        tally.fees += fees;
        tally.turnover += got;
        tally.trades += 1.0;
        if net > 0.0 {
            tally.wins += 1.0;
            tally.gained += net;
        } else {
            tally.lost -= net;
        }
        if net < tally.worst {
            tally.worst = net;
        }
        if net > tally.best {
            tally.best = net;
        }
        record.trade([
            position.bar as f64,
            index as f64,
            order.side,
            order.quantity,
            position.price,
            price,
            order.stop,
            all_fees,
            net,
            f64::from(reason as i32),
        ]);
        self.position = None;
    }

    /// The cooldown after an end. One within the entry's bar was never seen at a close: the signal's own
    /// cooldown goes on, as it does for a strategy that looks once a bar.
    fn rest(&mut self, index: usize, position: &Position, rules: &Rules) {
        if index > position.bar {
            self.free_from = index as f64 + rules.cooldown;
        }
    }

    /// Equity at a close, and what it says about return and drawdown.
    fn mark(&mut self, close: f64) {
        let held = match &self.position {
            Some(position) => position.order.side * position.order.quantity * close,
            None => 0.0,
        };
        let equity = self.cash + held;
        if equity != self.equity {
            if self.equity > 0.0 {
                let change = equity / self.equity - 1.0;
                self.tally.returns += change;
                self.tally.squares += change * change;
            }
            self.equity = equity;
            if equity > self.peak {
                self.peak = equity;
            }
            let drawdown = 1.0 - equity / self.peak;
            if drawdown > self.tally.drawdown {
                self.tally.drawdown = drawdown;
            }
        }
    }

    /// The time stop asks no indicator.
    fn check_time(&mut self, index: usize, rules: &Rules) -> bool {
        if let Some(position) = &mut self.position {
            if rules.hold_max > 0.0 && (index - position.bar) as f64 >= rules.hold_max {
                position.leaving = Some(Reason::Time);
                return true;
            }
        }
        false
    }

    fn decide(
        &mut self,
        index: usize,
        bar: &Bar,
        reading: &Reading,
        rules: &Rules,
        market: &Market,
    ) {
        if self.check_time(index, rules) {
            return;
        }
        if let Some(position) = &mut self.position {
            follow(position, bar, reading, rules, market);
        } else if reading.rises || reading.falls {
            let now = index as f64;
            if now >= self.free_from && now >= market.first_bar && self.equity > 0.0 {
                self.want(now, bar, reading, rules, market);
            }
        }
    }

    fn want(&mut self, now: f64, bar: &Bar, reading: &Reading, rules: &Rules, market: &Market) {
        let side = if reading.rises { 1.0 } else { -1.0 };
        let distance = rules.stop_atr * reading.atr;
        let stop = market.toward(side, bar.close - side * distance);
        if stop <= 0.0 || distance <= 0.0 {
            return;
        }
        let limit = market.toward(-side, bar.close * (1.0 + side * market.slack));
        let mut quantity = 0.0;
        if limit > 0.0 {
            quantity = market.quantity(side, limit, stop, bar.close, self.equity);
        }
        if quantity <= 0.0 {
            self.tally.missed += 1.0;
            return;
        }
        let mut target = 0.0;
        if rules.target_atr > 0.0 {
            target = market.toward(-side, bar.close + side * rules.target_atr * reading.atr);
        }
        self.free_from = now + rules.cooldown;
        self.waiting = Some(Order { side, quantity, limit, stop, target });
    }

    fn report(&self, out: &mut [f64]) {
        let tally = &self.tally;
        out.copy_from_slice(&[
            self.equity,
            tally.trades,
            tally.wins,
            tally.gained,
            tally.lost,
            tally.fees,
            tally.drawdown,
            tally.held,
            tally.returns,
            tally.squares,
            tally.turnover,
            tally.worst,
            tally.best,
            tally.missed,
            tally.slippage,
            if self.position.is_some() { 1.0 } else { 0.0 },
        ]);
    }
}

/// An open position at a close: leave at the next open, or draw the stop nearer.
fn follow(position: &mut Position, bar: &Bar, reading: &Reading, rules: &Rules, market: &Market) {
    let side = position.order.side;
    let broken = match rules.family {
        Family::Cross => side * reading.fast <= side * reading.slow,
        Family::Breakout => side * bar.close < side * reading.slow,
    };
    if broken {
        position.leaving = Some(Reason::Signal);
        return;
    }
    if rules.trail_atr <= 0.0 {
        return;
    }
    let stop = position.peak - side * rules.trail_atr * reading.atr;
    if side * stop >= side * bar.close {
        position.leaving = Some(Reason::Signal);
        return;
    }
    let step = rules.trail_step_atr * reading.atr;
    if side * stop > side * position.stop + step {
        // Away from the market, so that rounding never makes a stop that would trigger at once.
        position.stop = market.toward(-side, stop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swept(rows: &[[f64; ROW]], parameters: [f64; PARAMETERS], market: [f64; MARKET]) -> Sweep {
        let mut sweep = Sweep::new(rows.len(), 1);
        sweep.rows.copy_from_slice(&rows.concat());
        sweep.parameters.copy_from_slice(&parameters);
        sweep.market = market;
        assert_eq!(sweep.check(), 0);
        sweep.detail(0);
        sweep
    }

    #[test]
    fn a_stop_is_read_before_a_target() {
        let flat = |price: f64| [price, price + 1.0, price - 1.0, price, 1.0];
        let mut rows: Vec<_> = [10.0, 10.0, 9.0, 12.0].iter().map(|price| flat(*price)).collect();
        rows.push([12.0, 40.0, 1.0, 12.0, 1.0]);
        let cross = [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let market = [1e3, 0.0, 0.0, 0.0, 0.0, 0.0, 1e9, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        let sweep = swept(&rows, cross, market);
        assert_eq!(sweep.kept.trades[9], 0.0, "the stop");
        assert_eq!(sweep.kept.trades[5], sweep.kept.trades[6], "at its trigger");
        assert!(sweep.results[0] < 1e3);
    }
}
