//! An order book fed with raw depth frames (Binance's spelling, spot and USD-M).

use crate::json::{Answer, Cursor, Refused};
use crate::{nothing, number};

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Applied = 0,
    /// Its updates are in the book already.
    Old = 1,
    /// Updates between the book and this frame are missing; the book is dirty from now on.
    Gap = 2,
    /// The book is dirty and waits for a snapshot.
    Dirty = 3,
    /// Not JSON, or a depth frame that cannot be one.
    Malformed = 4,
    /// A side is empty, or bid and ask have crossed; the book is dirty from now on.
    Crossed = 5,
    /// Another kind of message, or another symbol's.
    Other = 6,
}

/// Places in the output row.
pub const BID: usize = 0;
pub const BID_SIZE: usize = 1;
pub const ASK: usize = 2;
pub const ASK_SIZE: usize = 3;
pub const MICROPRICE: usize = 4;
pub const IMBALANCE: usize = 5;
pub const VWAP_BID: usize = 6;
pub const VWAP_ASK: usize = 7;
pub const UPDATE_ID: usize = 8;
pub const EVENT_MS: usize = 9;
pub const BID_LEVELS: usize = 10;
pub const ASK_LEVELS: usize = 11;
pub const OUTPUTS: usize = 12;

type Level = (f64, f64);

/// Levels by price with the best at the end, where changes are many.
struct Side {
    /// 1 for bids; -1 for asks, whose lowest price is best.
    sign: f64,
    /// (sign x price, size), in rising order.
    levels: Vec<Level>,
    capacity: usize,
}

/// Moving so few levels by hand is quicker than asking for a copy.
const NEAR: usize = 12;

impl Side {
    fn new(sign: f64, capacity: usize) -> Self {
        Side { sign, levels: Vec::with_capacity(capacity + 1), capacity }
    }

    fn change(&mut self, price: f64, size: f64) {
        let key = self.sign * price;
        let place = self.place(key);
        let known = matches!(self.levels.get(place), Some(level) if level.0 == key);
        if size > 0.0 {
            if known {
                self.levels[place].1 = size;
            } else {
                self.insert(place, (key, size));
                if self.levels.len() > self.capacity {
                    self.levels.remove(0);
                }
            }
        } else if known {
            self.remove(place);
        }
    }

    fn insert(&mut self, place: usize, level: Level) {
        let mut at = self.levels.len();
        if at - place > NEAR {
            self.levels.insert(place, level);
            return;
        }
        self.levels.push(level);
        while at > place {
            self.levels[at] = self.levels[at - 1];
            at -= 1;
        }
        self.levels[place] = level;
    }

    fn remove(&mut self, place: usize) {
        let last = self.levels.len() - 1;
        if last - place > NEAR {
            self.levels.remove(place);
            return;
        }
        for at in place..last {
            self.levels[at] = self.levels[at + 1];
        }
        self.levels.truncate(last);
    }

    /// The first place whose key is not below `key`; most are near the end, so it looks there first.
    fn place(&self, key: f64) -> usize {
        let (mut low, mut high, mut step) = (0, self.levels.len(), 8);
        while high > step {
            if self.levels[high - step].0 < key {
                low = high - step + 1;
                break;
            }
            high -= step;
            step *= 2;
        }
        while low < high {
            let middle = (low + high) / 2;
            if self.levels[middle].0 < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// These are all there are; of a price told twice the last counts.
    fn replace(&mut self, told: &mut [Level]) {
        let sign = self.sign;
        for level in told.iter_mut() {
            level.0 *= sign;
        }
        // Prices were checked to be finite, so they compare.
        told.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(core::cmp::Ordering::Equal));
        self.levels.clear();
        for (index, level) in told.iter().enumerate() {
            let told_again = matches!(told.get(index + 1), Some(next) if next.0 == level.0);
            if !told_again && level.1 > 0.0 {
                self.levels.push(*level);
            }
        }
        let surplus = self.levels.len().saturating_sub(self.capacity);
        self.levels.drain(..surplus);
    }

    /// Prices and sizes, best first.
    fn best_first(&self) -> impl Iterator<Item = Level> + '_ {
        self.levels.iter().rev().map(move |level| (self.sign * level.0, level.1))
    }

    /// The sum of the best `count` sizes, from the best on.
    fn depth(&self, count: usize) -> f64 {
        self.best_first().take(count).fold(0.0, |total, level| total + level.1)
    }

