//! What the codes of meters usually mean, and what to try next. Data, not code: a line for a code.
//!
//! In what to try, `{read}`, `{objects}`, `{public}` and `{trace}` stand for commands that fit the
//! meter at hand: reading from it, listing its objects, reading its clock as public client, and the
//! same with what goes over the line.

use crate::exit::Exit;

/// What a code usually means and what to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// What it usually means.
    pub(super) means: &'static str,
    /// What to try.
    pub(super) next: &'static str,
    /// How the process ends when this is the cause.
    pub(super) exit: Exit,
}

const fn refused(means: &'static str, next: &'static str) -> Entry {
    Entry { means, next, exit: Exit::Refused }
}

const fn insecure(means: &'static str, next: &'static str) -> Entry {
    Entry { means, next, exit: Exit::Security }
}

const fn unreachable(means: &'static str, next: &'static str) -> Entry {
    Entry { means, next, exit: Exit::Unreachable }
}

/// Finds `code`, or the entry for codes that the table lacks.
pub(super) fn find(
    table: &'static [(u8, Entry)],
    code: u8,
    other: &'static Entry,
) -> &'static Entry {
    table.iter().find(|(known, _)| *known == code).map_or(other, |(_, entry)| entry)
}

/// Data-Access-Result, the answer to GET and SET (IEC 62056-5-3 clause 8).
pub(super) const DATA_ACCESS: &[(u8, Entry)] = &[
    (
        1,
        refused(
            "a part of the meter does not work",
            "read it once more; if it stays, the meter needs service",
        ),
    ),
    (2, refused("the meter is busy, or the value is not ready yet", "once more in a minute")),
    (
        3,
        refused(
            "this client has no right to it: rights depend on the client and its authentication",
            "another client and its secret, such as --client 1 --auth hls-gmac --keys FILE; \
             {objects} shows the rights",
        ),
    ),
    (
        4,
        refused(
            "this meter has no such object or attribute, or hides it from this client",
            "{objects} lists what it has; another --client may see more",
        ),
    ),
    (
        9,
        refused(
            "the object exists with another class",
            "leave the class away, or look it up: {objects}",
        ),
    ),
    (
        11,
        refused(
            "the object is not visible in this association, or not in use",
            "another client, such as --client 1; {objects} lists what is visible",
        ),
    ),
    (
        12,
        refused(
            "the type of the value, or of the selection, is not the one that the meter expects",
            "read the attribute first: its type is the one to write; of a profile, leave --from, \
             --to, --entries and --columns away",
        ),
    ),
    (
        13,
        refused(
            "this client has no right to it, or the selection reaches too far",
            "another client and its secret, such as --client 1 --auth hls-gmac --keys FILE",
        ),
    ),
    (14, refused("the meter lost the datablock that was due", "once more")),
    (15, refused("the meter gave the transfer up", "once more, with fewer rows at a time")),
    (16, refused("the meter knows of no transfer to go on with", "once more")),
    (17, refused("the meter gave the transfer up", "once more")),
    (18, refused("the meter knows of no transfer to go on with", "once more")),
    (19, refused("a datablock got lost or came twice", "once more")),
    (
        250,
        refused(
            "the meter does not say why: often a selection that it does not support, or a value \
             that it does not like",
            "of a profile, leave --from, --to, --entries and --columns away; of a write, read \
             the attribute first",
        ),
    ),
];

