//! Random texts for identifiers, without a dependency: tags, tokens, request ids.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNTER: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static SEED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on this thread's texts follow from the seed; without one they are new each time.
pub(crate) fn seed(seed: Option<u64>) {
    SEED.set(seed);
}

/// `length` characters of `[a-zA-Z0-9]`.
pub(crate) fn alphanumeric(length: usize) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    (0..length)
        .map(|_| char::from(ALPHABET[(word() % 62) as usize]))
        .collect()
}

/// A text of the form of a UUID.
pub(crate) fn uuid() -> String {
    let (high, low) = (word(), word());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

// Every RandomState is keyed anew from the system's entropy, and the counter parts two calls of one key.
fn word() -> u64 {
    if let Some(seed) = SEED.get() {
        // SplitMix64.
        let next = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        SEED.set(Some(next));
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        return mixed ^ (mixed >> 31);
    }
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(COUNTER.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}
