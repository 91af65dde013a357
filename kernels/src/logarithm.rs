//! The natural logarithm from basic operations, so that every platform answers the same bits.

use core::f64::consts::FRAC_1_SQRT_2;

const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// ln(x) of a positive, normal, finite number, within 2 units in the last place.
///
/// x = m 2^k with m between the roots of 1/2 and 2, and ln m = 2 atanh((m - 1) / (m + 1)), whose
/// series is short because the argument is below 0.172.
pub fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut k = ((bits >> 52) & 0x7ff) as i64 - 1022;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3fe0_0000_0000_0000);
    if m < FRAC_1_SQRT_2 {
        m *= 2.0;
        k -= 1;
    }
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut tail = 1.0 / 23.0;
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        tail = tail * z + 1.0 / odd;
    }
    let scale = k as f64;
    // 2 s (1 + z tail), summed from the smallest part on.
    let rest = 2.0 * s * (z * tail) + scale * LN2_LOW;
    (rest + 2.0 * s) + scale * LN2_HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_close_to_the_libraries_logarithm() {
        let mut x = 1e-30;
        while x < 1e30 {
            let expected = f64::ln(x);
            assert!((ln(x) - expected).abs() <= 4e-16 * expected.abs().max(0.05), "{}", x);
            x *= 1.003_7;
        }
        assert_eq!(ln(1.0).to_bits(), 0);
    }
}
