//! Cycles of three trades, scanned as quotes arrive: which of them end with more than they began?
//!
//! Instrument `i` has two directed edges: 2 i gives its base away, 2 i + 1 gets it. A cycle's product
//! is rate x rate x rate in the order of its edges.

use crate::nothing;

/// A quote: instrument, bid, ask.
pub const ROW: usize = 3;
/// A hit: row of the quote, cycle, product.
pub const HIT: usize = 3;

pub struct Triangles {
    /// What is left after the fee, by edge: of the rate bid, and of 1 / ask.
    pub keeps: Vec<f64>,
    /// Three edges a cycle.
    pub edges: Vec<f64>,
    pub rows: Vec<f64>,
    pub hits: Vec<f64>,
    /// A product above this is a hit.
    pub threshold: f64,
    cycles: Vec<[u32; 3]>,
    rates: Vec<f64>,
    /// Cycles of instrument i: `through[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    through: Vec<Passage>,
}

/// A cycle as an instrument sees it, with its edges at hand.
#[derive(Clone, Copy)]
struct Passage {
    edges: [u32; 3],
    cycle: u32,
}

impl Triangles {
    pub fn new(instruments: usize, cycles: usize, rows: usize, hits: usize) -> Self {
        Triangles {
            keeps: vec![1.0; 2 * instruments],
            edges: vec![0.0; 3 * cycles],
            rows: vec![0.0; ROW * rows],
            hits: vec![0.0; HIT * hits],
            threshold: 1.0,
            cycles: Vec::new(),
            rates: vec![0.0; 2 * instruments],
            starts: Vec::new(),
            through: Vec::new(),
        }
    }

    /// Reads the cycles. Answers 0, or the number (from 1) of the first that names no edge of ours.
    pub fn connect(&mut self) -> usize {
        let edges_max = self.rates.len() as f64;
        let mut cycles = Vec::with_capacity(self.edges.len() / 3);
        for (index, edges) in self.edges.chunks_exact(3).enumerate() {
            if !edges.iter().all(|edge| *edge >= 0.0 && *edge < edges_max) {
                return index + 1;
            }
            cycles.push([edges[0] as u32, edges[1] as u32, edges[2] as u32]);
        }
        let mut starts = vec![0; self.rates.len() / 2 + 1];
        for edges in &cycles {
            for instrument in instruments(edges) {
                starts[instrument + 1] += 1;
            }
        }
        for instrument in 1..starts.len() {
            starts[instrument] += starts[instrument - 1];
        }
        let mut next = starts.clone();
        self.through = vec![Passage { edges: [0; 3], cycle: 0 }; starts[starts.len() - 1]];
        for (cycle, edges) in cycles.iter().enumerate() {
            for instrument in instruments(edges) {
                self.through[next[instrument]] = Passage { edges: *edges, cycle: cycle as u32 };
                next[instrument] += 1;
            }
        }
        self.starts = starts;
        self.cycles = cycles;
        0
    }

    /// Takes in `count` quotes in turn. After each, every cycle through its instrument is judged.
    ///
    /// A quote that cannot be true makes its instrument unknown (rate 0) until the next; one of an
    /// instrument that is none changes nothing. Answers how many hits there were; those that found room
    /// are in `hits`, in order.
    pub fn scan(&mut self, count: usize) -> usize {
        let mut found = 0;
        let threshold = self.threshold;
        for index in 0..count {
            let row = &self.rows[ROW * index..ROW * index + ROW];
            let (named, bid, ask) = (row[0], row[1], row[2]);
            if !(named >= 0.0 && named < (self.rates.len() / 2) as f64) {
                continue;
            }
            let instrument = named as usize;
            let (sell, buy) = if 0.0 < bid && bid <= ask && ask < f64::INFINITY {
                (bid * self.keeps[2 * instrument], self.keeps[2 * instrument + 1] / ask)
            } else {
                (0.0, 0.0)
            };
            self.rates[2 * instrument] = sell;
            self.rates[2 * instrument + 1] = buy;
            let passages = &self.through[self.starts[instrument]..self.starts[instrument + 1]];
            for passage in passages {
                let product = product(&self.rates, passage.edges);
                if product > threshold {
                    note(&mut self.hits, found, [index as f64, f64::from(passage.cycle), product]);
                    found += 1;
                }
            }
        }
        found
    }

    /// Judges every cycle by what is known now. Hits have row -1. Answers how many.
    pub fn all(&mut self) -> usize {
        let mut found = 0;
        for (cycle, edges) in self.cycles.iter().enumerate() {
            let product = product(&self.rates, *edges);
            if product > self.threshold {
                note(&mut self.hits, found, [-1.0, cycle as f64, product]);
                found += 1;
            }
        }
        found
    }

    /// The product of one cycle now, or no answer for a number that is none.
    pub fn product_of(&self, cycle: usize) -> f64 {
        match self.cycles.get(cycle) {
            Some(edges) => product(&self.rates, *edges),
            None => nothing(),
        }
    }
}

/// The different instruments of a cycle.
fn instruments(edges: &[u32; 3]) -> impl Iterator<Item = usize> + '_ {
    let of = |place: usize| edges[place] as usize / 2;
    (0..3).filter(move |place| (0..*place).all(|before| of(before) != of(*place))).map(of)
}

fn product(rates: &[f64], edges: [u32; 3]) -> f64 {
    rates[edges[0] as usize] * rates[edges[1] as usize] * rates[edges[2] as usize]
}

fn note(hits: &mut [f64], number: usize, hit: [f64; HIT]) {
    if let Some(place) = hits.get_mut(HIT * number..HIT * number + HIT) {
        place.copy_from_slice(&hit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_cycle_that_pays_both_at_once_and_at_a_quote() {
        // A/S, B/S, B/A: buy A, buy B with A, sell B.
        let mut scan = Triangles::new(3, 1, 4, 4);
        scan.edges.copy_from_slice(&[1.0, 5.0, 2.0]);
        assert_eq!(scan.connect(), 0);
        scan.rows
            .copy_from_slice(&[0.0, 9.0, 10.0, 1.0, 99.0, 100.0, 2.0, 8.0, 9.0, 2.0, 0.0, 9.0]);
        assert_eq!(scan.scan(4), 1);
        assert_eq!(scan.hits[..3], [2.0, 0.0, 1.0 / 10.0 * (1.0 / 9.0) * 99.0]);
        assert_eq!(scan.all(), 0);
    }

    #[test]
    fn names_a_cycle_that_cannot_be() {
        let mut scan = Triangles::new(1, 2, 1, 1);
        scan.edges.copy_from_slice(&[0.0, 1.0, 0.0, 0.0, 2.0, 0.0]);
        assert_eq!(scan.connect(), 2);
    }
}
