//! How cost grows: in proportion to the octets, whatever they are. Counted in instructions.

use crate::valgrind::{count, heap};

const KIB: usize = 1024;

/// Instructions for a thousand octets.
fn rate(name: &str, size: usize) -> u64 {
    count(name, size) * 1000 / size as u64
}

#[test]
fn an_octet_costs_the_same_in_4_kib_and_in_64_mib() {
    for name in ["frames", "columns", "deciphered"] {
        let (small, large) = (rate(name, 4 * KIB), rate(name, 64 * KIB * KIB));
        assert!(large * 10 <= small * 11, "{name}: {small} then {large} for 1000 octets");
    }
}

#[test]
fn a_stream_in_two_parts_costs_a_fifth_more_at_most_wherever_it_is_cut() {
    let (whole, parts) = (count("frames_as_often", 4 * KIB), count("frames_in_two_parts", 4 * KIB));
    assert!(parts * 10 <= whole * 12, "{whole} whole, {parts} in two parts");
}

#[test]
fn crafted_noise_costs_at_most_twice_as_much_as_the_shortest_frames() {
    let frames = count("shortest_frames", 64 * KIB);
    for name in ["noise_of_flags", "noise_of_format_octets", "noise_of_headers"] {
        let noise = count(name, 64 * KIB);
        assert!(noise <= 2 * frames, "{name}: {noise}, frames: {frames}");
    }
}

#[test]
fn an_announced_count_of_2_to_the_32_costs_nothing() {
    let instructions = count("announced_elements", 0);
    assert!(instructions < 20_000, "{instructions}");
    let (nothing, announced) = (heap("nothing", 0), heap("announced_elements", 0));
    assert!(announced < nothing + 4 * KIB as u64, "{nothing} and {announced} octets");
}
