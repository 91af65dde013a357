//! What a bar may be.

/// Prices beyond these would overflow a ratio; no market has them.
const PRICE_MIN: f64 = 1e-30;
const PRICE_MAX: f64 = 1e30;

#[derive(Debug, Clone, Copy)]
pub struct Bar {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}

impl Bar {
    /// From open, high, low, close, volume.
    pub fn from_row(row: &[f64]) -> Bar {
        Bar { open: row[0], high: row[1], low: row[2], close: row[3], volume: row[4] }
    }

    /// Whether it can be true. NaN fails every comparison.
    pub fn sane(&self) -> bool {
        PRICE_MIN <= self.low
            && self.low <= self.open
            && self.open <= self.high
            && self.low <= self.close
            && self.close <= self.high
            && self.high <= PRICE_MAX
            && 0.0 <= self.volume
            && self.volume <= PRICE_MAX
    }
}
