//! Ten mebibytes of anything cost a parser at most 64 MiB of memory, and time in proportion.
//!
//! The parsers are told nothing of where octets come from; what a line can bring is less, from what
//! a wrapper's header can announce to the blocks that an association joins. Here each gets ten
//! mebibytes at once, of what is worst for it: nesting, counts that nothing bears out, values that
//! take no octet.

use core::{fmt, time::Duration};
use std::sync::{Arc, Mutex};

use dlms_core::{
    axdr::{CompactArrayRules, Data, DataBuf, RawData, Reader},
    mbus::{self, MbusSegments},
    push::{Patterns, scalar_count},
    security::decode_head,
    wrapper,
    xdlms::{Apdu, GeneralBlockTransfer, PushedBlocks},
};
use dlms_tests::Random;
use dlms_tokio::HdlcServerConfig;
use dlms_xml::Style;
use hdlc::{
    address::Address,
    control::{Control, Sequence},
    deframer::{Deframer, OnError},
    frame::{FRAME_LEN_MAX, Frame},
};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};
use simulator::{AnswerConfig, Meter, MeterConfig, serve_hdlc_stream, serve_wrapper_stream};
use tokio::{
    io::{self, AsyncWriteExt, DuplexStream},
    runtime,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
const INPUT_LEN: usize = 10 * MIB;
/// With the input itself.
const MEMORY_MAX: usize = 64 * MIB;
/// An eighth of the input; in proportion, ten mebibytes take eight times as long.
const PART_LEN: usize = INPUT_LEN / 8;
/// Three times that is for caches, and for what the machine does beside. Where time grows with the
/// square, it is eight times that.
const TIMES_MAX: u32 = 24;
/// So little time says nothing.
const TIME_MIN: Duration = Duration::from_millis(20);

/// What a parser is given: about so many octets.
struct Bomb {
    name: &'static str,
    octets: fn(usize) -> Vec<u8>,
}

/// A parser, and what it is given.
struct Parser {
    name: &'static str,
    parse: fn(&[u8]),
    bombs: &'static [Bomb],
}

const fn bomb(name: &'static str, octets: fn(usize) -> Vec<u8>) -> Bomb {
    Bomb { name, octets }
}

/// `head`, then `octets` until there are about `length`.
fn filled(head: &[u8], octets: &[u8], length: usize) -> Vec<u8> {
    let mut all = head.to_vec();
    all.extend(octets.repeat(length / octets.len()));
    all.truncate(length);
    all
}

/// `head`, a count of the items that follow, and items.
fn counted(head: &[u8], item: &[u8], length: usize) -> Vec<u8> {
    let count = u32::try_from(length / item.len()).expect("a small number");
    [head, &[0x84], &count.to_be_bytes(), &item.repeat(count as usize)].concat()
}

fn noise(length: usize) -> Vec<u8> {
    Random::new(1).octets(64 * 1024).repeat(length / (64 * 1024))
}

/// Values that have their types with them.
const TAGGED: &[Bomb] = &[
    bomb("null-data in an array", |length| counted(&[0x01], &[0x00], length)),
    bomb("empty arrays in an array", |length| counted(&[0x01], &[0x01, 0x00], length)),
    bomb("empty strings in a structure", |length| counted(&[0x02], &[0x09, 0x00], length)),
    bomb("arrays of one in an array", |length| counted(&[0x01], &[0x01, 0x01, 0x00], length)),
    bomb("arrays in arrays", |length| filled(&[], &[0x01, 0x01], length)),
    bomb("two arrays in each array", |length| filled(&[], &[0x01, 0x02], length)),
    bomb("an array that announces 2^32 values", |length| {
        filled(&[0x01, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x00], length)
    }),
    bomb("strings that announce 2^32 octets", |length| {
        counted(&[0x01], &[0x09, 0x84, 0xff, 0xff, 0xff, 0xff], length)
    }),
    bomb("noise", noise),
];

/// Compact-arrays.
const COMPACT: &[Bomb] = &[
    bomb("a compact-array of bytes", |length| counted(&[0x13, 0x11], &[0x07], length)),
    bomb("a compact-array of nothing", |length| counted(&[0x13, 0x00], &[0x00], length)),
    bomb("a compact-array of arrays of 2^32 nothings", |length| {
        counted(&[0x13, 0x01, 0xff, 0xff, 0x01, 0xff, 0xff, 0x00], &[0x00], length)
    }),
    bomb("a compact-array of an octet and 2^16 nothings", |length| {
        counted(&[0x13, 0x02, 0x02, 0x11, 0x01, 0xff, 0xff, 0x00], &[0x00], length)
    }),
    bomb("a compact-array of empty strings", |length| counted(&[0x13, 0x09], &[0x00], length)),
    bomb("type descriptions in type descriptions", |length| filled(&[0x13], &[0x02, 0x01], length)),
    bomb("a type description of 2^24 members", |length| {
        filled(&[0x13, 0x02, 0x83, 0xff, 0xff, 0xff], &[0x00], length)
    }),
    bomb("compact-arrays in an array", |length| {
        counted(&[0x01], &[0x13, 0x02, 0x02, 0x11, 0x12, 0x03, 1, 2, 3], length)
    }),
];

/// Bodies of pushes, beside the values.
const BODIES: &[Bomb] = &[
    bomb("names and values", |length| {
        counted(&[0x02], &[0x09, 6, 1, 0, 1, 8, 0, 255, 0x11, 7], length)
    }),
    bomb("an object list and its values", |length| {
        let count = length / 26;
        let entry = [0x02, 4, 0x12, 0, 3, 0x09, 6, 1, 0, 1, 8, 0, 255, 0x0f, 3, 0x12, 0, 0];
        let list = counted(&[0x01], &entry, count * entry.len());
        let values = [0x02, 2, 0x0f, 0, 0x16, 30].repeat(count);
        let count = u32::try_from(count + 1).expect("a small number").to_be_bytes();
        [&[0x02, 0x84][..], &count, &list, &values].concat()
    }),
    bomb("entries without types", |length| {
        counted(&[0x01], &[0x02, 2, 1, 0, 1, 8, 0, 255, 0x11, 7], length)
    }),
];

/// APDUs with a list of their own.
const LISTS: &[Bomb] = &[
    bomb("get-request", |length| {
        counted(&[0xc0, 3, 0xc1], &[0, 3, 1, 0, 1, 8, 0, 255, 2, 0], length)
    }),
    bomb("get-response", |length| counted(&[0xc4, 3, 0xc1], &[1, 4], length)),
    bomb("get-response with values", |length| counted(&[0xc4, 3, 0xc1], &[0, 0], length)),
    bomb("set-request", |length| {
        counted(&[0xc1, 4, 0xc1], &[0, 3, 1, 0, 1, 8, 0, 255, 2, 0], length)
    }),
    bomb("set-response", |length| counted(&[0xc5, 5, 0xc1], &[0], length)),
    bomb("action-request", |length| {
        counted(&[0xc3, 3, 0xc1], &[0, 3, 1, 0, 1, 8, 0, 255, 2], length)
    }),
    bomb("action-response", |length| counted(&[0xc7, 3, 0xc1], &[0, 0], length)),
    bomb("action-response that announces 2^32", |length| {
        filled(&[0xc7, 3, 0xc1, 0x84, 0xff, 0xff, 0xff, 0xff], &[0], length)
    }),
    bomb("access-request", |length| {
        counted(&[0xd9, 0, 0, 0, 1, 0], &[1, 0, 3, 1, 0, 1, 8, 0, 255, 2], length)
    }),
    bomb("read-request", |length| counted(&[0x05], &[2, 0x0f, 0xa0], length)),
    bomb("read-response", |length| counted(&[0x0c], &[1, 4], length)),
    bomb("write-response", |length| counted(&[0x0d], &[0], length)),
    bomb("data-notification of arrays in arrays", |length| {
        filled(&[0x0f, 0, 0, 0, 1, 0], &[1, 1], length)
    }),
    bomb("data-notification of nothing", |length| counted(&[0x0f, 0, 0, 0, 1, 0, 1], &[0], length)),
    bomb("a block", |length| counted(&[0xc4, 2, 0xc1, 0, 0, 0, 0, 1, 0], &[0], length)),
    bomb("noise", noise),
];

/// APDUs of ACSE.
const ASSOCIATIONS: &[Bomb] = &[
    bomb("fields that nobody knows", |length| counted(&[0x60], &[0x41, 0], length)),
    bomb("one field again and again", |length| counted(&[0x61], &[0xbe, 0], length)),
    bomb("fields in fields", |length| counted(&[0x60], &[0xa1, 0x80], length)),
    bomb("a long tag", |length| counted(&[0x62], &[0xff], length)),
    bomb("an endless name", |length| {
        let inside = length - 16;
        let field = counted(&[0xa1], &[0x06], inside);
        let whole = u32::try_from(field.len()).expect("a small number").to_be_bytes();
        [&[0x60, 0x84][..], &whole, &field].concat()
    }),
];

const PARSERS: &[Parser] = &[
    Parser {
        name: "HDLC frames",
        parse: |octets| {
            for policy in [OnError::Resync, OnError::Report] {
                let mut deframer = Deframer::new(policy);
                while deframer.next_frame(octets).is_some() {}
            }
        },
        bombs: &[
            bomb("flags", |length| filled(&[], &[0x7e], length)),
            bomb("headers of long frames", |length| filled(&[], &[0x7e, 0xa7, 0xff], length)),
            bomb("flags and formats", |length| filled(&[], &[0x7e, 0xa0], length)),
            bomb("the shortest frames", |length| {
                filled(&[], &[0x7e, 0xa0, 7, 3, 0x21, 0x93, 0x0f, 1], length)
            }),
            bomb("no flag", |length| filled(&[], &[0x00], length)),
            bomb("noise", noise),
        ],
    },
    Parser {
        name: "the wrapper",
        parse: |mut octets| {
            while let Some(Ok(frame)) = wrapper::next_frame(octets) {
                octets = &octets[frame.consumed()..];
            }
        },
        bombs: &[
            bomb("empty frames", |length| filled(&[], &[0, 1, 0, 1, 0, 16, 0, 0], length)),
            bomb("an announced length", |length| {
                filled(&[0, 1, 0, 1, 0, 16, 0xff, 0xff], &[0], length)
            }),
            bomb("noise", noise),
        ],
    },
    Parser {
        name: "M-Bus",
        parse: |mut octets| {
            let mut segments = MbusSegments::new();
            loop {
                let taken = match mbus::next_frame(octets) {
                    None => break,
                    Some(Ok(frame)) => {
                        let _ = segments.take(&frame);
                        frame.consumed()
                    }
                    Some(Err(_)) => mbus::resynchronize(octets),
                };
                octets = &octets[taken.max(1)..];
            }
        },
        bombs: &[
            bomb("start octets", |length| filled(&[], &[0x68], length)),
            bomb("headers", |length| filled(&[], &[0x68, 0xfa, 0xfa, 0x68], length)),
            bomb("first segments", |length| {
                let frame = [0x68, 6, 6, 0x68, 0x53, 0xff, 0x00, 1, 0x67, 0x0f, 0xc9, 0x16];
                filled(&[], &frame, length)
            }),
            bomb("noise", noise),
        ],
    },
    Parser {
        name: "A-XDR",
        parse: |octets| {
            let mut reader = Reader::new(octets);
            if let Ok(raw) = RawData::decode(&mut reader) {
                let data = raw.data().expect("it was walked");
                let _ = scalar_count(&data);
            }
        },
        bombs: TAGGED,
    },
    Parser {
        name: "an owned value",
        parse: |octets| {
            if let Ok(data) = Data::decode(&mut Reader::new(octets)) {
                let _: Result<DataBuf, _> = data.to_buf();
            }
        },
        bombs: TAGGED,
    },
    Parser {
        name: "the elements of a compact-array",
        parse: |octets| {
            let Ok(Data::CompactArray(array)) = Data::decode(&mut Reader::new(octets)) else {
                return;
            };
            for rules in [CompactArrayRules::Standard, CompactArrayRules::CountInContents] {
                if let Ok(elements) = array.elements_by(rules) {
                    elements.take_while(Result::is_ok).for_each(drop);
                }
            }
        },
        bombs: COMPACT,
    },
    Parser { name: "a push body", parse: push_body, bombs: TAGGED },
    Parser { name: "a push body of compact-arrays", parse: push_body, bombs: COMPACT },
    Parser { name: "a push body with names", parse: push_body, bombs: BODIES },
    Parser { name: "an APDU", parse: |octets| drop(Apdu::decode(octets)), bombs: LISTS },
    Parser { name: "ACSE", parse: |octets| drop(Apdu::decode(octets)), bombs: ASSOCIATIONS },
    Parser {
        name: "the head of a ciphered APDU",
        parse: |octets| drop(decode_head(octets)),
        bombs: &[
            bomb("a long title", |length| counted(&[0xdb], &[0], length)),
            bomb("a long transaction", |length| counted(&[0xdd], &[0], length)),
            bomb("a long signature", |length| counted(&[0xdf, 0, 0, 0, 0, 0, 0], &[0], length)),
            bomb("a long text", |length| counted(&[0xdb, 0], &[0x30], length)),
            bomb("an announced length", |length| {
                filled(&[0xc8, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30], length)
            }),
        ],
    },
    Parser {
        name: "blocks of a push",
        parse: |octets| {
            let mut pushed = PushedBlocks::new();
            for apdu in octets.chunks(8) {
                if let Ok(block) = GeneralBlockTransfer::decode(apdu) {
                    let _ = pushed.take(&block);
                }
            }
        },
        bombs: &[
            bomb("a block that never ends", |length| {
                let block = |number: usize| {
                    let [.., high, low] = number.to_be_bytes();
                    [0xe0, 0x40, high, low, 0, 0, 1, 7]
                };
                (1..=length / 8).flat_map(block).collect()
            }),
            bomb("first blocks", |length| filled(&[], &[0xe0, 0x40, 0, 1, 0, 0, 1, 7], length)),
            bomb("noise", noise),
        ],
    },
    Parser {
        name: "a meter on an HDLC line",
        parse: |octets| {
            serve(octets, async |meter, line| {
                let config = HdlcServerConfig::default();
                let _ = serve_hdlc_stream(meter, line, AnswerConfig::default(), &config).await;
            });
        },
        bombs: &[
            bomb("links opened anew", |length| {
                filled(&[], &[frame(SNRM, false, &[]), vec![0x7e; 200]].concat(), length)
            }),
            bomb("a PDU that never ends", |length| {
                let segment = [&[0xe6, 0xe6, 0x00][..], &[0; 100]].concat();
                on_a_link(length, |number| frame(information(number), true, &segment))
            }),
            bomb("APDUs that are none", |length| {
                on_a_link(length, |number| {
                    let none = [&[0xe6, 0xe6, 0x00][..], &[0xff; 100]].concat();
                    frame(information(number), false, &none)
                })
            }),
            bomb("requests without an association", |length| {
                on_a_link(length, |number| {
                    let item = [0, 1, 0, 0, 42, 0, 0, 255, 2, 0];
                    let head = [0xe6, 0xe6, 0x00, 0xc0, 3, 0xc1, 11];
                    frame(information(number), false, &[&head[..], &item.repeat(11)].concat())
                })
            }),
            bomb("frames out of their order", |length| {
                on_a_link(length, |number| frame(information(number * 3), true, &[0; 100]))
            }),
            bomb("noise", noise),
        ],
    },
    Parser {
        name: "a meter on a wrapper line",
        parse: |octets| {
            serve(octets, async |meter, line| {
                let _ = serve_wrapper_stream(meter, line, AnswerConfig::default()).await;
            });
        },
        bombs: &[
            bomb("AARQs of noise", |length| {
                let apdu = [&[0x60, 0x81, 0xc8][..], &Random::new(2).octets(200)].concat();
                filled(&[], &wrapped(&apdu), length)
            }),
            bomb("associations opened anew", |length| {
                filled(&[], &[wrapped(AARQ), wrapped(&[0xff; 400])].concat(), length)
            }),
            bomb("general blocks that never end", |length| {
                associated(length, |number| {
                    let [.., high, low] = number.to_be_bytes();
                    [&[0xe0, 0x41, high, low, 0, 0, 0x82, 0x03, 0x84][..], &[0; 900]].concat()
                })
            }),
            bomb("first general blocks", |length| {
                let head = [0xe0, 0x41, 0, 1, 0, 0, 0x82, 0x03, 0x84];
                associated(length, |_| [&head[..], &[0; 900]].concat())
            }),
            bomb("a SET in blocks that never ends", |length| {
                associated(length, |number| {
                    let name = [0, 1, 0, 0, 96, 10, 1, 255, 2, 0];
                    let number = u32::try_from(number).expect("a small number").to_be_bytes();
                    let head = match number {
                        [0, 0, 0, 1] => [&[0xc1, 2, 0xc1][..], &name].concat(),
                        _ => vec![0xc1, 3, 0xc1],
                    };
                    let block = [&[0][..], &number, &[0x82, 0x03, 0x84], &[0; 900]].concat();
                    [head, block].concat()
                })
            }),
            bomb("a GET in blocks begun again and again", |length| {
                let get = [0xc0, 1, 0xc1, 0, 15, 0, 0, 40, 0, 0, 255, 2, 0];
                associated(length, |_| [&get[..], &[0; 900]].concat())
            }),
            bomb("lists of unknown objects", |length| {
                let item = [0, 3, 9, 9, 9, 9, 9, 9, 2, 0];
                let request = [&[0xc0, 3, 0xc1, 90][..], &item.repeat(90)].concat();
                associated(length, |_| request.clone())
            }),
            bomb("noise", noise),
        ],
    },
    Parser {
        name: "an APDU into XML",
        parse: |octets| {
            for style in [Style::Short, Style::Asn1] {
                let _ = dlms_xml::decode(octets, style);
                // What it does not refuse for its length alone.
                let part = &octets[..octets.len().min(dlms_xml::APDU_LEN_MAX)];
                let _ = dlms_xml::decode(part, style);
            }
        },
        bombs: LISTS,
    },
    Parser {
        name: "XML",
        parse: |octets| {
            if let Ok(text) = core::str::from_utf8(octets) {
                let _ = dlms_xml::encode(text);
            }
        },
        bombs: &[
            bomb("elements in elements", |length| {
                let head = b"<GetResponse><GetResponseNormal><InvokeIdAndPriority Value='1'/>\
                             <Result><Data>";
                filled(head, b"<Array>", length)
            }),
            bomb("messages", |length| filled(b"<Messages>", b"<ReadRequest/>", length)),
            bomb("a list", |length| filled(b"<WriteResponse>", b"<Success/>", length)),
            bomb("a list of values", |length| {
                let head = b"<WriteRequest><ListOfVariableAccessSpecification/><ListOfData>";
                filled(head, b"<Array/>", length)
            }),
            bomb("attributes", |length| filled(b"<ReadRequest", b" a='1'", length)),
            bomb("different attributes", |length| {
                let attribute = |number| format!(" a{number}='1'");
                let all: String = (0..length / 14).map(attribute).collect();
                format!("<ReadRequest{all}/>").into_bytes()
            }),
            bomb("text", |length| filled(b"<ReadRequest>", b"text ", length)),
            bomb("references", |length| filled(b"<ReadRequest>", b"&amp;", length)),
            bomb("a comment", |length| filled(b"<!--", b" -", length)),
            bomb("comments", |length| filled(b"", b"<!---->", length)),
            bomb("digits", |length| {
                let head = b"<glo_GetRequest Value='";
                [&filled(head, b"00", length - length % 2 - 1)[..], b"'/>"].concat()
            }),
            bomb("open tags", |length| filled(b"", b"<", length)),
            bomb("a document type", |length| {
                filled(b"<!DOCTYPE a [", b"<!ENTITY b '&b;'>", length)
            }),
        ],
    },
];

const SNRM: Control = Control::Snrm { pf: true };
/// An AARQ of the public client without authentication, with block transfers of every kind.
const AARQ: &[u8] = &[
    0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xbe, 0x10, 0x04,
    0x0e, 0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x60, 0xfe, 0xdf, 0x04, 0x00,
];

/// A frame of the public client to the meter.
fn frame(control: Control, segmented: bool, information: &[u8]) -> Vec<u8> {
    let (destination, source) = (Address::MANAGEMENT, Address::PUBLIC_CLIENT);
    let frame = Frame { destination, source, control, segmented, information };
    let mut octets = [0; FRAME_LEN_MAX];
    let length = frame.encode(&mut octets).expect("a short frame");
    octets[..length].to_vec()
}

/// The control field of the I-frame with this number, by a client that acknowledges nothing.
fn information(number: usize) -> Control {
    let ns = (0..number % 8).fold(Sequence::ZERO, |sequence, _| sequence.next());
    Control::I { ns, nr: Sequence::ZERO, pf: true }
}

/// A link, and frames on it by their numbers from 0, whose numbers on the line go round.
fn on_a_link(length: usize, frame_of: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let round: Vec<u8> = (0..8).flat_map(frame_of).collect();
    filled(&frame(SNRM, false, &[]), &round, length)
}

/// An APDU of the public client to logical device 1.
fn wrapped(apdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(apdu.len()).expect("a short APDU").to_be_bytes();
    [&[0, 1, 0, 16, 0, 1][..], &length, apdu].concat()
}

/// An association, and APDUs in it by their numbers from 1.
fn associated(length: usize, apdu: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut all = wrapped(AARQ);
    for number in 1.. {
        if all.len() >= length {
            break;
        }
        all.extend(wrapped(&apdu(number)));
    }
    all
}

/// Says `octets` on a line to a simulated meter that is served by `serving`, and takes whatever it
/// answers.
fn serve(octets: &[u8], serving: impl AsyncFnOnce(Arc<Mutex<Meter>>, DuplexStream)) {
    let meter = Arc::new(Mutex::new(Meter::new(1000, Arc::new(MeterConfig::default()))));
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (ours, its) = io::duplex(64 * 1024);
        let (mut answers, mut questions) = io::split(ours);
        let asking = async {
            // A meter may hang up on what is no frame.
            let _ = questions.write_all(octets).await;
            let _ = questions.shutdown().await;
        };
        let mut nowhere = io::sink();
        let hearing = io::copy(&mut answers, &mut nowhere);
        let _ = tokio::join!(serving(meter, its), asking, hearing);
    });
}

