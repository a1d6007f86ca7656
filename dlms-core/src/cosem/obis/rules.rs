//! What has a name of its own: abstract objects, service entries, setups, logs and profiles, each
//! by its C, D and E (IEC 62056-6-1).

use super::{Name, Number};

/// Which values of E a rule is for.
#[derive(Clone, Copy)]
enum E {
    /// This one.
    Only(u8),
    /// Any up to this one, and 255 for all; it is a number of the object.
    UpTo(u8),
}

/// C, D, E and the name. A rule for one E stands before one for several.
struct Rule(u8, u8, E, &'static str);

/// The name of an object of no medium (A = 0).
pub(super) fn of_abstract(c: u8, d: u8, e: u8) -> Option<Name> {
    let (d, set) = match (c, d) {
        // Scripts and schedules may be there several times; accounts, credits, charges and gateways
        // count in D.
        (10 | 15, 1..=127) => (0, Some((", set ", d))),
        (19, 0..=9) => (0, Some((" ", d))),
        (19, 10..=19) => (10, Some((" ", d.saturating_sub(10)))),
        (19, 20..=29) => (20, Some((" ", d.saturating_sub(20)))),
        (19, 40..=49) => (40, Some((" ", d.saturating_sub(40)))),
        // A table is numbered by D and E together.
        (65, 0..=15) => (0, Some((" of group ", d))),
        (65, 16..=31) => (16, Some((" of group ", d.saturating_sub(16)))),
        _ => (d, None),
    };
    let (name, number) = find(ABSTRACT, c, d, e).or_else(|| find(ANY_MEDIUM, c, d, e))?;
    let number = set.filter(|(_, number)| *number != 0).or(number);
    Some(Name::of([name, "", "", "", "", ""], number))
}

/// The name of an electrical object that is no measured quantity (A = 1).
pub(super) fn of_electricity(c: u8, d: u8, e: u8) -> Option<Name> {
    let found = find(ELECTRICITY, c, d, e).or_else(|| find(ANY_MEDIUM, c, d, e));
    found.map(|(name, number)| Name::of([name, "", "", "", "", ""], number))
}

/// The name of an object of gas that is no measured quantity (A = 7).
pub(super) fn of_gas(c: u8, d: u8, e: u8) -> Option<Name> {
    let found = find(GAS, c, d, e).or_else(|| find(ANY_MEDIUM, c, d, e));
    found.map(|(name, number)| Name::of([name, "", "", "", "", ""], number))
}

/// The name of an object that every medium may have.
pub(super) fn of_any_medium(c: u8, d: u8, e: u8) -> Option<Name> {
    let (name, number) = find(ANY_MEDIUM, c, d, e)?;
    Some(Name::of([name, "", "", "", "", ""], number))
}

fn find(rules: &[Rule], c: u8, d: u8, e: u8) -> Option<(&'static str, Number)> {
    let matching = |rule: &&Rule| {
        rule.0 == c
            && rule.1 == d
            && match rule.2 {
                E::Only(only) => e == only,
                E::UpTo(last) => e <= last || e == 255,
            }
    };
    let rule = rules.iter().find(matching)?;
    let number = match rule.2 {
        E::UpTo(_) if e != 0 && e != 255 => Some((" ", e)),
        _ => None,
    };
    Some((rule.3, number))
}

/// For A = 0.
const ABSTRACT: &[Rule] = &[
    Rule(0, 2, E::Only(0), "Active firmware identifier"),
    Rule(0, 2, E::Only(1), "Active firmware version"),
    Rule(1, 0, E::UpTo(127), "Clock"),
    Rule(1, 1, E::UpTo(127), "UNIX clock"),
    Rule(1, 2, E::UpTo(127), "High resolution clock"),
    Rule(2, 0, E::Only(0), "Modem configuration"),
    Rule(2, 1, E::Only(0), "Auto connect"),
    Rule(2, 2, E::Only(0), "Auto answer"),
    Rule(10, 0, E::Only(0), "Global meter reset script table"),
    Rule(10, 0, E::Only(1), "End of billing period script table"),
    Rule(10, 0, E::Only(100), "Tariffication script table"),
    Rule(10, 0, E::Only(101), "Test mode script table"),
    Rule(10, 0, E::Only(102), "Normal mode script table"),
    Rule(10, 0, E::Only(103), "Set output script table"),
    Rule(10, 0, E::Only(104), "Optical test output script table"),
    Rule(10, 0, E::Only(105), "Power quality measurement script table"),
    Rule(10, 0, E::Only(106), "Disconnect control script table"),
    Rule(10, 0, E::Only(107), "Image activation script table"),
    Rule(10, 0, E::Only(108), "Push script table"),
    Rule(10, 0, E::Only(109), "Load profile control script table"),
    Rule(10, 0, E::Only(110), "M-Bus profile control script table"),
    Rule(10, 0, E::Only(111), "Function control script table"),
    Rule(10, 0, E::Only(125), "Broadcast script table"),
    Rule(11, 0, E::UpTo(127), "Special days table"),
    Rule(12, 0, E::UpTo(127), "Schedule"),
    Rule(13, 0, E::UpTo(127), "Activity calendar"),
    Rule(14, 0, E::UpTo(127), "Register activation"),
    Rule(15, 0, E::Only(0), "End of billing period schedule"),
    Rule(15, 0, E::Only(1), "Disconnect control schedule"),
    Rule(15, 0, E::Only(2), "Image activation schedule"),
    Rule(15, 0, E::Only(3), "Output control schedule"),
    Rule(15, 0, E::Only(4), "Push schedule"),
    Rule(15, 0, E::Only(5), "Load profile control schedule"),
    Rule(15, 0, E::Only(6), "M-Bus profile control schedule"),
    Rule(15, 0, E::Only(7), "Function control schedule"),
    Rule(16, 0, E::UpTo(127), "Register monitor"),
    Rule(16, 1, E::UpTo(127), "Alarm monitor"),
    Rule(16, 2, E::UpTo(127), "Parameter monitor"),
    Rule(17, 0, E::UpTo(127), "Limiter"),
    Rule(18, 0, E::UpTo(127), "Array manager"),
    Rule(19, 0, E::UpTo(127), "Account"),
    Rule(19, 10, E::UpTo(127), "Credit"),
    Rule(19, 20, E::UpTo(127), "Charge"),
    Rule(19, 40, E::UpTo(127), "Token gateway"),
    Rule(19, 50, E::Only(1), "Maximum credit limit"),
    Rule(19, 50, E::Only(2), "Maximum vend limit"),
    Rule(20, 0, E::Only(0), "Optical port setup"),
    Rule(20, 0, E::Only(1), "Electrical port setup"),
    Rule(21, 0, E::Only(0), "Local port readout"),
    Rule(21, 0, E::Only(1), "Display readout"),
    Rule(21, 0, E::Only(2), "Alternate display readout"),
    Rule(21, 0, E::Only(3), "Service display readout"),
    Rule(21, 0, E::Only(4), "List of configurable meter data"),
    Rule(21, 0, E::UpTo(127), "Readout profile"),
    Rule(22, 0, E::Only(0), "HDLC setup"),
    Rule(23, 0, E::Only(0), "Twisted pair setup"),
    Rule(23, 1, E::Only(0), "Twisted pair MAC address setup"),
    Rule(23, 2, E::Only(0), "Twisted pair fatal error register"),
    Rule(23, 3, E::Only(0), "Twisted pair short readout"),
    Rule(23, 3, E::Only(1), "Twisted pair long readout"),
    Rule(23, 3, E::UpTo(9), "Twisted pair alternate readout"),
    Rule(23, 3, E::UpTo(127), "Twisted pair readout parameters"),
    Rule(24, 0, E::Only(0), "M-Bus slave port setup"),
    Rule(24, 1, E::Only(0), "M-Bus client"),
    Rule(24, 2, E::UpTo(127), "M-Bus value"),
    Rule(24, 3, E::UpTo(127), "M-Bus profile"),
    Rule(24, 4, E::Only(0), "M-Bus disconnect control"),
    Rule(24, 5, E::Only(0), "M-Bus control log"),
    Rule(24, 6, E::Only(0), "M-Bus master port setup"),
    Rule(24, 8, E::UpTo(127), "DLMS server M-Bus port setup"),
    Rule(24, 9, E::UpTo(127), "M-Bus diagnostic"),
    Rule(25, 0, E::Only(0), "TCP-UDP setup"),
    Rule(25, 1, E::Only(0), "IPv4 setup"),
    Rule(25, 2, E::Only(0), "MAC address setup"),
    Rule(25, 3, E::Only(0), "PPP setup"),
    Rule(25, 4, E::Only(0), "GPRS modem setup"),
    Rule(25, 5, E::Only(0), "SMTP setup"),
    Rule(25, 6, E::Only(0), "GSM diagnostic"),
    Rule(25, 7, E::Only(0), "IPv6 setup"),
    Rule(25, 9, E::UpTo(127), "Push setup"),
    Rule(25, 10, E::Only(0), "NTP setup"),
    Rule(25, 11, E::Only(0), "LTE monitoring"),
    Rule(25, 12, E::Only(0), "CoAP setup"),
    Rule(25, 13, E::Only(0), "CoAP diagnostic"),
    Rule(26, 0, E::Only(0), "S-FSK Phy&MAC setup"),
    Rule(26, 1, E::Only(0), "S-FSK active initiator"),
    Rule(26, 2, E::Only(0), "S-FSK MAC synchronization timeouts"),
    Rule(26, 3, E::Only(0), "S-FSK MAC counters"),
    Rule(26, 5, E::Only(0), "S-FSK LLC setup"),
    Rule(26, 6, E::Only(0), "S-FSK reporting system list"),
    Rule(27, 0, E::Only(0), "LLC type 1 setup"),
    Rule(27, 1, E::Only(0), "LLC type 2 setup"),
    Rule(27, 2, E::Only(0), "LLC type 3 setup"),
    Rule(28, 0, E::Only(0), "PRIME LLC SSCS setup"),
    Rule(28, 1, E::Only(0), "PRIME physical layer counters"),
    Rule(28, 2, E::Only(0), "PRIME MAC setup"),
    Rule(28, 3, E::Only(0), "PRIME MAC functional parameters"),
    Rule(28, 4, E::Only(0), "PRIME MAC counters"),
    Rule(28, 5, E::Only(0), "PRIME MAC network administration data"),
    Rule(28, 6, E::Only(0), "PRIME MAC address setup"),
    Rule(28, 7, E::Only(0), "PRIME application identification"),
    Rule(29, 0, E::Only(0), "G3-PLC MAC layer counters"),
    Rule(29, 1, E::Only(0), "G3-PLC MAC setup"),
    Rule(29, 2, E::Only(0), "G3-PLC 6LoWPAN adaptation layer setup"),
    Rule(30, 0, E::UpTo(127), "ZigBee SAS startup"),
    Rule(30, 1, E::UpTo(127), "ZigBee SAS join"),
    Rule(30, 2, E::UpTo(127), "ZigBee SAS APS fragmentation"),
    Rule(30, 3, E::UpTo(127), "ZigBee network control"),
    Rule(30, 4, E::UpTo(127), "ZigBee tunnel setup"),
    Rule(31, 0, E::Only(0), "Wireless Mode Q channel"),
    Rule(33, 0, E::Only(0), "HS-PLC MAC setup"),
    Rule(33, 1, E::Only(0), "HS-PLC CPAS setup"),
    Rule(33, 2, E::Only(0), "HS-PLC IP SSAS setup"),
    Rule(33, 3, E::Only(0), "HS-PLC HDLC SSAS setup"),
    Rule(40, 0, E::Only(0), "Current association"),
    Rule(40, 0, E::UpTo(127), "Association"),
    Rule(41, 0, E::Only(0), "SAP assignment"),
    Rule(42, 0, E::Only(0), "Logical device name"),
    Rule(43, 0, E::UpTo(127), "Security setup"),
    Rule(43, 1, E::UpTo(127), "Invocation counter"),
    Rule(43, 2, E::UpTo(127), "Data protection"),
    Rule(44, 0, E::UpTo(127), "Image transfer"),
    Rule(44, 1, E::UpTo(127), "Function control"),
    Rule(44, 2, E::UpTo(127), "Communication port protection"),
    Rule(65, 0, E::UpTo(127), "Utility table"),
    Rule(65, 16, E::UpTo(127), "Manufacturer table"),
    Rule(66, 0, E::UpTo(127), "Compact data"),
    Rule(96, 1, E::Only(10), "Metering point identifier"),
    Rule(96, 1, E::UpTo(9), "Device identifier"),
    Rule(96, 2, E::Only(0), "Number of configuration changes"),
    Rule(96, 2, E::Only(1), "Date of the last configuration change"),
    Rule(96, 2, E::Only(2), "Date of the last time switch program change"),
    Rule(96, 2, E::Only(3), "Date of the last ripple control program change"),
    Rule(96, 2, E::Only(4), "Status of security switches"),
    Rule(96, 2, E::Only(5), "Date of the last calibration"),
    Rule(96, 2, E::Only(6), "Date of the next configuration change"),
    Rule(96, 2, E::Only(7), "Date of activation of the passive calendar"),
    Rule(96, 2, E::Only(10), "Number of protected configuration changes"),
    Rule(96, 2, E::Only(11), "Date of the last protected configuration change"),
    Rule(96, 2, E::Only(12), "Date of the last clock synchronization"),
    Rule(96, 2, E::Only(13), "Date of the last firmware activation"),
    Rule(96, 3, E::Only(1), "Input signals"),
    Rule(96, 3, E::Only(2), "Output signals"),
    Rule(96, 3, E::Only(10), "Disconnect control"),
    Rule(96, 3, E::UpTo(19), "Input and output control"),
    Rule(96, 3, E::UpTo(29), "Arbitrator"),
    Rule(96, 4, E::UpTo(4), "Internal control signals"),
    Rule(96, 6, E::Only(0), "Battery use time"),
    Rule(96, 6, E::Only(1), "Battery charge"),
    Rule(96, 6, E::Only(2), "Date of the next battery change"),
    Rule(96, 6, E::Only(3), "Battery voltage"),
    Rule(96, 6, E::Only(4), "Battery initial capacity"),
    Rule(96, 6, E::Only(5), "Battery installation date"),
    Rule(96, 6, E::Only(6), "Battery estimated remaining use time"),
    Rule(96, 6, E::Only(10), "Auxiliary supply use time"),
    Rule(96, 6, E::Only(11), "Auxiliary voltage"),
    Rule(96, 7, E::Only(0), "Number of power failures in all phases"),
    Rule(96, 7, E::Only(1), "Number of power failures in phase L1"),
    Rule(96, 7, E::Only(2), "Number of power failures in phase L2"),
    Rule(96, 7, E::Only(3), "Number of power failures in phase L3"),
    Rule(96, 7, E::Only(4), "Number of power failures of the auxiliary supply"),
    Rule(96, 7, E::Only(5), "Number of long power failures in all phases"),
    Rule(96, 7, E::Only(6), "Number of long power failures in phase L1"),
    Rule(96, 7, E::Only(7), "Number of long power failures in phase L2"),
    Rule(96, 7, E::Only(8), "Number of long power failures in phase L3"),
    Rule(96, 7, E::Only(9), "Number of long power failures in any phase"),
    Rule(96, 7, E::Only(10), "Time of the last power failure in all phases"),
    Rule(96, 7, E::Only(11), "Time of the last power failure in phase L1"),
    Rule(96, 7, E::Only(12), "Time of the last power failure in phase L2"),
    Rule(96, 7, E::Only(13), "Time of the last power failure in phase L3"),
    Rule(96, 7, E::Only(14), "Time of the last power failure in any phase"),
    Rule(96, 7, E::Only(15), "Duration of the last long power failure in all phases"),
    Rule(96, 7, E::Only(16), "Duration of the last long power failure in phase L1"),
    Rule(96, 7, E::Only(17), "Duration of the last long power failure in phase L2"),
    Rule(96, 7, E::Only(18), "Duration of the last long power failure in phase L3"),
    Rule(96, 7, E::Only(19), "Duration of the last long power failure in any phase"),
    Rule(96, 7, E::Only(20), "Time threshold of a long power failure"),
    Rule(96, 7, E::Only(21), "Number of power failures in any phase"),
    Rule(96, 8, E::Only(0), "Operating time"),
    Rule(96, 8, E::UpTo(63), "Operating time of tariff"),
    Rule(96, 9, E::Only(0), "Ambient temperature"),
    Rule(96, 9, E::Only(1), "Ambient pressure"),
    Rule(96, 9, E::Only(2), "Relative humidity"),
    Rule(96, 10, E::UpTo(10), "Status register"),
    Rule(96, 11, E::UpTo(99), "Event code"),
    Rule(96, 12, E::Only(1), "Number of connections"),
    Rule(96, 12, E::Only(4), "Communication port parameter 1"),
    Rule(96, 12, E::Only(5), "GSM field strength"),
    Rule(96, 12, E::Only(6), "Telephone number"),
    Rule(96, 13, E::Only(0), "Consumer message to the port"),
    Rule(96, 13, E::Only(1), "Consumer message to the display"),
    Rule(96, 14, E::UpTo(15), "Currently active tariff"),
    Rule(96, 15, E::UpTo(99), "Event counter"),
    Rule(96, 16, E::UpTo(9), "Profile entry signature"),
    Rule(96, 17, E::UpTo(127), "Profile entry counter"),
    Rule(96, 20, E::UpTo(99), "Meter tamper event"),
    Rule(97, 98, E::UpTo(9), "Alarm register"),
    Rule(97, 98, E::UpTo(19), "Alarm filter"),
    Rule(97, 98, E::UpTo(29), "Alarm descriptor"),
    Rule(99, 12, E::UpTo(127), "Connection profile"),
    Rule(99, 13, E::UpTo(127), "GSM diagnostic profile"),
    Rule(99, 14, E::UpTo(127), "Charge collection history"),
    Rule(99, 15, E::UpTo(127), "Token credit history"),
    Rule(99, 16, E::UpTo(127), "Parameter monitor log"),
    Rule(99, 17, E::UpTo(127), "Token transfer log"),
    Rule(99, 18, E::UpTo(127), "LTE monitoring profile"),
];

/// For A = 1, beside the measured quantities.
const ELECTRICITY: &[Rule] = &[
    Rule(0, 0, E::UpTo(9), "Electricity identifier"),
    Rule(0, 2, E::Only(0), "Active firmware identifier"),
    Rule(0, 2, E::Only(1), "Parameter record number"),
    Rule(0, 2, E::Only(2), "Time switch program number"),
    Rule(0, 2, E::Only(3), "Ripple control program number"),
    Rule(0, 2, E::Only(4), "Meter connection diagram"),
    Rule(0, 2, E::Only(7), "Passive calendar name"),
    Rule(0, 3, E::Only(0), "Active energy meter constant"),
    Rule(0, 3, E::Only(1), "Reactive energy meter constant"),
    Rule(0, 3, E::Only(2), "Apparent energy meter constant"),
    Rule(0, 3, E::Only(3), "Active energy output pulse constant"),
    Rule(0, 3, E::Only(4), "Reactive energy output pulse constant"),
    Rule(0, 3, E::Only(5), "Apparent energy output pulse constant"),
    Rule(0, 3, E::Only(6), "Volt-squared hours meter constant"),
    Rule(0, 3, E::Only(7), "Ampere-squared hours meter constant"),
    Rule(0, 3, E::Only(8), "Volt-squared hours output pulse constant"),
    Rule(0, 3, E::Only(9), "Ampere-squared hours output pulse constant"),
    Rule(0, 4, E::Only(0), "Reading factor for power"),
    Rule(0, 4, E::Only(1), "Reading factor for energy"),
    Rule(0, 4, E::Only(2), "Current transformer ratio"),
    Rule(0, 4, E::Only(3), "Voltage transformer ratio"),
    Rule(0, 4, E::Only(4), "Overall transformer ratio"),
    Rule(0, 4, E::Only(5), "Current transformer ratio denominator"),
    Rule(0, 4, E::Only(6), "Voltage transformer ratio denominator"),
    Rule(0, 4, E::Only(7), "Overall transformer ratio denominator"),
    Rule(0, 6, E::Only(0), "Nominal voltage"),
    Rule(0, 6, E::Only(1), "Nominal current"),
    Rule(0, 6, E::Only(2), "Nominal frequency"),
    Rule(0, 6, E::Only(3), "Maximum current"),
    Rule(0, 6, E::Only(4), "Reference voltage of power quality"),
    Rule(0, 6, E::Only(5), "Reference voltage of the auxiliary supply"),
    Rule(0, 7, E::Only(0), "Active energy input pulse constant"),
    Rule(0, 7, E::Only(1), "Reactive energy input pulse constant"),
    Rule(0, 7, E::Only(2), "Apparent energy input pulse constant"),
    Rule(0, 7, E::Only(3), "Volt-squared hours input pulse constant"),
    Rule(0, 7, E::Only(4), "Ampere-squared hours input pulse constant"),
    Rule(0, 7, E::Only(5), "Pulses or pieces input pulse constant"),
    Rule(0, 7, E::Only(10), "Active energy export input pulse constant"),
    Rule(0, 7, E::Only(11), "Reactive energy export input pulse constant"),
    Rule(0, 7, E::Only(12), "Apparent energy export input pulse constant"),
    Rule(0, 8, E::Only(0), "Measurement period 1"),
    Rule(0, 8, E::Only(1), "Measurement period 2"),
    Rule(0, 8, E::Only(2), "Measurement period 3, instantaneous values"),
    Rule(0, 8, E::Only(3), "Measurement period 4, test values"),
    Rule(0, 8, E::Only(4), "Recording interval 1"),
    Rule(0, 8, E::Only(5), "Recording interval 2"),
    Rule(0, 8, E::Only(6), "Billing period 1"),
    Rule(0, 8, E::Only(7), "Billing period 2"),
    Rule(0, 8, E::Only(8), "Measurement period of harmonics"),
    Rule(0, 9, E::Only(0), "Time since the end of the billing period"),
    Rule(0, 9, E::Only(5), "Week day"),
    Rule(0, 9, E::Only(6), "Time of the last reset"),
    Rule(0, 9, E::Only(7), "Date of the last reset"),
    Rule(0, 9, E::Only(8), "Output pulse duration"),
    Rule(0, 9, E::Only(9), "Clock synchronization window"),
    Rule(0, 9, E::Only(10), "Clock synchronization method"),
    Rule(0, 9, E::Only(11), "Clock time shift limit"),
    Rule(0, 9, E::Only(12), "Billing period reset lockout time"),
    Rule(0, 9, E::Only(13), "Time since the end of billing period 2"),
    Rule(0, 9, E::Only(14), "Time of the last reset of billing period 2"),
    Rule(0, 9, E::Only(15), "Date of the last reset of billing period 2"),
    Rule(0, 9, E::Only(16), "Billing period 2 reset lockout time"),
    Rule(0, 10, E::Only(0), "Transformer magnetic losses"),
    Rule(0, 10, E::Only(1), "Transformer iron losses"),
    Rule(0, 10, E::Only(2), "Line resistance losses"),
    Rule(0, 10, E::Only(3), "Line reactance losses"),
    Rule(0, 11, E::Only(1), "Measurement algorithm of active power"),
    Rule(0, 11, E::Only(2), "Measurement algorithm of active energy"),
    Rule(0, 11, E::Only(3), "Measurement algorithm of reactive power"),
    Rule(0, 11, E::Only(4), "Measurement algorithm of reactive energy"),
    Rule(0, 11, E::Only(5), "Measurement algorithm of apparent power"),
    Rule(0, 11, E::Only(6), "Measurement algorithm of apparent energy"),
    Rule(0, 11, E::Only(7), "Measurement algorithm of the power factor"),
    Rule(96, 1, E::UpTo(9), "Metering point identifier"),
    Rule(96, 5, E::Only(5), "Meter started"),
    Rule(96, 10, E::Only(0), "Status of missing voltage"),
    Rule(96, 10, E::Only(1), "Status of missing current"),
    Rule(96, 10, E::Only(2), "Status of current without voltage"),
    Rule(96, 10, E::Only(3), "Status of the auxiliary supply"),
    Rule(99, 10, E::Only(1), "Voltage dips profile"),
    Rule(99, 10, E::Only(2), "Voltage swells profile"),
    Rule(99, 10, E::Only(3), "Voltage cuts profile"),
    Rule(99, 11, E::UpTo(127), "Voltage harmonics profile"),
    Rule(99, 12, E::UpTo(127), "Current harmonics profile"),
    Rule(99, 13, E::Only(0), "Voltage unbalance profile"),
    Rule(99, 14, E::UpTo(127), "Power quality profile"),
];

/// For A = 7, beside the measured quantities.
const GAS: &[Rule] = &[
    Rule(0, 0, E::UpTo(9), "Gas identifier"),
    Rule(0, 2, E::Only(0), "Program version"),
    Rule(0, 2, E::Only(1), "Device version"),
    Rule(0, 2, E::Only(3), "Active firmware signature"),
    Rule(0, 3, E::UpTo(9), "Output pulse constant"),
    Rule(0, 4, E::UpTo(9), "Conversion factor"),
    Rule(0, 5, E::UpTo(9), "Threshold"),
    Rule(0, 6, E::UpTo(9), "Nominal value of a sensor"),
    Rule(0, 7, E::UpTo(9), "Input pulse constant"),
    Rule(0, 8, E::UpTo(40), "Interval or period"),
    Rule(0, 9, E::Only(0), "Days since the last reset"),
    Rule(0, 9, E::Only(6), "Time of the last reset"),
    Rule(0, 9, E::Only(7), "Date of the last reset"),
    Rule(0, 10, E::Only(0), "Heating temperature"),
    Rule(0, 10, E::Only(1), "Heating temperature, average"),
    Rule(0, 11, E::Only(0), "Ambient device temperature"),
    Rule(0, 11, E::Only(1), "Ambient device temperature, average"),
    Rule(0, 15, E::UpTo(127), "Sensor manager"),
    Rule(98, 3, E::UpTo(127), "Billing data 3"),
    Rule(98, 4, E::UpTo(127), "Billing data 4"),
    Rule(98, 11, E::UpTo(127), "Billing data of an event"),
];

/// For every A: service entries, lists and profiles.
const ANY_MEDIUM: &[Rule] = &[
    Rule(0, 1, E::Only(0), "Billing period counter"),
    Rule(0, 1, E::Only(1), "Number of stored billing periods"),
    Rule(0, 1, E::Only(2), "Time stamp of the last billing period"),
    Rule(0, 1, E::Only(3), "Billing period counter 2"),
    Rule(0, 1, E::Only(4), "Number of stored billing periods 2"),
    Rule(0, 1, E::Only(5), "Time stamp of the last billing period 2"),
    Rule(0, 2, E::Only(8), "Active firmware signature"),
    Rule(0, 9, E::Only(1), "Local time"),
    Rule(0, 9, E::Only(2), "Local date"),
    Rule(98, 1, E::UpTo(127), "Billing data"),
    Rule(98, 10, E::UpTo(127), "Register table"),
    Rule(99, 3, E::Only(0), "Load profile during test"),
    Rule(96, 5, E::UpTo(9), "Internal operating status"),
    Rule(97, 97, E::UpTo(127), "Error register"),
    Rule(98, 2, E::UpTo(127), "Billing data 2"),
    Rule(99, 1, E::UpTo(127), "Load profile 1"),
    Rule(99, 2, E::UpTo(127), "Load profile 2"),
    Rule(99, 97, E::UpTo(127), "Power failure event log"),
    Rule(99, 98, E::UpTo(127), "Event log"),
    Rule(99, 99, E::UpTo(127), "Certification data log"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_hides_behind_an_earlier_one() {
        for rules in [ABSTRACT, ELECTRICITY, GAS, ANY_MEDIUM] {
            for (index, Rule(c, d, e, name)) in rules.iter().enumerate() {
                let (E::Only(e) | E::UpTo(e)) = e;
                let first = rules.iter().position(|other| {
                    (other.0, other.1) == (*c, *d)
                        && match other.2 {
                            E::Only(only) => only == *e,
                            E::UpTo(last) => *e <= last,
                        }
                });
                assert_eq!(first, Some(index), "{name}");
            }
        }
    }
}