    /// The average price of taking `quantity`, or no answer where less is shown.
    fn vwap(&self, quantity: f64) -> f64 {
        let mut left = quantity;
        let mut paid = 0.0;
        for (price, size) in self.best_first() {
            let part = if size < left { size } else { left };
            paid += price * part;
            left -= part;
            if left <= 0.0 {
                return paid / quantity;
            }
        }
        nothing()
    }
}

/// A field of a message: not there, there but of no use, or read.
#[derive(Clone, Copy)]
enum Field<T> {
    Missing,
    Bad,
    Read(T),
}

impl<T> Field<T> {
    fn present(&self) -> bool {
        !matches!(self, Field::Missing)
    }

    fn value(self) -> Answer<T> {
        match self {
            Field::Read(value) => Ok(value),
            _ => Err(Refused),
        }
    }

    fn optional(self) -> Answer<Option<T>> {
        match self {
            Field::Missing => Ok(None),
            Field::Bad => Err(Refused),
            Field::Read(value) => Ok(Some(value)),
        }
    }
}

type Span = (usize, usize);

/// The fields of one message. Levels are spans of the book's scratch space.
#[derive(Clone, Copy)]
struct Message<'a> {
    symbol: Field<&'a [u8]>,
    event_ms: Field<i64>,
    first_id: Field<i64>,
    last_id: Field<i64>,
    before_id: Field<i64>,
    snapshot_id: Field<i64>,
    bids: Field<Span>,
    asks: Field<Span>,
    all_bids: Field<Span>,
    all_asks: Field<Span>,
}

impl<'a> Message<'a> {
    fn empty() -> Self {
        Message {
            symbol: Field::Missing,
            event_ms: Field::Missing,
            first_id: Field::Missing,
            last_id: Field::Missing,
            before_id: Field::Missing,
            snapshot_id: Field::Missing,
            bids: Field::Missing,
            asks: Field::Missing,
            all_bids: Field::Missing,
            all_asks: Field::Missing,
        }
    }

    fn is_snapshot(&self) -> bool {
        self.snapshot_id.present() && self.all_bids.present() && self.all_asks.present()
    }

    fn is_delta(&self) -> bool {
        self.first_id.present() && self.last_id.present() && self.bids.present()
    }

    /// Reads the value of a key of ours; false when it is none of ours.
    fn read(
        &mut self,
        key: &[u8],
        cursor: &mut Cursor<'a>,
        scratch: &mut Vec<Level>,
    ) -> Answer<bool> {
        match key {
            b"s" => self.symbol = tried(cursor, |c| c.string())?,
            b"E" => self.event_ms = tried(cursor, whole)?,
            b"U" => self.first_id = tried(cursor, whole)?,
            b"u" => self.last_id = tried(cursor, whole)?,
            b"pu" => self.before_id = tried(cursor, whole)?,
            b"lastUpdateId" => self.snapshot_id = tried(cursor, whole)?,
            b"b" => self.bids = tried(cursor, |c| levels(c, scratch))?,
            b"a" => self.asks = tried(cursor, |c| levels(c, scratch))?,
            b"bids" => self.all_bids = tried(cursor, |c| levels(c, scratch))?,
            b"asks" => self.all_asks = tried(cursor, |c| levels(c, scratch))?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What `read` makes of the next value. Where it refuses, the value must still be JSON.
fn tried<'a, T>(
    cursor: &mut Cursor<'a>,
    read: impl FnOnce(&mut Cursor<'a>) -> Answer<T>,
) -> Answer<Field<T>> {
    let start = *cursor;
    if let Ok(value) = read(cursor) {
        return Ok(Field::Read(value));
    }
    *cursor = start;
    cursor.skip()?;
    Ok(Field::Bad)
}

fn whole(cursor: &mut Cursor) -> Answer<i64> {
    number::whole(cursor.number()?).ok_or(Refused)
}

/// `[[price, size, ...], ...]`: prices above zero, sizes not below it.
fn levels(cursor: &mut Cursor, scratch: &mut Vec<Level>) -> Answer<Span> {
    let start = scratch.len();
    cursor.take(b'[')?;
    let mut first = true;
    while cursor.more(b']', first)? {
        first = false;
        cursor.take(b'[')?;
        let price = item(cursor, true)?;
        let size = item(cursor, false)?;
        while cursor.more(b']', false)? {
            cursor.skip()?;
        }
        if price <= 0.0 || size < 0.0 {
            return Err(Refused);
        }
        scratch.push((price, size));
    }
    Ok((start, scratch.len()))
}

fn item(cursor: &mut Cursor, first: bool) -> Answer<f64> {
    if cursor.more(b']', first)? {
        return cursor.decimal();
    }
    Err(Refused)
}

/// The message in a frame: the frame itself, or its `data`.
fn parse<'a>(frame: &'a [u8], scratch: &mut Vec<Level>) -> Answer<Message<'a>> {
    let mut cursor = Cursor::new(frame);
    let mut outer = Message::empty();
    let mut inner = None;
    cursor.take(b'{')?;
    let mut first = true;
    while cursor.more(b'}', first)? {
        first = false;
        let key = cursor.key()?;
        if key == b"data" {
            inner = wrapped(&mut cursor, scratch)?;
        } else if !outer.read(key, &mut cursor, scratch)? {
            cursor.skip()?;
        }
    }
    if !cursor.ended() {
        return Err(Refused);
    }
    Ok(inner.unwrap_or(outer))
}

fn wrapped<'a>(cursor: &mut Cursor<'a>, scratch: &mut Vec<Level>) -> Answer<Option<Message<'a>>> {
    if cursor.peek() != Some(b'{') {
        cursor.skip()?;
        return Ok(None);
    }
    cursor.take(b'{')?;
    let mut message = Message::empty();
    let mut first = true;
    while cursor.more(b'}', first)? {
        first = false;
        let key = cursor.key()?;
        if !message.read(key, cursor, scratch)? {
            cursor.skip()?;
        }
    }
    Ok(Some(message))
}

