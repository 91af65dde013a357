//! A strict JSON cursor that keeps nothing: it finds values and steps over the rest.
//!
//! Strings with a backslash are refused: market data has none, and a key or a digit that is
//! spelled by an escape would otherwise have to be read in two ways.

use crate::number;

const DEPTH_MAX: u32 = 64;

/// Not JSON, or not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

pub type Answer<T> = Result<T, Refused>;

#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Cursor { text, at: 0 }
    }

    /// The next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    pub fn take(&mut self, wanted: u8) -> Answer<()> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(Refused)
    }

    /// Whether another item follows in a list that `close` ends; the first has no comma before it.
    pub fn more(&mut self, close: u8, first: bool) -> Answer<bool> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                if self.peek() == Some(close) {
                    return Err(Refused);
                }
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(Refused),
        }
    }

    /// What stands between two quotation marks.
    pub fn string(&mut self) -> Answer<&'a [u8]> {
        self.take(b'"')?;
        let start = self.at;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(&self.text[start..self.at - 1]);
                }
                b'\\' | 0..=31 => return Err(Refused),
                _ => self.at += 1,
            }
        }
        Err(Refused)
    }

    /// A key and its colon.
    pub fn key(&mut self) -> Answer<&'a [u8]> {
        let key = self.string()?;
        self.take(b':')?;
        Ok(key)
    }

    /// The text of a bare number.
    pub fn number(&mut self) -> Answer<&'a [u8]> {
        self.peek();
        let rest = &self.text[self.at..];
        let length = number::length(rest);
        if length == 0 {
            return Err(Refused);
        }
        self.at += length;
        Ok(&rest[..length])
    }

    /// A finite number, bare or in quotation marks.
    pub fn decimal(&mut self) -> Answer<f64> {
        if self.peek() != Some(b'"') {
            let text = self.number()?;
            return number::value(text).filter(|value| value.is_finite()).ok_or(Refused);
        }
        let rest = &self.text[self.at + 1..];
        if let Some((value, length)) = number::plain(rest) {
            if rest.get(length) == Some(&b'"') {
                self.at += length + 2;
                return Ok(value);
            }
        }
        let text = self.string()?;
        number::value(text).filter(|value| value.is_finite()).ok_or(Refused)
    }

    /// Steps over one value of any kind.
    pub fn skip(&mut self) -> Answer<()> {
        self.skip_within(0)
    }

    fn skip_within(&mut self, depth: u32) -> Answer<()> {
        if depth > DEPTH_MAX {
            return Err(Refused);
        }
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => {
                self.at += 1;
                let mut first = true;
                while self.more(b'}', first)? {
                    first = false;
                    self.key()?;
                    self.skip_within(depth + 1)?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.at += 1;
                let mut first = true;
                while self.more(b']', first)? {
                    first = false;
                    self.skip_within(depth + 1)?;
                }
                Ok(())
            }
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.number().map(|_| ()),
        }
    }

    fn word(&mut self, word: &[u8]) -> Answer<()> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(Refused)
    }

    /// Whether nothing but white space is left.
    pub fn ended(&mut self) -> bool {
        self.peek().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.skip().is_ok() && cursor.ended()
    }

    #[test]
    fn takes_json() {
        for text in ["{}", "[ ]", " {\"a\" : [1, -2.5e3, \"x\", true, null, {}] }\n", "0", "\"\""] {
            assert!(accepts(text), "{}", text);
        }
    }

    #[test]
    fn refuses_what_is_not() {
        for text in
            ["", "{", "[1,]", "{\"a\"}", "{,}", "[1 2]", "01", "tru", "\"\\n\"", "1 1", "nan"]
        {
            assert!(!accepts(text), "{}", text);
        }
    }
}
