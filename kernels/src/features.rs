//! Twenty numbers from each bar and those before it, for many symbols at once.

use crate::bars::Bar;
use crate::indicators::{Atr, Ema, RollingMax, RollingMean, Wilder, Window};
use crate::logarithm::ln;
use crate::nothing;

/// Symbol, open, high, low, close, volume.
pub const ROW: usize = 6;
pub const FEATURES: usize = 20;
/// Weight of the newest squared return in the exponentially weighted volatility.
const VARIANCE_WEIGHT: f64 = 0.06;
const SHORT_RETURN: usize = 5;

/// Lengths in bars.
#[derive(Clone, Copy)]
pub struct Lengths {
    pub fast: u32,
    pub slow: u32,
    pub atr: u32,
    pub rsi: u32,
    pub window: u32,
    pub channel: u32,
}

struct Symbol {
    fast: Ema,
    slow: Ema,
    atr: Atr,
    gains: Wilder,
    losses: Wilder,
    closes: Window,
    close_mean: RollingMean,
    returns: Window,
    return_mean: RollingMean,
    variance: Ema,
    volume_mean: RollingMean,
    paid_mean: RollingMean,
    path_mean: RollingMean,
    highest: RollingMax,
    /// Of negated lows.
    lowest: RollingMax,
    window: usize,
}

impl Symbol {
    fn new(lengths: &Lengths) -> Self {
        let window = lengths.window;
        Symbol {
            fast: Ema::new(lengths.fast),
            slow: Ema::new(lengths.slow),
            atr: Atr::new(lengths.atr),
            gains: Wilder::new(lengths.rsi),
            losses: Wilder::new(lengths.rsi),
            closes: Window::new(window.max(SHORT_RETURN as u32) + 1),
            close_mean: RollingMean::new(window),
            returns: Window::new(window),
            return_mean: RollingMean::new(window),
            variance: Ema::weighted(VARIANCE_WEIGHT),
            volume_mean: RollingMean::new(window),
            paid_mean: RollingMean::new(window),
            path_mean: RollingMean::new(window),
            highest: RollingMax::new(lengths.channel),
            lowest: RollingMax::new(lengths.channel),
            window: window as usize,
        }
    }

    fn update(&mut self, bar: &Bar, out: &mut [f64]) {
        let none = nothing();
        let (close, before) = (bar.close, self.closes.ago(0));
        self.closes.push(close);
        let log_return = before.map(|before| ln(close / before));
        out[0] = log_return.unwrap_or(none);
        out[1] = self.log_since(close, SHORT_RETURN);
        out[2] = self.log_since(close, self.window);
        out[3] = ln(close / bar.open);
        out[4] = ln(bar.high / bar.low);
        out[5] = share(close - bar.low, bar.high - bar.low, 0.5);
        out[6] = before.map_or(none, |before| ln(bar.open / before));
        self.trend(bar, out);
        let (gain, loss, path) = match before {
            Some(before) if close >= before => (close - before, 0.0, close - before),
            Some(before) => (0.0, before - close, before - close),
            None => (none, none, none),
        };
        let mut average_path = None;
        let mut strength = None;
        if before.is_some() {
            let (gains, losses) = (self.gains.update(gain), self.losses.update(loss));
            strength = gains.zip(losses);
            average_path = self.path_mean.update(path);
        }
        out[11] =
            strength.map_or(none, |(gains, losses)| 100.0 * share(gains, gains + losses, 0.5));
        out[12] = self.z_score(close);
        self.volatility(log_return, out);
        self.volume(bar, out);
        self.channel(bar, out);
        out[19] = match (average_path, self.closes.ago(self.window)) {
            (Some(path), Some(then)) => share((close - then).abs(), path * self.window as f64, 0.0),
            _ => none,
        };
    }

    fn log_since(&self, close: f64, bars: usize) -> f64 {
        self.closes.ago(bars).map_or(nothing(), |then| ln(close / then))
    }

