//! Streaming indicators, operation by operation those of `tradewinds.features.indicators`.

/// Exponential moving average whose first answer is the mean of the first `period` values.
pub struct Ema {
    alpha: f64,
    mean: SeededMean,
}

/// Wilder's average: like `Ema`, with weight 1 / period.
pub struct Wilder {
    period: f64,
    mean: SeededMean,
}

struct SeededMean {
    left: u32,
    period: f64,
    sum: f64,
    value: f64,
}

impl SeededMean {
    fn new(period: u32) -> Self {
        SeededMean { left: period, period: f64::from(period), sum: 0.0, value: 0.0 }
    }

    /// Collects the first values; true once they are all there.
    #[inline(always)]
    fn seeding(&mut self, value: f64) -> bool {
        if self.left == 0 {
            return false;
        }
        self.sum += value;
        self.left -= 1;
        if self.left == 0 {
            self.value = self.sum / self.period;
        }
        true
    }

    #[inline(always)]
    fn answer(&self) -> Option<f64> {
        if self.left == 0 {
            Some(self.value)
        } else {
            None
        }
    }
}

impl Ema {
    pub fn new(period: u32) -> Self {
        Ema { alpha: 2.0 / (f64::from(period) + 1.0), mean: SeededMean::new(period) }
    }

    /// With a weight of its own, seeded by its first value.
    pub fn weighted(alpha: f64) -> Self {
        Ema { alpha, mean: SeededMean::new(1) }
    }

    #[inline(always)]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if !self.mean.seeding(value) {
            let last = self.mean.value;
            self.mean.value = last + self.alpha * (value - last);
        }
        self.mean.answer()
    }

    #[inline(always)]
    pub fn value(&self) -> Option<f64> {
        self.mean.answer()
    }
}

impl Wilder {
    pub fn new(period: u32) -> Self {
        Wilder { period: f64::from(period), mean: SeededMean::new(period) }
    }

    #[inline(always)]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if !self.mean.seeding(value) {
            let last = self.mean.value;
            self.mean.value = last + (value - last) / self.period;
        }
        self.mean.answer()
    }
}

/// Average true range.
pub struct Atr {
    close: Option<f64>,
    mean: Wilder,
}

impl Atr {
    pub fn new(period: u32) -> Self {
        Atr { close: None, mean: Wilder::new(period) }
    }

    #[inline(always)]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let (mut top, mut bottom) = (high, low);
        if let Some(last) = self.close {
            if last > top {
                top = last;
            }
            if last < bottom {
                bottom = last;
            }
        }
        self.close = Some(close);
        self.mean.update(top - bottom)
    }
}

/// Highest of the last `window` values, by a queue of those that can still become it.
pub struct RollingMax {
    window: u64,
    seen: u64,
    /// A ring of (number, value) in falling order of value.
    queue: Vec<(u64, f64)>,
    first: usize,
    length: usize,
}

impl RollingMax {
    pub fn new(window: u32) -> Self {
        RollingMax {
            window: u64::from(window),
            seen: 0,
            queue: vec![(0, 0.0); (window as usize + 1).next_power_of_two()],
            first: 0,
            length: 0,
        }
    }

    #[inline(always)]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        let mask = self.queue.len() - 1;
        while self.length > 0 && self.queue[(self.first + self.length - 1) & mask].1 <= value {
            self.length -= 1;
        }
        self.seen += 1;
        self.queue[(self.first + self.length) & mask] = (self.seen, value);
        self.length += 1;
        if self.queue[self.first & mask].0 + self.window <= self.seen {
            self.first += 1;
            self.length -= 1;
        }
        self.value()
    }

    #[inline(always)]
    pub fn value(&self) -> Option<f64> {
        if self.seen < self.window {
            return None;
        }
        Some(self.queue[self.first & (self.queue.len() - 1)].1)
    }
}

