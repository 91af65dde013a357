//! Decimal text to the nearest float64, as exactly as Python's `float`.

/// Powers of ten that a float64 holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
const EXACT_INTEGER: u64 = 1 << 53;
const DIGITS_MAX: usize = 18;

/// The bytes of a number at the start of `text`, by the grammar of JSON; 0 when there is none.
pub fn length(text: &[u8]) -> usize {
    let digit = |at: usize| matches!(text.get(at), Some(b'0'..=b'9'));
    let mut at = usize::from(text.first() == Some(&b'-'));
    if !digit(at) {
        return 0;
    }
    if text[at] == b'0' {
        at += 1;
    } else {
        while digit(at) {
            at += 1;
        }
    }
    if text.get(at) == Some(&b'.') && digit(at + 1) {
        at += 2;
        while digit(at) {
            at += 1;
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        if digit(at + 1 + signed) {
            at += 2 + signed;
            while digit(at) {
                at += 1;
            }
        }
    }
    at
}

/// The value of a whole number text, or None where `text` is not exactly one number.
pub fn value(text: &[u8]) -> Option<f64> {
    match plain(text) {
        Some((number, length)) if length == text.len() => Some(number),
        _ if text.is_empty() || length(text) != text.len() => None,
        _ => core::str::from_utf8(text).ok()?.parse().ok(),
    }
}

/// The usual case in one pass: `digits[.digits]` that fit an exact integer and a power of ten. Value
/// and length of what it read; what follows is the caller's to judge.
///
/// One division of two exact numbers is rounded once, so it is the nearest (Clinger 1990).
#[inline]
pub fn plain(text: &[u8]) -> Option<(f64, usize)> {
    let mut bytes = text.iter();
    let mut mantissa: u64 = 0;
    let mut byte = bytes.next();
    while let Some(digit @ b'0'..=b'9') = byte {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        byte = bytes.next();
    }
    let read = |rest: usize, byte: Option<&u8>| text.len() - rest - usize::from(byte.is_some());
    let whole = read(bytes.len(), byte);
    if whole == 0 || whole > DIGITS_MAX || (whole > 1 && text[0] == b'0') {
        return None;
    }
    if byte != Some(&b'.') {
        return exact(mantissa, 0).map(|value| (value, whole));
    }
    // Zeros at the end change nothing, so they wait until another digit follows.
    let (mut places, mut kept) = (0, 0);
    byte = bytes.next();
    while let Some(digit @ b'0'..=b'9') = byte {
        places += 1;
        if *digit != b'0' {
            if whole + places > DIGITS_MAX {
                return None;
            }
            while kept < places {
                mantissa *= 10;
                kept += 1;
            }
            mantissa += u64::from(digit - b'0');
        }
        byte = bytes.next();
    }
    if places == 0 {
        return None;
    }
    exact(mantissa, kept).map(|value| (value, read(bytes.len(), byte)))
}

fn exact(mantissa: u64, places: usize) -> Option<f64> {
    if mantissa > EXACT_INTEGER {
        return None;
    }
    EXACT.get(places).map(|power| mantissa as f64 / power)
}

/// A whole number of 1 to 18 digits.
pub fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 || (text.len() > 1 && text[0] == b'0') {
        return None;
    }
    let mut value = 0i64;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_parser() {
        for text in [
            "0",
            "0.0",
            "61737.63000000",
            "0.00001000",
            "9007199254740993",
            "123456789.123456789",
            "1e5",
            "1.5E-7",
            "0.1",
            "179769313486231570000000000000",
            "5e-324",
            "-0.0",
            "-12.5",
            "900719925474.0993",
            "1234567890123456789.5",
            "0.000000000000000000000012345",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(value(text.as_bytes()).unwrap().to_bits(), expected.to_bits(), "{}", text);
        }
    }

    #[test]
    fn refuses_what_json_refuses() {
        for text in
            ["", "-", "01", "1.", ".5", "+1", "1e", "1_0", " 1", "nan", "inf", "0x1", "1.e5"]
        {
            assert_eq!(value(text.as_bytes()), None, "{}", text);
        }
    }
}