fn push_body(octets: &[u8]) {
    let patterns = Patterns::built_in();
    if let Ok(data) = Data::decode(&mut Reader::new(octets)) {
        let _ = patterns.interpret(&data);
    }
    let _ = patterns.interpret_untagged(octets);
}

#[test]
fn ten_mebibytes_of_anything_cost_64_mebibytes_at_most_and_time_in_proportion() {
    let mut wrong = Vec::new();
    for parser in PARSERS {
        for bomb in parser.bombs {
            let part = Cost::of(parser, &(bomb.octets)(PART_LEN));
            let whole = Cost::of(parser, &(bomb.octets)(INPUT_LEN));
            let proportional = whole.time <= TIME_MIN || whole.time <= part.time * TIMES_MAX;
            if part.memory.max(whole.memory) > MEMORY_MAX || !proportional {
                wrong.push(format!("{}, {}: {part}, {whole}", parser.name, bomb.name));
            }
        }
    }
    assert!(wrong.is_empty(), "too much:\n{}", wrong.join("\n"));
}

/// What parsing took.
struct Cost {
    time: Duration,
    memory: usize,
}

impl Cost {
    fn of(parser: &Parser, octets: &[u8]) -> Self {
        MEMORY.reset_peak_usage();
        let begin = processor_time();
        (parser.parse)(octets);
        let time = processor_time().saturating_sub(begin);
        Self { time, memory: MEMORY.peak_usage() }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} and {} MiB", self.time, self.memory / MIB)
    }
}

/// Of this thread.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time since its start")
}
