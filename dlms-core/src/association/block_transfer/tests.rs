//! Both sides in transcripts, and against each other over a medium that loses, doubles and delays.

use super::*;
use std::{collections::VecDeque, format, string::String, vec};

fn config(side: Side, window: u8) -> BlockTransferConfig {
    BlockTransferConfig {
        side,
        window,
        send_window_max: WINDOW_MAX,
        // Four octets in a block.
        max_send_pdu: 13,
        joined_len_max: 0x1_0000,
    }
}

fn client(window: u8, request: &[u8]) -> BlockTransfer {
    let mut client = BlockTransfer::new(config(Side::Client, window));
    client.send(request.to_vec()).unwrap();
    client
}

fn server(window: u8) -> BlockTransfer {
    BlockTransfer::new(config(Side::Server, window))
}

/// Everything that goes out now, in hexadecimal.
fn sent(machine: &mut BlockTransfer) -> Vec<String> {
    let mut out = Vec::new();
    let mut all = Vec::new();
    while machine.poll_transmit(&mut out) {
        all.push(out.iter().map(|octet| format!("{octet:02x}")).collect());
    }
    all
}

fn hear(machine: &mut BlockTransfer, hex: &str) -> Result<Option<Vec<u8>>, TransferFault> {
    let octets: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    let Ok(block) = GeneralBlockTransfer::decode(&octets) else { panic!("{hex} is no block") };
    machine.handle_block(&block)
}