/// Mean of the last `window` values, from the sums of a full block's tails and the next one's head:
/// nothing is ever subtracted, so a huge value leaves no trace when it leaves.
pub struct RollingMean {
    window: usize,
    filled: usize,
    sum: f64,
    block: Vec<f64>,
    tails: Vec<f64>,
    full: bool,
    value: f64,
}

impl RollingMean {
    pub fn new(window: u32) -> Self {
        RollingMean {
            window: window as usize,
            filled: 0,
            sum: 0.0,
            block: vec![0.0; window as usize],
            tails: vec![0.0; window as usize],
            full: false,
            value: 0.0,
        }
    }

    #[inline(always)]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.block[self.filled] = value;
        self.filled += 1;
        self.sum += value;
        if self.filled == self.window {
            self.close_block();
        } else if self.full {
            self.value = (self.tails[self.filled] + self.sum) / self.window as f64;
        }
        self.value()
    }

    #[inline(always)]
    pub fn value(&self) -> Option<f64> {
        if self.full {
            Some(self.value)
        } else {
            None
        }
    }

    fn close_block(&mut self) {
        self.value = self.sum / self.window as f64;
        let mut total = 0.0;
        for index in (0..self.window).rev() {
            total += self.block[index];
            self.tails[index] = total;
        }
        self.full = true;
        self.filled = 0;
        self.sum = 0.0;
    }
}

/// The last `window` values, oldest first, always in one piece.
pub struct Window {
    size: usize,
    at: usize,
    seen: usize,
    values: Vec<f64>,
}

impl Window {
    pub fn new(size: u32) -> Self {
        Window { size: size as usize, at: 0, seen: 0, values: vec![0.0; 2 * size as usize] }
    }

    #[inline(always)]
    pub fn push(&mut self, value: f64) {
        self.values[self.at] = value;
        self.values[self.at + self.size] = value;
        self.at += 1;
        if self.at == self.size {
            self.at = 0;
        }
        self.seen += 1;
    }

    /// The value that came `back` before the newest; 0 is the newest.
    #[inline(always)]
    pub fn ago(&self, back: usize) -> Option<f64> {
        if back >= self.seen || back >= self.size {
            return None;
        }
        Some(self.values[self.at + self.size - 1 - back])
    }

    /// Standard deviation about `mean` of the newest `count` values; there must be as many.
    ///
    /// Squares go to four sums in turn, so that no addition waits for the one before.
    #[inline(always)]
    pub fn deviation_of_last(&self, count: usize, mean: f64) -> f64 {
        let end = self.at + self.size;
        let mut fours = self.values[end - count..end].chunks_exact(4);
        let mut sums = [0.0; 4];
        let square = |value: f64| (value - mean) * (value - mean);
        for four in &mut fours {
            sums[0] += square(four[0]);
            sums[1] += square(four[1]);
            sums[2] += square(four[2]);
            sums[3] += square(four[3]);
        }
        for (sum, value) in sums.iter_mut().zip(fours.remainder()) {
            *sum += square(*value);
        }
        (((sums[0] + sums[1]) + (sums[2] + sums[3])) / count as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolling_answers_are_those_of_the_plain_definition() {
        let values: Vec<f64> =
            (0..200).map(|n: u32| f64::from(n.wrapping_mul(7919) % 101)).collect();
        let (mut mean, mut max, mut window) =
            (RollingMean::new(7), RollingMax::new(7), Window::new(7));
        for (index, value) in values.iter().enumerate() {
            window.push(*value);
            let (mean, max) = (mean.update(*value), max.update(*value));
            if index < 6 {
                assert_eq!((mean, max), (None, None));
                continue;
            }
            let last = &values[index - 6..=index];
            assert_eq!(mean.unwrap(), last.iter().sum::<f64>() / 7.0);
            assert_eq!(max.unwrap(), last.iter().fold(0.0, |a, b| b.max(a)));
            assert_eq!(window.ago(6), Some(last[0]));
        }
    }
}