pub struct Book {
    pub input: Vec<u8>,
    pub output: [f64; OUTPUTS],
    pub top: Vec<f64>,
    /// The symbol that messages must name where they name one; empty for any.
    pub symbol: Vec<u8>,
    /// Base quantity of the average prices, above zero.
    pub quantity: f64,
    imbalance_levels: usize,
    bids: Side,
    asks: Side,
    scratch: Vec<Level>,
    clean: bool,
    update_id: i64,
}

impl Book {
    pub fn new(capacity: usize, frame_bytes: usize, imbalance_levels: usize) -> Self {
        Book {
            input: vec![0; frame_bytes],
            output: [0.0; OUTPUTS],
            top: vec![0.0; 4 * capacity],
            symbol: Vec::new(),
            quantity: 1.0,
            imbalance_levels,
            bids: Side::new(1.0, capacity),
            asks: Side::new(-1.0, capacity),
            scratch: Vec::with_capacity(2 * capacity),
            clean: false,
            update_id: 0,
        }
    }

    /// Takes the frame in the first `length` bytes of the input; the output row is of the book after
    /// an applied frame.
    pub fn frame(&mut self, length: usize) -> Status {
        let input = core::mem::take(&mut self.input);
        let mut scratch = core::mem::take(&mut self.scratch);
        scratch.clear();
        let status = self.judge(&input[..length], &mut scratch);
        self.input = input;
        self.scratch = scratch;
        status
    }

    fn judge(&mut self, frame: &[u8], scratch: &mut Vec<Level>) -> Status {
        if core::str::from_utf8(frame).is_err() {
            return Status::Malformed;
        }
        let applied = match parse(frame, scratch) {
            Ok(message) if message.is_snapshot() => self.snapshot(message, scratch),
            Ok(message) if message.is_delta() => self.delta(message, scratch),
            Ok(_) => Ok(Status::Other),
            Err(refused) => Err(refused),
        };
        applied.unwrap_or(Status::Malformed)
    }

    /// Another symbol's, where both are named.
    fn foreign(&self, symbol: Option<&[u8]>) -> bool {
        !self.symbol.is_empty() && matches!(symbol, Some(named) if named != &self.symbol[..])
    }

    fn snapshot(&mut self, message: Message, scratch: &mut [Level]) -> Answer<Status> {
        if self.foreign(message.symbol.optional()?) {
            return Ok(Status::Other);
        }
        let update_id = message.snapshot_id.value()?;
        let event_ms = message.event_ms.optional()?.unwrap_or(0);
        let (bids, asks) = (message.all_bids.value()?, message.all_asks.value()?);
        self.bids.replace(&mut scratch[bids.0..bids.1]);
        self.asks.replace(&mut scratch[asks.0..asks.1]);
        self.update_id = update_id;
        Ok(self.settle(event_ms))
    }