/// Action-Result, the answer to ACTION (IEC 62056-5-3 clause 8).
pub(super) const ACTION: &[(u8, Entry)] = &[
    (
        1,
        refused(
            "a part of the meter does not work, such as the breaker",
            "read the state of the object; if it stays, the meter needs service",
        ),
    ),
    (
        2,
        refused(
            "the meter is busy, or it has started and is still at work",
            "read the state of the object, and try again in a minute if nothing happened",
        ),
    ),
    (
        3,
        refused(
            "this client has no right to it, or the mode of the object forbids it (control_mode \
             of a disconnector)",
            "another client and its secret, such as --client 1 --auth hls-gmac --keys FILE; \
             {objects} shows the rights",
        ),
    ),
    (4, refused("this meter has no such object or method", "{objects} lists what it has")),
    (
        9,
        refused(
            "the object exists with another class",
            "leave the class away, or look it up: {objects}",
        ),
    ),
    (
        11,
        refused(
            "the object is not visible in this association, or not in use",
            "another client, such as --client 1; {objects} lists what is visible",
        ),
    ),
    (
        12,
        refused(
            "the parameter has another type than the method expects",
            "give VALUE with its type: headend invoke --help",
        ),
    ),
    (13, refused("this client has no right to it", "another client and its secret")),
    (14, refused("the meter lost the datablock that was due", "once more")),
    (15, refused("the meter gave the transfer up", "read the state of the object, then once more")),
    (16, refused("the meter knows of no transfer to go on with", "once more")),
    (
        250,
        refused(
            "the meter does not say why: often a parameter that it does not like",
            "read the state of the object; give VALUE with its type",
        ),
    ),
];

/// A refusal with a code that no table has.
pub(super) const REFUSED: Entry = refused(
    "the code is not in the standard: it is the manufacturer's own",
    "ask the manufacturer for it",
);

/// Associate-source-diagnostic of the service user, in an AARE (IEC 62056-5-3 clause 7.2.4.1).
pub(super) const ASSOCIATE: &[(u8, Entry)] = &[
    (
        2,
        refused(
            "the meter does not take this kind of association from this client: it wants \
             ciphering, or wants none",
            "add or leave away --security; {public} often works",
        ),
    ),
    (
        3,
        insecure(
            "the meter knows clients by their system title, and not this one",
            "--system-title HEX with the title that is registered in the meter",
        ),
    ),
    (4, refused("the meter does not take the identification of this client", "another --client")),
    (5, refused("the meter does not take the identification of this client", "another --client")),
    (6, refused("the meter does not take the identification of this client", "another --client")),
    (
        7,
        refused(
            "the meter does not go by the title it was called by",
            "check --server and the keys",
        ),
    ),
    (8, refused("there is no such application in the meter", "check --server")),
    (9, refused("there is no such application in the meter", "check --server")),
    (10, refused("there is no such application in the meter", "check --server")),
    (
        11,
        insecure(
            "this client of the meter uses another authentication mechanism",
            "another --auth: none for client 16, lls or one of hls-md5, hls-sha1, hls-gmac, \
             hls-sha256 for others",
        ),
    ),
    (
        12,
        insecure(
            "this client of the meter must authenticate itself",
            "--auth lls or one of --auth hls-...",
        ),
    ),
    (
        13,
        insecure(
            "the password, the secret or the key is wrong",
            "check it, and that it belongs to this --client",
        ),
    ),
    (
        14,
        insecure(
            "this client of the meter must authenticate itself",
            "--auth lls or one of --auth hls-...",
        ),
    ),
];

/// An AARE that rejects and does not say why, when keys or a password were used.
pub(super) const REJECTED_SECURED: Entry = insecure(
    "the meter does not say why: with keys or a password it is mostly a wrong one, or one of \
     another client",
    "check keys, --client, --system-title and --auth; {public} shows whether the meter answers \
     at all",
);

/// An AARE that rejects and does not say why, when no secret was used.
pub(super) const REJECTED: Entry = refused(
    "the meter does not say why: often it does not know this client, or has another association \
     open",
    "{public}; or wait a minute",
);

/// The meter rejected the association for now.
pub(super) const REJECTED_TRANSIENT: Entry =
    refused("the meter is busy with another association", "once more in a minute");

/// Associate-source-diagnostic of ACSE itself.
pub(super) const REJECTED_PROVIDER: Entry =
    refused("the meter does not take this version of ACSE", "{public}; ask the manufacturer");

