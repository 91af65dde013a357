//! What the host sees. The only place with `unsafe`: it turns a handle back into an object.
//!
//! A handle is what a `_new` answered and is good until `_drop`. Everything else that goes in or out
//! goes through the object's own regions, whose address `_region` tells and whose size the host chose;
//! a count beyond a region's size stops the kernel. Addresses stay as long as the object lives.

use crate::book::Book;
use crate::features::{Features, Lengths};
use crate::sweep::Sweep;
use crate::triangles::Triangles;

/// Raised with every change that an old host would not survive.
const ABI: u32 = 1;

#[no_mangle]
pub extern "C" fn tw_abi() -> u32 {
    ABI
}

fn handed<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// # Safety
/// `handle` came from `handed::<T>` and has not been dropped; nobody else is using it.
unsafe fn lent<'a, T>(handle: *mut T) -> &'a mut T {
    unsafe { &mut *handle }
}

/// # Safety
/// As `lent`, and nobody uses `handle` again.
unsafe fn dropped<T>(handle: *mut T) {
    drop(unsafe { Box::from_raw(handle) });
}

#[no_mangle]
pub extern "C" fn tw_book_new(capacity: u32, frame_bytes: u32, imbalance_levels: u32) -> *mut Book {
    handed(Book::new(capacity as usize, frame_bytes as usize, imbalance_levels as usize))
}

/// Regions: 0 frame bytes in, 1 output row, 2 quantity in, 3 top levels.
///
/// # Safety
/// `book` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_book_region(book: *mut Book, which: u32) -> *mut u8 {
    let book = unsafe { lent(book) };
    match which {
        0 => book.input.as_mut_ptr(),
        1 => book.output.as_mut_ptr().cast(),
        2 => (&mut book.quantity as *mut f64).cast(),
        _ => book.top.as_mut_ptr().cast(),
    }
}

/// The first `length` input bytes are the symbol that messages must name.
///
/// # Safety
/// `book` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_book_symbol(book: *mut Book, length: u32) {
    let book = unsafe { lent(book) };
    book.symbol = book.input[..length as usize].to_vec();
}

/// # Safety
/// `book` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_book_frame(book: *mut Book, length: u32) -> u32 {
    unsafe { lent(book) }.frame(length as usize) as u32
}

/// Bids in the upper half of the answer, asks in the lower.
///
/// # Safety
/// `book` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_book_levels(book: *mut Book, count: u32) -> u32 {
    let (bids, asks) = unsafe { lent(book) }.levels(count as usize);
    (bids as u32) << 16 | asks as u32
}

/// # Safety
/// `book` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_book_spoil(book: *mut Book) {
    unsafe { lent(book) }.spoil();
}

/// # Safety
/// `book` is a live handle, and is none any more.
#[no_mangle]
pub unsafe extern "C" fn tw_book_drop(book: *mut Book) {
    unsafe { dropped(book) }
}

#[no_mangle]
pub extern "C" fn tw_triangles_new(
    instruments: u32,
    cycles: u32,
    rows: u32,
    hits: u32,
) -> *mut Triangles {
    let (instruments, cycles) = (instruments as usize, cycles as usize);
    handed(Triangles::new(instruments, cycles, rows as usize, hits as usize))
}

/// Regions: 0 quotes in, 1 hits, 2 keeps in, 3 edges in, 4 threshold in.
///
/// # Safety
/// `scan` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_triangles_region(scan: *mut Triangles, which: u32) -> *mut f64 {
    let scan = unsafe { lent(scan) };
    match which {
        0 => scan.rows.as_mut_ptr(),
        1 => scan.hits.as_mut_ptr(),
        2 => scan.keeps.as_mut_ptr(),
        3 => scan.edges.as_mut_ptr(),
        _ => &mut scan.threshold,
    }
}

/// # Safety
/// `scan` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_triangles_connect(scan: *mut Triangles) -> u32 {
    unsafe { lent(scan) }.connect() as u32
}

/// # Safety
/// `scan` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_triangles_scan(scan: *mut Triangles, count: u32) -> u32 {
    unsafe { lent(scan) }.scan(count as usize) as u32
}

/// # Safety
/// `scan` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_triangles_all(scan: *mut Triangles) -> u32 {
    unsafe { lent(scan) }.all() as u32
}

/// # Safety
/// `scan` is a live handle, and is none any more.
#[no_mangle]
pub unsafe extern "C" fn tw_triangles_drop(scan: *mut Triangles) {
    unsafe { dropped(scan) }
}

#[no_mangle]
pub extern "C" fn tw_features_new(
    symbols: u32,
    rows: u32,
    fast: u32,
    slow: u32,
    atr: u32,
    rsi: u32,
    window: u32,
    channel: u32,
) -> *mut Features {
    let lengths = Lengths { fast, slow, atr, rsi, window, channel };
    handed(Features::new(symbols as usize, rows as usize, &lengths))
}

/// Regions: 0 bars in, 1 features.
///
/// # Safety
/// `features` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_features_region(features: *mut Features, which: u32) -> *mut f64 {
    let features = unsafe { lent(features) };
    match which {
        0 => features.rows.as_mut_ptr(),
        _ => features.output.as_mut_ptr(),
    }
}

/// # Safety
/// `features` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_features_update(features: *mut Features, count: u32) -> u32 {
    unsafe { lent(features) }.update(count as usize) as u32
}

/// # Safety
/// `features` is a live handle, and is none any more.
#[no_mangle]
pub unsafe extern "C" fn tw_features_drop(features: *mut Features) {
    unsafe { dropped(features) }
}

#[no_mangle]
pub extern "C" fn tw_sweep_new(bars: u32, sets: u32) -> *mut Sweep {
    handed(Sweep::new(bars as usize, sets as usize))
}

/// Regions: 0 bars in, 1 results, 2 parameters in, 3 market in, 4 trades kept, 5 equity kept. The
/// last two move with every `tw_sweep_detail`.
///
/// # Safety
/// `sweep` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_sweep_region(sweep: *mut Sweep, which: u32) -> *mut f64 {
    let sweep = unsafe { lent(sweep) };
    match which {
        0 => sweep.rows.as_mut_ptr(),
        1 => sweep.results.as_mut_ptr(),
        2 => sweep.parameters.as_mut_ptr(),
        3 => sweep.market.as_mut_ptr(),
        4 => sweep.kept.trades.as_mut_ptr(),
        _ => sweep.kept.curve.as_mut_ptr(),
    }
}

/// # Safety
/// `sweep` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_sweep_check(sweep: *mut Sweep) -> u32 {
    unsafe { lent(sweep) }.check() as u32
}

/// # Safety
/// `sweep` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_sweep_run(sweep: *mut Sweep, count: u32) -> u32 {
    unsafe { lent(sweep) }.run(count as usize) as u32
}

/// The trades of one set, or all bits set for a set that cannot be run.
///
/// # Safety
/// `sweep` is a live handle.
#[no_mangle]
pub unsafe extern "C" fn tw_sweep_detail(sweep: *mut Sweep, index: u32) -> u32 {
    unsafe { lent(sweep) }.detail(index as usize).map_or(u32::MAX, |trades| trades as u32)
}

/// # Safety
/// `sweep` is a live handle, and is none any more.
#[no_mangle]
pub unsafe extern "C" fn tw_sweep_drop(sweep: *mut Sweep) {
    unsafe { dropped(sweep) }
}