    fn delta(&mut self, message: Message, scratch: &[Level]) -> Answer<Status> {
        if self.foreign(message.symbol.optional()?) {
            return Ok(Status::Other);
        }
        let (named, last) = (message.first_id.value()?, message.last_id.value()?);
        let event_ms = message.event_ms.optional()?.unwrap_or(0);
        // USD-M ids leap; what a frame follows on is told by `pu`.
        let first = message.before_id.optional()?.map_or(named, |before| before + 1);
        let (bids, asks) = (message.bids.value()?, message.asks.value()?);
        if last < named {
            return Err(Refused);
        }
        if !self.clean {
            return Ok(Status::Dirty);
        }
        if last <= self.update_id {
            return Ok(Status::Old);
        }
        if first > self.update_id + 1 {
            self.clean = false;
            return Ok(Status::Gap);
        }
        for (price, size) in &scratch[bids.0..bids.1] {
            self.bids.change(*price, *size);
        }
        for (price, size) in &scratch[asks.0..asks.1] {
            self.asks.change(*price, *size);
        }
        self.update_id = last;
        Ok(self.settle(event_ms))
    }

    /// Looks at the touch after a change, and writes the output row.
    fn settle(&mut self, event_ms: i64) -> Status {
        self.clean = false;
        let (bid, bid_size, ask, ask_size) =
            match (self.bids.best_first().next(), self.asks.best_first().next()) {
                (Some(bid), Some(ask)) if bid.0 < ask.0 => (bid.0, bid.1, ask.0, ask.1),
                _ => return Status::Crossed,
            };
        self.clean = true;
        let below = self.bids.depth(self.imbalance_levels);
        let above = self.asks.depth(self.imbalance_levels);
        let output = &mut self.output;
        output[BID] = bid;
        output[BID_SIZE] = bid_size;
        output[ASK] = ask;
        output[ASK_SIZE] = ask_size;
        output[MICROPRICE] = (bid * ask_size + ask * bid_size) / (bid_size + ask_size);
        output[IMBALANCE] = (below - above) / (below + above);
        output[VWAP_BID] = self.bids.vwap(self.quantity);
        output[VWAP_ASK] = self.asks.vwap(self.quantity);
        output[UPDATE_ID] = self.update_id as f64;
        output[EVENT_MS] = event_ms as f64;
        output[BID_LEVELS] = self.bids.levels.len() as f64;
        output[ASK_LEVELS] = self.asks.levels.len() as f64;
        Status::Applied
    }

    /// Writes up to `count` levels of each side to `top`, best first: price, size, price, size; the
    /// asks begin at half of it. Answers how many bids there are and how many asks.
    pub fn levels(&mut self, count: usize) -> (usize, usize) {
        let half = self.top.len() / 2;
        let mut counts = [0, 0];
        for (side, start, counted) in [(&self.bids, 0, 0), (&self.asks, half, 1)] {
            for (index, (price, size)) in side.best_first().take(count).enumerate() {
                self.top[start + 2 * index] = price;
                self.top[start + 2 * index + 1] = size;
                counts[counted] = index + 1;
            }
        }
        (counts[0], counts[1])
    }

    /// Forgets that it was in order: nothing is applied until the next snapshot.
    pub fn spoil(&mut self) {
        self.clean = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(book: &mut Book, text: &str) -> Status {
        book.input[..text.len()].copy_from_slice(text.as_bytes());
        book.frame(text.len())
    }

    const SNAPSHOT: &str =
        r#"{"lastUpdateId":10,"bids":[["9","1"],["8","2"]],"asks":[["11","3"],["12","4"]]}"#;

    #[test]
    fn follows_a_snapshot_and_a_delta() {
        let mut book = Book::new(8, 1024, 2);
        assert_eq!(feed(&mut book, SNAPSHOT), Status::Applied);
        let delta = r#"{"e":"depthUpdate","U":11,"u":12,"b":[["9","0"],["10","5"]],"a":[]}"#;
        assert_eq!(feed(&mut book, delta), Status::Applied);
        assert_eq!(book.output[BID], 10.0);
        assert_eq!(book.output[VWAP_BID], 10.0);
        assert_eq!(book.output[IMBALANCE], 0.0);
        assert_eq!(feed(&mut book, delta), Status::Old);
        assert_eq!(feed(&mut book, r#"{"U":15,"u":16,"b":[],"a":[]}"#), Status::Gap);
        assert_eq!(feed(&mut book, r#"{"U":17,"u":18,"b":[],"a":[]}"#), Status::Dirty);
    }

    #[test]
    fn keeps_the_best_when_full() {
        let mut book = Book::new(2, 1024, 2);
        feed(&mut book, SNAPSHOT);
        feed(&mut book, r#"{"U":11,"u":11,"b":[["7","1"],["8.5","1"]],"a":[]}"#);
        assert_eq!(book.levels(9), (2, 2));
        assert_eq!(book.top[..4], [9.0, 1.0, 8.5, 1.0]);
    }
}