/// The service of an ExceptionResponse (IEC 62056-5-3 clause 8).
pub(super) const EXCEPTION: &[(u8, Entry)] = &[
    (
        1,
        refused(
            "the meter cannot do this now: often the association is gone, or it was never open \
             for this client",
            "once more; if it stays, another --client or --auth",
        ),
    ),
    (
        2,
        refused(
            "the meter does not have this service, or does not take it unprotected",
            "--security authenc with the keys of the meter, if it wants ciphering",
        ),
    ),
    (3, refused("the meter does not say why", "once more; --trace apdu shows what was sent")),
    (
        4,
        refused(
            "the request was longer than the meter takes",
            "fewer objects at a time, or a shorter value",
        ),
    ),
    (
        5,
        insecure(
            "the meter could not decipher the request: a wrong key, or a system title that it \
             does not expect",
            "check --ek and --ak, --system-title and --suite",
        ),
    ),
    (
        6,
        insecure(
            "the invocation counter was not greater than the last one that the meter accepted",
            "once more: the counter was moved; if it is too far ahead, --counter N with the \
             number that the meter names",
        ),
    ),
];

/// An ExceptionResponse with a service code that the table lacks.
pub(super) const EXCEPTION_OTHER: Entry =
    refused("the code is not in the standard", "ask the manufacturer for it");

/// Deciphering-error in a ConfirmedServiceError.
pub(super) const SERVICE_DECIPHERING: Entry = insecure(
    "the meter could not decipher the request: a wrong key, or a system title that it does not \
     expect",
    "check --ek and --ak, --system-title and --suite",
);

/// Any InitiateError.
pub(super) const SERVICE_INITIATE: Entry = refused(
    "the meter does not take the proposed version, services or PDU size",
    "--max-pdu 1024; {public} shows whether it takes another client",
);

/// Any other ConfirmedServiceError.
pub(super) const SERVICE_OTHER: Entry = refused(
    "the meter could not carry out the service",
    "once more; --trace apdu shows what was sent",
);

/// HLS: the meter refused our proof.
pub(super) const AUTHENTICATION_REFUSED: Entry = insecure(
    "the secret or the keys are wrong, or the meter expects another system title",
    "check the password or --ek and --ak, --system-title, and that they belong to this --client",
);

/// HLS: the meter's proof is wrong.
pub(super) const SERVER_NOT_AUTHENTIC: Entry = insecure(
    "what answers does not have the secret: another meter, or somebody in between",
    "check the address; do not trust what came from it",
);

/// Another title than expected.
pub(super) const OTHER_METER: Entry =
    insecure("another meter is at this address now", "check the address and the keys");

/// An answer that failed its check.
pub(super) const SECURITY: Entry = insecure(
    "the keys are not those of this meter, or somebody changed the answer on its way",
    "check --ek, --ak and --suite; if they are right, do not trust the line",
);

/// A tag that does not verify under keys that fitted before.
pub(super) const ALTERED: Entry = insecure(
    "the keys fitted when the association was opened, so somebody changed the answer on its way",
    "do not trust the line; --trace apdu shows what came",
);

/// A first answer that can be read, but does not verify.
pub(super) const AUTHENTICATION_KEY: Entry = insecure(
    "the encryption key is that of this meter, the authentication key is not; or somebody changed \
     the answer",
    "check --ak, or ak in the keys file",
);

/// A first answer that neither verifies nor makes sense.
pub(super) const ENCRYPTION_KEY: Entry = insecure(
    "the encryption key is not that of this meter, or the meter uses another system title than it \
     tells",
    "check --ek, or ek in the keys file, and that it belongs to this meter",
);

/// Another suite, or keys of another one.
pub(super) const SUITE: Entry = insecure(
    "the meter works in another security suite, or the keys are those of another one",
    "--suite with the number that the meter uses, and its keys",
);

/// A signature that is missing or somebody else's.
pub(super) const SIGNATURE: Entry = insecure(
    "the meter does not sign, signs with another key, or signs other octets than the standard says",
    "check --peer-key; for gurux-dlms and EnergyICT --compat signing-excludes-content-length",
);

/// The key of general-ciphering cannot be had.
pub(super) const KEY_OF_APDU: Entry = insecure(
    "the meter ciphered with a key that comes in a way for which the keys are not there",
    "check --kek, --agreement-key and --peer-agreement-key",
);

/// A challenge that is too short or too long.
pub(super) const CHALLENGE: Entry = insecure(
    "the challenge of the meter has a length that its mechanism does not allow",
    "for ECDSA with a challenge of 8 octets or more: --compat short-ecdsa-challenges",
);

