//! CRC-16/X.25 by carry-less multiplication, for processors that have PCLMULQDQ.
//!
//! The octets are the coefficients of a polynomial over GF(2), the low bit of the first octet that
//! of the highest power; the sum is what this polynomial times x^16 leaves when it is divided by
//! P = x^16 + x^12 + x^5 + 1. So a block of sixteen octets, A x^64 + B, that stands D bits before
//! another one can be taken away when A (x^(D+64) mod P) + B (x^D mod P) is added to the other:
//! two multiplications instead of sixteen looks into a table.
//!
//! In a register the bits stand reversed, the highest power in bit 0. The product of two words of
//! 64 bits comes out one power too low then, so each factor below is one power less than above.
//!
//! This file has the one `unsafe` of the workspace: the call into functions for which the compiler
//! uses an instruction that not every processor has.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m128i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_unpackhi_epi64,
    _mm_xor_si128,
};

cpufeatures::new!(pclmulqdq, "pclmulqdq");

/// Octets of a block.
const BLOCK: usize = 16;
/// Blocks taken away side by side: the multiplier begins the next while it works on one.
const LANES: usize = 4;

/// `sum` carried on over `octets`; `None` on a processor that cannot.
#[inline]
pub(super) fn update(sum: u16, octets: &[u8]) -> Option<u16> {
    // SAFETY: `fold` is unsafe to call only for its need of PCLMULQDQ, which the processor has.
    pclmulqdq::get().then(|| unsafe { fold(sum, octets) })
}

#[target_feature(enable = "pclmulqdq")]
fn fold(sum: u16, octets: &[u8]) -> u16 {
    // Zeros before the first octet change nothing: they fill up the first block, so that the last
    // one is whole. The sum so far is added to the first two octets. What of it does not fit the
    // first block goes into the next, or, when there is none, is left over as it is.
    let (head, blocks) = octets.split_at(octets.len() % BLOCK);
    let head_bits = bits(head.len());
    let start = first_octets(octets) ^ u128::from(sum);
    let start = start.checked_shl(128_u32.wrapping_sub(head_bits)).unwrap_or_default();
    let left_over = sum.checked_shr(head_bits).unwrap_or_default();

    let mut block = register(start);
    let (blocks, _) = blocks.as_chunks::<BLOCK>();
    let Some((first, mut blocks)) = blocks.split_first() else {
        return remainder(block) ^ left_over;
    };
    block = add(moved(block, BY_ONE), register(number(first) ^ u128::from(left_over)));

    if let Some(([b, c, d], rest)) = blocks.split_first_chunk() {
        let mut lanes = [block, register(number(b)), register(number(c)), register(number(d))];
        let (groups, singles) = rest.as_chunks::<LANES>();
        for group in groups {
            for (lane, next) in lanes.iter_mut().zip(group) {
                *lane = add(moved(*lane, BY_FOUR), register(number(next)));
            }
        }
        let [a, b, c, d] = lanes;
        block = add(add(moved(a, BY_THREE), moved(b, BY_TWO)), add(moved(c, BY_ONE), d));
        blocks = singles;
    }
    for next in blocks {
        block = add(moved(block, BY_ONE), register(number(next)));
    }
    remainder(block)
}

/// The first octets, at most sixteen, the very first one lowest.
fn first_octets(octets: &[u8]) -> u128 {
    if let Some(whole) = octets.first_chunk() {
        return number(whole);
    }
    // Two loads that overlap, rather than a loop.
    if let (Some(&low), Some(&high)) = (octets.first_chunk(), octets.last_chunk()) {
        let (low, high) = (u64::from_le_bytes(low), u64::from_le_bytes(high));
        return u128::from(low) | (u128::from(high) << bits(octets.len().wrapping_sub(8)));
    }
    if let (Some(&low), Some(&high)) = (octets.first_chunk(), octets.last_chunk()) {
        let (low, high) = (u32::from_le_bytes(low), u32::from_le_bytes(high));
        return u128::from(low) | (u128::from(high) << bits(octets.len().wrapping_sub(4)));
    }
    octets.iter().rev().fold(0, |above, &octet| (above << 8) | u128::from(octet))
}

/// Bits of so many octets, which are at most sixteen.
fn bits(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or_default().wrapping_mul(8)
}

/// The octets of a block, the first one lowest.
const fn number(block: &[u8; BLOCK]) -> u128 {
    u128::from_le_bytes(*block)
}

