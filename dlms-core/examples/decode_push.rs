//! Decodes what a meter pushed: from the octets of a wrapper frame, ciphered or not, to values with
//! names and units. No socket and no clock: whoever receives the octets hands them in.
//!
//! ```text
//! cargo run -p dlms-core --example decode_push -- HEX [ENCRYPTION-KEY AUTHENTICATION-KEY]
//! ```

use core::error::Error;

use dlms_core::{
    cosem::{obis, scaled_text},
    push::Patterns,
    security::{
        Key, RustCrypto, UnprotectRequest, Verification, decode_head, decrypt_unverified_in_place,
    },
    wrapper,
    xdlms::{Apdu, tag},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut octets = parse(&args.next().ok_or("name the octets, in hexadecimal")?)?;
    let keys: Vec<Key> = args.map(|key| key.parse()).collect::<Result<_, _>>()?;

    let header = wrapper::next_frame(&octets).ok_or("the frame ends too early")??.header;
    println!("from wPort {}, {} octets", header.source, header.length);
    let apdu = &mut octets[wrapper::HEADER_LEN..];

    // A push travels in a general form: it says by itself whose it is.
    let plain = if apdu.first().is_some_and(|first| tag::is_protected(*first)) {
        let [key, authentication_key] = keys.as_slice() else {
            return Err("it is ciphered: name the encryption and the authentication key".into());
        };
        let head = decode_head(apdu)?;
        let request = UnprotectRequest {
            required: head.control,
            system_title: head.system_title,
            key,
            authentication_key: Some(authentication_key),
        };
        let opened = decrypt_unverified_in_place(&RustCrypto, &request, &head, apdu)?;
        let verified = opened.verified == Verification::Verified;
        println!("counter {}, verified: {verified}", head.counter);
        opened.plain
    } else {
        apdu
    };

    let Apdu::DataNotification(push) = Apdu::decode(plain)? else {
        return Err("it is no push".into());
    };
    for value in Patterns::built_in().interpret(&push.body.data()?)? {
        let instance = value.object.map(|object| object.instance);
        let name = instance.map_or_else(|| "?".to_owned(), |instance| instance.to_string());
        let meaning = instance.and_then(obis::name);
        let meaning = meaning.map_or_else(String::new, |meaning| format!(" ({meaning})"));
        match (value.value.as_integer(), value.scaler_unit) {
            (Some(mantissa), Some(both)) => {
                println!("{name}{meaning}: {}", scaled_text(mantissa, both));
            }
            _ => println!("{name}{meaning}: {:?}", value.value),
        }
    }
    Ok(())
}

fn parse(hex: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let octets = (0..hex.len()).step_by(2).map(|at| hex.get(at..at + 2));
    let octets = octets.map(|digits| u8::from_str_radix(digits?, 16).ok());
    octets.collect::<Option<_>>().ok_or_else(|| "these are no octets in hexadecimal".into())
}