/// An answer with a counter that was used.
pub(super) const REPLAY: Entry = insecure(
    "an old answer came again: somebody repeats it, or the meter was reset",
    "do not trust the line; if the meter was reset it needs new keys, or --forget-received",
);

/// An answer less protected than agreed.
pub(super) const UNPROTECTED: Entry = insecure(
    "somebody stripped the protection off, or the meter breaks the rules",
    "do not trust the line; --trace apdu shows what came",
);

/// A ciphered answer without keys to open it.
pub(super) const NO_KEYS: Entry = insecure(
    "this client of the meter works with ciphering",
    "--security authenc with --keys FILE, or --ek and --ak",
);

/// Octets that cannot be decoded.
pub(super) const MALFORMED: Entry = unreachable(
    "the meter, or something between, does not follow the standard",
    "--trace apdu shows the octets; report them with the make of the meter",
);

/// Legal octets at an illegal moment.
pub(super) const VIOLATION: Entry = unreachable(
    "the meter, or something between, does not follow the standard, or answers got mixed up",
    "once more; --trace apdu shows what came",
);

/// Silence.
pub(super) const NO_RESPONSE: Entry = unreachable(
    "nobody has this client or server SAP (unknown ones are ignored in silence), the peer speaks \
     the other framing (wrapper:// or hdlc://), or the meter is slow",
    "check client and server SAP (--client, --server), or --timeout 30; {public}",
);

/// The counters that were granted ran out.
pub(super) const COUNTERS_EXHAUSTED: Entry = Entry {
    means: "all invocation counters of this key were used",
    next: "give the meter a new key",
    exit: Exit::Security,
};

/// Too long for one of the sides.
pub(super) const TOO_LONG: Entry = refused(
    "the value does not fit into what the meter takes at once",
    "fewer objects or rows at a time",
);

/// The meter lacks a service.
pub(super) const NOT_NEGOTIATED: Entry =
    refused("the meter does not offer this service to this client", "another --client may have it");

/// With short names, the meter does not list the object, or it has no such method.
pub(super) const NO_SHORT_NAME: Entry = refused(
    "the meter's list of short names lacks the object",
    "{objects}, with --short-names, lists what it has",
);

/// The name of the host leads nowhere.
pub(super) const UNKNOWN_HOST: Entry =
    unreachable("the name is wrong, or the name server is not reached", "check the host name");

/// The name server does not answer.
pub(super) const NAME_SERVER: Entry = unreachable(
    "the name server does not answer",
    "check the network of this machine, or give the IP address",
);

/// The host refuses the connection.
pub(super) const NO_LISTENER: Entry =
    unreachable("the host is there and nothing listens on this port", "check the port");

/// There is no such file.
pub(super) const NO_PORT: Entry =
    unreachable("there is no such serial port", "check the path after hdlc+serial://");

/// The system does not let us.
pub(super) const NOT_ALLOWED: Entry = unreachable(
    "this user may not open it",
    "for a serial port, join the group that owns it: dialout on many systems",
);

/// The host does not answer.
pub(super) const HOST_SILENT: Entry = unreachable(
    "the host is off, out of coverage or behind a firewall",
    "check the address and the port, and whether the host answers at all",
);

/// The line cannot be opened for another reason.
pub(super) const NOT_OPENED: Entry = unreachable(
    "the address is wrong, or somebody else uses the line",
    "check the address; end other programs that use the line",
);

/// Silence after the sign-on.
pub(super) const SIGN_ON_SILENT: Entry = unreachable(
    "cable or optical head carry nothing, or the meter does not sign on in mode E",
    "check cable and optical head, or leave mode-e away in the address",
);

/// Silence after SNRM.
pub(super) const LINK_SILENT: Entry = unreachable(
    "no station has this HDLC address, the baud rate is wrong, or the peer speaks the wrapper",
    "check --server and --address-bytes, or wrapper:// in place of hdlc://; {trace}",
);

/// Nothing can be sent.
pub(super) const STUCK: Entry = unreachable(
    "the peer takes nothing in: its network or the gateway is stuck",
    "once more in a minute",
);