#[test]
fn a_short_request_tells_the_window_and_the_answer_comes_streaming() {
    let mut client = client(2, &[0xc0, 0x01]);
    assert_eq!(sent(&mut client), ["e0820001000002c001"]);

    let mut server = server(1);
    assert_eq!(hear(&mut server, "e0820001000002c001"), Ok(Some(vec![0xc0, 0x01])));
    server.send(vec![1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    assert_eq!(sent(&mut server), ["e041000100010401020304", "e001000200010405060708"]);

    assert_eq!(hear(&mut client, "e041000100010401020304"), Ok(None));
    assert!(!client.has_outgoing());
    assert_eq!(hear(&mut client, "e001000200010405060708"), Ok(None));
    assert_eq!(sent(&mut client), ["e0820002000200"], "nothing to send, has 2, takes 2");

    assert_eq!(hear(&mut server, "e0820002000200"), Ok(None));
    assert_eq!(sent(&mut server), ["e0810003000201 09".replace(' ', "")]);
    let answer = vec![1, 2, 3, 4, 5, 6, 7, 8, 9];
    assert_eq!(hear(&mut client, "e081000300020109"), Ok(Some(answer)));
    assert!(!client.has_outgoing() && !server.has_outgoing());
}

#[test]
fn the_acknowledgement_of_the_field_is_the_third_block_of_its_side() {
    // Seen between a head-end and a meter: E0 83 0003 0006 00.
    let mut client = client(3, &[0xc0]);
    sent(&mut client);
    for (number, streaming) in [(1, "43"), (2, "43"), (3, "03"), (4, "43"), (5, "43"), (6, "03")] {
        let block = format!("e0{streaming}{number:04x}0001 01 aa").replace(' ', "");
        assert_eq!(hear(&mut client, &block), Ok(None));
        match number {
            3 => assert_eq!(sent(&mut client), ["e0830002000300"]),
            6 => assert_eq!(sent(&mut client), ["e0830003000600"]),
            _ => assert!(!client.has_outgoing()),
        }
    }
}

#[test]
fn a_long_request_waits_for_the_window_that_the_server_tells() {
    let request: Vec<u8> = (1..=20).collect();
    let mut client = client(1, &request);
    // Nothing is known about the server yet: one block.
    assert_eq!(sent(&mut client), ["e001000100000401020304"]);
    let mut server = server(3);
    assert_eq!(hear(&mut server, "e001000100000401020304"), Ok(None));
    assert_eq!(sent(&mut server), ["e0030001000100"], "not the last: the answer is to come");
    assert_eq!(hear(&mut client, "e0030001000100"), Ok(None));
    let go = sent(&mut client);
    assert_eq!(go, ["e041000200010405060708", "e0410003000104090a0b0c", "e00100040001040d0e0f10"]);
    for block in go {
        assert_eq!(hear(&mut server, &block), Ok(None));
    }
    assert_eq!(sent(&mut server), ["e0030002000400"]);
    assert_eq!(hear(&mut client, "e0030002000400"), Ok(None));
    assert_eq!(sent(&mut client), ["e0810005000204 11121314".replace(' ', "")]);
    assert_eq!(
        hear(&mut server, "e08100050002 0411121314".replace(' ', "").as_str()),
        Ok(Some(request))
    );
    server.send(vec![0xc5]).unwrap();
    assert_eq!(sent(&mut server), ["e0830003000501c5"], "the answer acknowledges the request");
    assert_eq!(hear(&mut client, "e0830003000501c5"), Ok(Some(vec![0xc5])));
}

#[test]
fn a_client_goes_on_once_for_each_acknowledgement_and_never_back() {
    let mut client = client(1, &[0x55; 40]);
    assert_eq!(sent(&mut client).len(), 1);
    // The server has 1 and takes two.
    assert_eq!(hear(&mut client, "e0020001000100"), Ok(None));
    assert_eq!(sent(&mut client).len(), 2);
    // The line doubles what the server said.
    assert_eq!(hear(&mut client, "e0020001000100"), Ok(None));
    assert!(!client.has_outgoing());
    assert_eq!(hear(&mut client, "e0020002000300"), Ok(None));
    assert_eq!(sent(&mut client).len(), 2);
    // What it said first comes once more, late.
    assert_eq!(hear(&mut client, "e0020001000100"), Ok(None));
    assert!(!client.has_outgoing());
}

#[test]
fn no_go_is_longer_than_the_own_line_allows_or_shorter_than_a_block() {
    let turned_round = BlockTransferConfig { send_window_max: 1, ..config(Side::Client, 1) };
    let mut client = BlockTransfer::new(turned_round);
    client.send(vec![0x55; 40]).unwrap();
    assert_eq!(sent(&mut client).len(), 1);
    assert_eq!(hear(&mut client, "e0060001000100"), Ok(None), "it takes six");
    assert_eq!(sent(&mut client).len(), 1);
    assert_eq!(hear(&mut client, "e0000002000200"), Ok(None), "it takes none, it says");
    assert_eq!(sent(&mut client).len(), 1);
}

#[test]
fn a_gap_is_filled_alone_and_then_the_window_is_the_old_one() {
    let mut client = client(4, &[0xc0]);
    sent(&mut client);
    assert_eq!(hear(&mut client, "e044000100010101"), Ok(None));
    // Block 2 is lost.
    assert_eq!(hear(&mut client, "e044000300010103"), Ok(None));
    assert_eq!(hear(&mut client, "e004000400010104"), Ok(None));
    assert_eq!(sent(&mut client), ["e0810002000100"], "has 1, takes one block");
    assert_eq!(hear(&mut client, "e004000200020102"), Ok(None));
    assert_eq!(sent(&mut client), ["e0840003000400"], "has 4, takes four blocks");
    assert_eq!(hear(&mut client, "e084000500030105"), Ok(Some(vec![1, 2, 3, 4, 5])));
}

#[test]
fn a_gap_that_nobody_fills_ends_the_transfer() {
    let mut client = client(2, &[0xc0]);
    sent(&mut client);
    // Block 1 never comes; others do.
    for number in 2..2 + u16::from(RECOVERIES_MAX) {
        let block = format!("e002{number:04x}00010101");
        assert_eq!(hear(&mut client, &block), Ok(None), "{number}");
        assert_eq!(sent(&mut client).len(), 1);
    }
    assert_eq!(hear(&mut client, "e0020014000101aa"), Err(TransferFault::Missing(1)));
}

#[test]
fn an_empty_block_where_one_with_data_is_due_ends_the_transfer() {
    let mut client = client(1, &[0xc0]);
    sent(&mut client);
    assert_eq!(hear(&mut client, "e001000100010101"), Ok(None));
    assert_eq!(
        hear(&mut client, "e081000200010 0".replace(' ', "").as_str()),
        Err(TransferFault::Empty(2))
    );
}

#[test]
fn no_block_is_kept_that_is_further_ahead_than_the_widest_window() {
    let mut client = client(1, &[0xc0]);
    sent(&mut client);
    assert_eq!(hear(&mut client, "e0410001000101aa"), Ok(None));
    // After block 1, blocks 2 to 64 are in the widest window.
    for number in [64, 65, 0xffff, 63] {
        assert_eq!(hear(&mut client, &format!("e041{number:04x}000101aa")), Ok(None));
    }
    let kept: Vec<u16> = client.receiving.ahead.keys().copied().collect();
    assert_eq!(kept, [63, 64]);
}

#[test]
fn what_was_never_sent_cannot_be_acknowledged() {
    let mut client = client(1, &[0xc0]);
    sent(&mut client);
    assert_eq!(hear(&mut client, "e0010001000200"), Err(TransferFault::Acknowledged(2)));
}

#[test]
fn nothing_comes_behind_the_last_block() {
    let mut client = client(4, &[0xc0]);
    sent(&mut client);
    assert_eq!(hear(&mut client, "e084000300010103"), Ok(None));
    assert_eq!(hear(&mut client, "e004000400010104"), Err(TransferFault::BehindLast(4)));
}

#[test]
fn the_server_says_again_what_it_said_and_the_client_is_silent_about_what_it_has() {
    let mut server = server(1);
    let request = "e0810001000002c301";
    assert_eq!(hear(&mut server, request), Ok(Some(vec![0xc3, 0x01])));
    server.send(vec![0xc7, 0x00]).unwrap();
    let answer = sent(&mut server);
    // The answer was lost and the request comes again: it is no new one.
    let octets = [0xc3, 0x01];
    let block = GeneralBlockTransfer {
        last: true,
        streaming: false,
        window: 1,
        number: 1,
        acknowledged: 0,
        octets: &octets,
    };
    assert!(server.is_repeated_first(&block));
    assert_eq!(hear(&mut server, request), Ok(None));
    assert_eq!(sent(&mut server), answer);

    let mut client = client(1, &[0xc0]);
    sent(&mut client);
    let first = "e001000100010101";
    assert_eq!(hear(&mut client, first), Ok(None));
    assert_eq!(sent(&mut client).len(), 1);
    assert_eq!(hear(&mut client, first), Ok(None));
    assert!(!client.has_outgoing(), "it came twice");
}

#[test]
fn a_client_without_answer_repeats_its_last_block_or_its_acknowledgement() {
    let mut client = client(2, &[1, 2, 3, 4, 5]);
    let first = sent(&mut client);
    assert!(client.handle_timeout(1));
    assert_eq!(sent(&mut client), first);
    assert!(!client.handle_timeout(1), "that was all");

    // Something moves: it may try again.
    assert_eq!(hear(&mut client, "e0010001000100"), Ok(None));
    assert_eq!(sent(&mut client), ["e0820002000101 05".replace(' ', "")]);
    assert_eq!(hear(&mut client, "e001000200020101"), Ok(None));
    assert_eq!(sent(&mut client), ["e0820003000200"]);
    assert!(client.handle_timeout(1));
    assert_eq!(sent(&mut client), ["e0820003000200"], "with the number that it had");
    assert!(!client.handle_timeout(1));
}

#[test]
fn an_apdu_of_more_blocks_than_there_are_numbers_is_refused_before_anything_is_sent() {
    let mut client = BlockTransfer::new(config(Side::Client, 1));
    assert_eq!(client.send(vec![0; 4 * 65_534]), Err(TransferFault::TooLong));
    assert_eq!(client.send(vec![0; 4 * 65_533]), Ok(()));
    let mut small =
        BlockTransfer::new(BlockTransferConfig { joined_len_max: 5, ..config(Side::Server, 1) });
    assert_eq!(hear(&mut small, "e001000100000401020304"), Ok(None));
    assert_eq!(hear(&mut small, "e00100020000020506"), Err(TransferFault::TooLong));
}

/// Chance that repeats itself (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Octets on their way, with the time at which they arrive.
type Medium = Vec<(u64, Vec<u8>)>;

/// Hands an APDU to a medium that loses one in `loss`, doubles some, and delays each.
fn hand_over(medium: &mut Medium, now: u64, apdu: &[u8], loss: u64, chance: &mut Chance) {
    for _ in 0..if chance.below(6) == 0 { 2 } else { 1 } {
        if loss == 0 || chance.below(loss) != 0 {
            medium.push((now + 1 + chance.below(12), apdu.to_vec()));
        }
    }
}

fn arrived(medium: &mut Medium, now: u64) -> VecDeque<Vec<u8>> {
    let (there, under_way) = medium.drain(..).partition(|(at, _)| *at <= now);
    *medium = under_way;
    let mut there: Medium = there;
    there.sort_by_key(|(at, _)| *at);
    there.into_iter().map(|(_, apdu)| apdu).collect()
}

/// One exchange. Returns what the client got and how often the server executed the request.
fn exchange(seed: u64, loss: u64) -> (Option<Vec<u8>>, Vec<u8>, usize) {
    let mut chance = Chance(seed * 0x9e37_79b9 + 1);
    let request: Vec<u8> = (0..1 + chance.below(80)).map(|at| at as u8).collect();
    let answer: Vec<u8> = (0..1 + chance.below(200)).map(|at| !(at as u8)).collect();
    let mut client = client(1 + chance.below(7) as u8, &request);
    let mut server = server(1 + chance.below(7) as u8);
    let (mut to_server, mut to_client) = (Medium::new(), Medium::new());
    let mut executed = 0;
    let mut out = Vec::new();
    let mut quiet_since = 0;
    for now in 0..200_000 {
        while client.poll_transmit(&mut out) {
            hand_over(&mut to_server, now, &out, loss, &mut chance);
            quiet_since = now;
        }
        for apdu in arrived(&mut to_server, now) {
            let block = GeneralBlockTransfer::decode(&apdu).unwrap();
            match server.handle_block(&block) {
                Ok(Some(joined)) => {
                    assert_eq!(joined, request);
                    executed += 1;
                    server.send(answer.clone()).unwrap();
                }
                Ok(None) => {}
                Err(TransferFault::Missing(_)) => return (None, answer, executed),
                Err(fault) => panic!("seed {seed}: {fault}"),
            }
            while server.poll_transmit(&mut out) {
                hand_over(&mut to_client, now, &out, loss, &mut chance);
            }
        }
        for apdu in arrived(&mut to_client, now) {
            let block = GeneralBlockTransfer::decode(&apdu).unwrap();
            match client.handle_block(&block) {
                Ok(Some(joined)) => return (Some(joined), answer, executed),
                Ok(None) => quiet_since = now,
                Err(TransferFault::Missing(_)) => return (None, answer, executed),
                Err(fault) => panic!("seed {seed}: {fault}"),
            }
        }
        if now > quiet_since + 40 {
            quiet_since = now;
            if !client.handle_timeout(40) {
                return (None, answer, executed);
            }
        }
    }
    panic!("seed {seed}: a deadlock");
}

#[test]
fn over_a_medium_that_delays_and_doubles_every_exchange_succeeds_and_happens_once() {
    for seed in 0..400 {
        let (received, answer, executed) = exchange(seed, 0);
        assert_eq!((received, executed), (Some(answer), 1), "seed {seed}");
    }
}

#[test]
fn over_a_medium_that_loses_too_nothing_happens_twice_and_nothing_hangs() {
    let mut came_through = 0;
    for seed in 0..400 {
        let (received, answer, executed) = exchange(seed, 5);
        assert!(executed <= 1, "seed {seed}");
        if let Some(received) = received {
            assert_eq!((received, executed), (answer, 1), "seed {seed}");
            came_through += 1;
        }
    }
    // One in five is lost, in both directions.
    assert!(came_through >= 390, "{came_through} of 400");
}

#[test]
fn over_a_dead_medium_the_client_gives_up() {
    assert_eq!(exchange(7, 1).0, None);
}

proptest::proptest! {
    #[test]
    fn whatever_blocks_come_an_exchange_ends_and_happens_once(
        octets in proptest::collection::vec(
            proptest::prop_oneof![0..6_u8, proptest::prelude::any::<u8>()],
            0..300,
        ),
    ) {
        crate::fuzzing::block_transfer(&octets);
    }
}