    /// Distances to the averages, in shares of price and in average ranges.
    fn trend(&mut self, bar: &Bar, out: &mut [f64]) {
        let none = nothing();
        let (fast, slow) = (self.fast.update(bar.close), self.slow.update(bar.close));
        let atr = self.atr.update(bar.high, bar.low, bar.close);
        out[7] = fast.map_or(none, |fast| bar.close / fast - 1.0);
        out[8] = slow.map_or(none, |slow| bar.close / slow - 1.0);
        out[9] = match (fast, slow, atr) {
            (Some(fast), Some(slow), Some(atr)) => share(fast - slow, atr, 0.0),
            _ => none,
        };
        out[10] = atr.map_or(none, |atr| atr / bar.close);
    }

    fn z_score(&mut self, close: f64) -> f64 {
        match self.close_mean.update(close) {
            Some(mean) => {
                share(close - mean, self.closes.deviation_of_last(self.window, mean), 0.0)
            }
            None => nothing(),
        }
    }

    fn volatility(&mut self, log_return: Option<f64>, out: &mut [f64]) {
        let none = nothing();
        let (mut plain, mut weighted) = (none, none);
        if let Some(log_return) = log_return {
            self.returns.push(log_return);
            if let Some(mean) = self.return_mean.update(log_return) {
                plain = self.returns.deviation_of_last(self.window, mean);
            }
            let variance = self.variance.update(log_return * log_return);
            weighted = variance.map_or(none, f64::sqrt);
        }
        out[13] = plain;
        out[14] = weighted;
    }

    /// The bar's volume against those before it, and its close against what was paid on average.
    fn volume(&mut self, bar: &Bar, out: &mut [f64]) {
        let none = nothing();
        let typical = (bar.high + bar.low + bar.close) / 3.0;
        let before = self.volume_mean.value();
        out[15] = before.map_or(none, |mean| share(bar.volume, mean, 0.0));
        let volume = self.volume_mean.update(bar.volume);
        let paid = self.paid_mean.update(typical * bar.volume);
        out[16] = match (paid, volume) {
            (Some(paid), Some(volume)) if paid > 0.0 => bar.close * volume / paid - 1.0,
            (Some(_), Some(_)) => 0.0,
            _ => none,
        };
    }

    /// Where in the channel of highs and lows the close is, and how far above the highs before it.
    fn channel(&mut self, bar: &Bar, out: &mut [f64]) {
        let none = nothing();
        out[18] = self.highest.value().map_or(none, |high| bar.close / high - 1.0);
        let (high, low) = (self.highest.update(bar.high), self.lowest.update(-bar.low));
        out[17] = match (high, low) {
            (Some(high), Some(low)) => share(bar.close + low, high + low, 0.5),
            _ => none,
        };
    }
}

/// part / whole, or `otherwise` where the whole is nothing.
#[inline(always)]
fn share(part: f64, whole: f64, otherwise: f64) -> f64 {
    if whole > 0.0 {
        part / whole
    } else {
        otherwise
    }
}

pub struct Features {
    pub rows: Vec<f64>,
    pub output: Vec<f64>,
    symbols: Vec<Symbol>,
}

impl Features {
    pub fn new(symbols: usize, rows: usize, lengths: &Lengths) -> Self {
        Features {
            rows: vec![0.0; ROW * rows],
            output: vec![0.0; FEATURES * rows],
            symbols: (0..symbols).map(|_| Symbol::new(lengths)).collect(),
        }
    }

    /// Takes in `count` bars in turn and writes a row of features for each.
    ///
    /// A bar that cannot be true, or of a symbol that is none, changes nothing and gets a row of no
    /// answers; answers how many.
    pub fn update(&mut self, count: usize) -> usize {
        let mut refused = 0;
        for index in 0..count {
            let row = &self.rows[ROW * index..ROW * index + ROW];
            let out = &mut self.output[FEATURES * index..FEATURES * index + FEATURES];
            let bar = Bar::from_row(&row[1..]);
            let known = row[0] >= 0.0 && row[0] < self.symbols.len() as f64;
            if known && bar.sane() {
                self.symbols[row[0] as usize].update(&bar, out);
            } else {
                out.fill(nothing());
                refused += 1;
            }
        }
        refused
    }
}