/// Silence in the middle of a conversation.
pub(super) const FELL_SILENT: Entry = unreachable(
    "the meter fell silent in the middle of a conversation: the line is bad, or it is slow",
    "look at the cable or the network; or --timeout 30",
);

/// Closed before there was a link or an association.
pub(super) const NOT_WELCOME: Entry = unreachable(
    "the meter or a gateway does not take this connection now: often another client is connected",
    "once more in a minute; on another port or framing: wrapper:// or hdlc://; {trace}",
);

/// Closed in the middle of a conversation.
pub(super) const HUNG_UP: Entry = unreachable(
    "the meter or a gateway hung up: after its inactivity time, or for another client",
    "once more",
);

/// Broken off.
pub(super) const BROKEN: Entry = unreachable(
    "the cable or the network failed",
    "look at the cable or the network, then once more",
);

/// The meter's link layer does not want this client.
pub(super) const LINK_REFUSED: Entry = refused(
    "it does not know this client, is busy with another, or does not like the proposed frame size",
    "{public}; or wait for its inactivity time to pass",
);

/// The link went in the middle of a conversation.
pub(super) const LINK_LOST: Entry =
    unreachable("its inactivity time passed, or it was restarted", "once more");

/// FRMR.
pub(super) const FRAME_REJECT: Entry = unreachable(
    "one of the two does not follow IEC 62056-46",
    "once more with the smallest frames, --hdlc-info 128 --window 1; {trace}",
);

/// The link layer of the meter breaks the rules.
pub(super) const LINK_VIOLATION: Entry = unreachable(
    "the HDLC layer of the meter, or of a gateway, does not follow the standard",
    "once more; if it stays, tell its maker: {trace}",
);

/// Polls are answered and nothing moves.
pub(super) const NO_PROGRESS: Entry = unreachable(
    "the application in the meter is at work or hangs, or an answer was lost and does not come \
     again",
    "once more",
);

/// HDLC on a wrapper line.
pub(super) const SPEAKS_HDLC: Entry =
    unreachable("it speaks HDLC", "hdlc:// in place of wrapper://");

/// The wrapper on an HDLC line.
pub(super) const SPEAKS_WRAPPER: Entry =
    unreachable("it speaks the wrapper", "wrapper:// in place of hdlc://");

/// A TLS alert.
pub(super) const SPEAKS_TLS: Entry =
    unreachable("this port wants TLS", "another port of the same host");

/// Text.
pub(super) const SPEAKS_TEXT: Entry = unreachable(
    "it answers with text: another service, or a meter that wants a sign-on",
    "check the port; on a serial line, mode-e in the address",
);

/// Neither one nor the other.
pub(super) const SPEAKS_OTHER: Entry = unreachable(
    "another service is there; on a serial line, baud rate, parity or wiring are wrong",
    "check the port, or baud rate and 8N1; {trace}",
);

/// A sign-on in another mode.
pub(super) const OTHER_MODE: Entry = unreachable(
    "the meter signs on in mode A, B, C or D of IEC 62056-21",
    "leave mode-e away in the address",
);

/// An answer without an end.
pub(super) const ENDLESS: Entry = unreachable(
    "the meter sends more than there can be: it does not follow the standard",
    "fewer objects or rows at a time; {trace}",
);

/// Addresses that cannot be written down in the framing.
pub(super) const BAD_SAP: Entry = Entry {
    means: "the framing has no way to write such an address",
    next: "check --client, --server and --address-bytes",
    exit: Exit::Usage,
};

/// Parameters that HDLC does not have.
pub(super) const BAD_PARAMETERS: Entry =
    Entry { means: "HDLC has no such frames", next: "check --hdlc-info and --window", ..BAD_SAP };

/// An object that the object list lacks.
pub(super) const NOT_LISTED: Entry = refused(
    "this meter has no such object, or hides it from this client",
    "{objects} lists what it has; with the class in front, as in 3:1-0:1.8.0*255, it is asked \
     for anyway",
);

/// The object list cannot be read.
pub(super) const LIST_REFUSED: Entry = refused(
    "without the object list the class of the object is not known",
    "write the class in front: 3:1-0:1.8.0*255 for a register, 8:0-0:1.0.0*255 for the clock",
);