/// The octets of a block in a register.
#[target_feature(enable = "pclmulqdq")]
fn register(block: u128) -> __m128i {
    _mm_set_epi64x(lower_half(block >> 64), lower_half(block))
}

fn lower_half(block: u128) -> i64 {
    block.to_le_bytes().first_chunk().map_or(0, |half| i64::from_le_bytes(*half))
}

#[target_feature(enable = "pclmulqdq")]
fn add(a: __m128i, b: __m128i) -> __m128i {
    _mm_xor_si128(a, b)
}

/// What a block becomes when it is taken away.
#[target_feature(enable = "pclmulqdq")]
fn moved(block: __m128i, by: Factors) -> __m128i {
    let factors = _mm_set_epi64x(by.last, by.first);
    let first = _mm_clmulepi64_si128::<0x00>(block, factors);
    let last = _mm_clmulepi64_si128::<0x11>(block, factors);
    _mm_xor_si128(first, last)
}

/// What the last block, times x^16, leaves when it is divided by P.
#[target_feature(enable = "pclmulqdq")]
fn remainder(block: __m128i) -> u16 {
    let times = |word: u64, factor: i64| {
        let word = _mm_set_epi64x(0, word.cast_signed());
        let product = _mm_clmulepi64_si128::<0x00>(word, _mm_set_epi64x(0, factor));
        (first_half(product), last_half(product))
    };
    // Twice the first half is moved over the last one: 128 bits become 80, then 64.
    let (above, moved) = times(first_half(block), BY_NOTHING.first);
    let (_, moved_too) = times(above, BY_NOTHING.first);
    let rest = moved ^ moved_too ^ last_half(block);
    // Division (Barrett): the quotient by the reciprocal, then what it falls short by.
    let (quotient, _) = times(rest, RECIPROCAL);
    let quotient = rest ^ (quotient << 1);
    let (_, product) = times(quotient, BY_P);
    let [high, low, ..] = (product << 1).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[target_feature(enable = "pclmulqdq")]
fn first_half(block: __m128i) -> u64 {
    _mm_cvtsi128_si64(block).cast_unsigned()
}

#[target_feature(enable = "pclmulqdq")]
fn last_half(block: __m128i) -> u64 {
    _mm_cvtsi128_si64(_mm_unpackhi_epi64(block, block)).cast_unsigned()
}

/// What the halves of a block are multiplied by to move it.
#[derive(Clone, Copy)]
struct Factors {
    first: i64,
    last: i64,
}

const BY_NOTHING: Factors = Factors::over(0);
const BY_ONE: Factors = Factors::over(1);
const BY_TWO: Factors = Factors::over(2);
const BY_THREE: Factors = Factors::over(3);
const BY_FOUR: Factors = Factors::over(4);

impl Factors {
    /// Over so many blocks. Nothing is not moved at all, but its first half over its last.
    const fn over(blocks: u32) -> Self {
        let distance = blocks.wrapping_mul(128);
        let last = match distance.checked_sub(1) {
            Some(power) => power_of_x(power),
            None => 0,
        };
        Self { first: word(power_of_x(distance.wrapping_add(63))), last: word(last) }
    }
}

/// P without its highest power.
const P: u16 = 0x8408;
const BY_P: i64 = word(P);
/// x^80 divided by P, without the highest power.
const RECIPROCAL: i64 = {
    let mut quotient = 0_u64;
    let mut rest = P; // of x^16
    let mut power = 64_u32;
    while power > 0 {
        power = power.wrapping_sub(1);
        quotient = (quotient >> 1) | if rest & 1 == 1 { 1 << 63 } else { 0 };
        rest = times_x(rest);
    }
    quotient.cast_signed()
};

/// x^`power` mod P.
const fn power_of_x(power: u32) -> u16 {
    let mut rest = 0x8000; // 1
    let mut left = power;
    while left > 0 {
        left = left.wrapping_sub(1);
        rest = times_x(rest);
    }
    rest
}

/// `rest` times x mod P.
const fn times_x(rest: u16) -> u16 {
    if rest & 1 == 1 { (rest >> 1) ^ P } else { rest >> 1 }
}

/// A polynomial of less than sixteen powers as one of 64.
const fn word(polynomial: u16) -> i64 {
    i64::from_le_bytes({
        let [low, high] = polynomial.to_le_bytes();
        [0, 0, 0, 0, 0, 0, low, high]
    })
}