/// Another logical device answers at a SAP than the concentrator lists there.
pub(super) const OTHER_DEVICE: Entry = insecure(
    "the list of the concentrator is out of date or wrong, or somebody has connected one meter in \
     the place of another; nothing was read",
    "read the list again: `headend saps`; if it stays, look at the concentrator",
);

/// A logical device that does not tell its name.
pub(super) const DEVICE_UNNAMED: Entry = insecure(
    "whether this is the device that the concentrator lists cannot be told; nothing was read",
    "a client that may read 1:0-0:42.0.0*255:2",
);

/// The SAP list is not for this client.
pub(super) const SAP_LIST_REFUSED: Entry = refused(
    "the concentrator shows its meters to some clients only",
    "the management client: --client 1 with its authentication",
);

/// A SAP that is in no list.
pub(super) const SAP_UNLISTED: Entry = refused(
    "the concentrator has no meter there, or no longer",
    "`headend saps` lists the SAPs that it has",
);

/// No concentrator that is up leads to a meter.
pub(super) const NO_ROUTE: Entry = unreachable(
    "every concentrator that lists this meter is gone, and the others do not list it",
    "more than one --route; {trace} shows the last thing that was heard",
);

/// The spool is not for this client.
pub(super) const SPOOL_REFUSED: Entry = refused(
    "the concentrator shows what meters pushed to its management client only, or it is a meter",
    "--client 1 with its authentication",
);

/// A concentrator that has lost which numbers it gave.
pub(super) const SPOOL_RESTARTED: Entry = insecure(
    "the concentrator lost its data or was exchanged, and its pushes would be taken for those that \
     are known; nothing was read and nothing acknowledged",
    "a higher epoch for the concentrator: concentrator.epoch in its configuration, or `headend \
     write` to 1:0-0:128.0.1*255:2",
);

/// A value that does not have the shape that its attribute must have.
pub(super) const SHAPE: Entry = unreachable(
    "the meter does not follow the standard here",
    "{read} with class and attribute shows the value as it is",
);

/// A file of this machine.
pub(super) const FILE: Entry = Entry {
    means: "without the record of used invocation counters nothing ciphered is sent: a counter \
            used twice gives the key away",
    next: "see to the cause; a file that is lost must not be replaced by an older copy or started \
           anew with the same keys: the meter needs new keys then, or --counter N beyond every \
           counter that was ever used",
    exit: Exit::Local,
};

/// A counter that jumps too far.
pub(super) const COUNTER_TOO_FAR: Entry = insecure(
    "nobody vouches for this number: it may be right for a meter that was used elsewhere, or \
     forged to use the key up",
    "if you believe it, --counter N with that number, once",
);

/// A counter that would be set back.
pub(super) const COUNTER_LOWER: Entry = Entry {
    means: "a counter used twice gives the key away",
    next: "leave --counter away, or give a greater one",
    exit: Exit::Usage,
};

/// A counter after which there is none.
pub(super) const COUNTER_LARGEST: Entry = Entry {
    means: "the key could not be used any more",
    next: "leave --counter away, or give a smaller one",
    exit: Exit::Usage,
};

/// No data folder.
pub(super) const COUNTER_NOWHERE: Entry = Entry {
    means: "used invocation counters must be remembered, and there is no data folder to keep \
            them in",
    next: "--counter-file F",
    exit: Exit::Usage,
};

/// The keys file has no keys for this meter.
pub(super) const KEYS_UNKNOWN: Entry = Entry {
    means: "the keys file goes by the system title of the meter",
    next: "add the keys of this meter to the file, or give them with --ek and --ak",
    exit: Exit::Usage,
};

/// The keys file lacks the key that is needed.
pub(super) const KEY_MISSING: Entry = Entry {
    means: "authentication needs ak as well as ek",
    next: "add ak to the keys of this meter",
    exit: Exit::Usage,
};

/// Something of ours went wrong.
pub(super) const OURS: Entry = Entry {
    means: "this program is at fault",
    next: "report it, with the command and --trace apdu",
    exit: Exit::Local,
};
