// Made of companions/*.toml by tests/companions.rs: change those and run the test.

use super::{
    Authentication as A, Client, Companion, CompanionObject, Period as P,
    Presence::{self, Always, Sometimes}, Profile, Quirk, Security as S, TimeConvention,
};
use crate::cosem::{
    AttributeDescriptor, CaptureObject, ClassId, LogicalName, ScalerUnit, Unit,
};

const fn object(
    name: &'static str, class: u16, version: Option<u8>, instance: [u8; 6],
    scaler_unit: Option<ScalerUnit>, presence: Presence, source: &'static str,
) -> CompanionObject {
    let (class, instance) = (ClassId(class), LogicalName(instance));
    CompanionObject { name, class, version, instance, scaler_unit, presence, source }
}

const fn unit(scaler: i8, unit: Unit) -> Option<ScalerUnit> {
    Some(ScalerUnit::new(scaler, unit))
}

const fn column(class: u16, name: [u8; 6], attribute: i8) -> CaptureObject {
    let name = LogicalName(name);
    CaptureObject::new(AttributeDescriptor::new(ClassId(class), name, attribute))
}

const IDIS_DLMS: &str =
    "IEC 62056-6-1 and IEC 62056-6-2: what every such device has";

const IDIS_ELVACO: &str =
    "Elvaco, CMe3100 DLMS Plugin User\'s Manual 1.8, 7.5.1 and 7.6.2: \
     https://www.manualslib.com/manual/2568602/Elvaco-Cme3100-Dlms-Plugin.html";

const IDIS_EPS: &str =
    "Elektroprivreda Srbije, Object List EPS V1: \
     https://www.scribd.com/doc/54757872/Object-List-EPS-V1";

const IDIS_OURS: &str =
    "no public source was found: the simulated meter has it so";

const PRIME_CIRCUTOR: &str =
    "Circutor, CIRWATT series, user\'s manual, the codes of contract 1: \
     https://manuals.online/circutor/measuring-instrument/cirwatt-series/user-manual/1v1bq";

const PRIME_DLMS: &str =
    "IEC 62056-6-1, IEC 62056-6-2 and IEC 62056-47: what every such device has";

const PRIME_OURS: &str =
    "no public source was found: the simulated meter has it so";

const SMR_DLMS: &str =
    "IEC 62056-6-1, IEC 62056-6-2 and IEC 62056-47: what every such device has";

const SMR_GXF: &str =
    "GXF (open-smart-grid-platform, Apache-2.0): DlmsObjectConfigSmr50, \
     DlmsObjectConfigDsmr422, Hls5Connector";

const SMR_GXF_PROFILE: &str =
    "GXF (open-smart-grid-platform, Apache-2.0): dlmsprofile-smr50.json";

pub(super) const COMPANIONS: &[Companion] = &[
Companion {
    name: "idis",
    title: "IDIS, packages 1 and 2",
    time: TimeConvention {
        deviation_minutes: -60,
        daylight_saving: true,
        source: IDIS_OURS,
    },
    clients: &[
        Client {
            name: "public", sap: 16, authentication: A::None,
            security: S::None, suite: None, pre_established: false,
            source: IDIS_EPS,
        },
        Client {
            name: "management", sap: 1, authentication: A::HlsGmac,
            security: S::AuthenticatedEncrypted, suite: Some(0), pre_established: false,
            source: IDIS_EPS,
        },
        Client {
            name: "pre-established", sap: 102, authentication: A::None,
            security: S::None, suite: None, pre_established: true,
            source: IDIS_EPS,
        },
    ],
    objects: &[
        object(
            "current association", 15, None, [0, 0, 40, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "SAP assignment", 17, Some(0), [0, 0, 41, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "logical device name", 1, Some(0), [0, 0, 42, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "clock", 8, Some(0), [0, 0, 1, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "security setup", 64, None, [0, 0, 43, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "image transfer", 18, Some(0), [0, 0, 44, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "disconnect control", 70, Some(0), [0, 0, 96, 3, 10, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "activity calendar", 20, Some(0), [0, 0, 13, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "special days", 11, Some(0), [0, 0, 11, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "limiter", 71, Some(0), [0, 0, 17, 0, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "device ID 1", 1, Some(0), [0, 0, 96, 1, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "active firmware", 1, Some(0), [1, 0, 0, 2, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "disconnect script table", 9, Some(0), [0, 0, 10, 0, 106, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "invocation counter", 1, Some(0), [0, 0, 43, 1, 0, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "number of long power failures", 1, Some(0), [0, 0, 96, 7, 9, 255],
            None, Always, IDIS_DLMS,
        ),
        object(
            "active energy import", 3, Some(0), [1, 0, 1, 8, 0, 255],
            unit(0, Unit::WattHour), Always, IDIS_OURS,
        ),
        object(
            "active energy import tariff 1", 3, Some(0), [1, 0, 1, 8, 1, 255],
            unit(0, Unit::WattHour), Always, IDIS_OURS,
        ),
        object(
            "active energy import tariff 2", 3, Some(0), [1, 0, 1, 8, 2, 255],
            unit(0, Unit::WattHour), Always, IDIS_OURS,
        ),
        object(
            "active energy export", 3, Some(0), [1, 0, 2, 8, 0, 255],
            unit(0, Unit::WattHour), Always, IDIS_OURS,
        ),
        object(
            "reactive energy import", 3, Some(0), [1, 0, 3, 8, 0, 255],
            unit(0, Unit::VarHour), Always, IDIS_OURS,
        ),
        object(
            "reactive energy export", 3, Some(0), [1, 0, 4, 8, 0, 255],
            unit(0, Unit::VarHour), Always, IDIS_OURS,
        ),
        object(
            "active power import", 3, Some(0), [1, 0, 1, 7, 0, 255],
            unit(0, Unit::Watt), Always, IDIS_OURS,
        ),
        object(
            "voltage L1", 3, Some(0), [1, 0, 32, 7, 0, 255],
            unit(-1, Unit::Volt), Always, IDIS_OURS,
        ),
        object(
            "current L1", 3, Some(0), [1, 0, 31, 7, 0, 255],
            unit(-2, Unit::Ampere), Always, IDIS_OURS,
        ),
        object(
            "status of load profile 1", 1, Some(0), [0, 0, 96, 10, 1, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "status of load profile 2", 1, Some(0), [0, 0, 96, 10, 2, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "standard event code", 1, Some(0), [0, 0, 96, 11, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "fraud detection event code", 1, Some(0), [0, 0, 96, 11, 1, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "disconnector event code", 1, Some(0), [0, 0, 96, 11, 2, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "M-Bus event code", 1, Some(0), [0, 0, 96, 11, 3, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "power quality event code", 1, Some(0), [0, 0, 96, 11, 4, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "alarm register", 1, Some(0), [0, 0, 97, 98, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "alarm filter", 1, Some(0), [0, 0, 97, 98, 10, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "push on connectivity", 40, None, [0, 0, 25, 9, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "push on interval 1", 40, None, [0, 1, 25, 9, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "push on interval 2", 40, None, [0, 2, 25, 9, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "push on interval 3", 40, None, [0, 3, 25, 9, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "push on alarm", 40, None, [0, 4, 25, 9, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "push on installation", 40, None, [0, 7, 25, 9, 0, 255],
            None, Always, IDIS_ELVACO,
        ),
        object(
            "load profile 1", 7, Some(1), [1, 0, 99, 1, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "load profile 2", 7, Some(1), [1, 0, 99, 2, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "billing profile", 7, Some(1), [0, 0, 98, 1, 0, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "standard event log", 7, Some(1), [0, 0, 99, 98, 0, 255],
            None, Always, IDIS_ELVACO,
        ),
        object(
            "fraud detection log", 7, Some(1), [0, 0, 99, 98, 1, 255],
            None, Always, IDIS_ELVACO,
        ),
        object(
            "disconnector log", 7, Some(1), [0, 0, 99, 98, 2, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "M-Bus event log", 7, Some(1), [0, 0, 99, 98, 3, 255],
            None, Always, IDIS_OURS,
        ),
        object(
            "power quality log", 7, Some(1), [0, 0, 99, 98, 4, 255],
            None, Always, IDIS_OURS,
        ),
    ],
    profiles: &[
        Profile {
            instance: LogicalName([1, 0, 99, 1, 0, 255]), period: P::Seconds(900),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 10, 1, 255], 2),
                column(3, [1, 0, 1, 8, 0, 255], 2),
                column(3, [1, 0, 2, 8, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([1, 0, 99, 2, 0, 255]), period: P::Seconds(86400),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 10, 2, 255], 2),
                column(3, [1, 0, 1, 8, 0, 255], 2),
                column(3, [1, 0, 1, 8, 1, 255], 2),
                column(3, [1, 0, 1, 8, 2, 255], 2),
                column(3, [1, 0, 2, 8, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 98, 1, 0, 255]), period: P::Month,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(3, [1, 0, 1, 8, 0, 255], 2),
                column(3, [1, 0, 1, 8, 1, 255], 2),
                column(3, [1, 0, 1, 8, 2, 255], 2),
                column(3, [1, 0, 2, 8, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 0, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 1, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 1, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 2, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 2, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 3, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 3, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 4, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 4, 255], 2),
            ],
        },
    ],
    quirks: &[
        Quirk {
            text:
                "in load profiles a time may be null-data: it is then one period after the row \
                 before",
            source: IDIS_DLMS,
        },
        Quirk {
            text:
                "the management client needs the invocation counter, which the public client \
                 reads first",
            source: IDIS_ELVACO,
        },
    ],
},
Companion {
    name: "prime",
    title: "PRIME, Spanish companion specification",
    time: TimeConvention {
        deviation_minutes: -60,
        daylight_saving: true,
        source: PRIME_OURS,
    },
    clients: &[
        Client {
            name: "public", sap: 16, authentication: A::None,
            security: S::None, suite: None, pre_established: false,
            source: PRIME_DLMS,
        },
        Client {
            name: "management", sap: 1, authentication: A::Lls,
            security: S::None, suite: None, pre_established: false,
            source: PRIME_OURS,
        },
        Client {
            name: "firmware", sap: 3, authentication: A::Lls,
            security: S::None, suite: None, pre_established: false,
            source: PRIME_OURS,
        },
    ],
    objects: &[
        object(
            "current association", 15, None, [0, 0, 40, 0, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "SAP assignment", 17, Some(0), [0, 0, 41, 0, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "logical device name", 1, Some(0), [0, 0, 42, 0, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "clock", 8, Some(0), [0, 0, 1, 0, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "image transfer", 18, Some(0), [0, 0, 44, 0, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "special days", 11, Some(0), [0, 0, 11, 0, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "device ID 1", 1, Some(0), [0, 0, 96, 1, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "active firmware", 1, Some(0), [1, 0, 0, 2, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "PRIME application identification", 86, Some(0), [0, 0, 28, 7, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "activity calendar", 20, Some(0), [0, 0, 13, 0, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "disconnect control", 70, Some(0), [0, 0, 96, 3, 10, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "error object", 1, Some(0), [0, 0, 97, 97, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "alarm object", 1, Some(0), [0, 0, 97, 98, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "alarm filter", 1, Some(0), [0, 0, 97, 98, 10, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "number of long power failures", 1, Some(0), [0, 0, 96, 7, 5, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "number of voltage sags L1", 1, Some(0), [1, 0, 32, 32, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "number of voltage swells L1", 1, Some(0), [1, 0, 32, 36, 0, 255],
            None, Always, PRIME_DLMS,
        ),
        object(
            "voltage L1", 3, Some(0), [1, 0, 32, 7, 0, 255],
            unit(-1, Unit::Volt), Always, PRIME_DLMS,
        ),
        object(
            "current", 3, Some(0), [1, 0, 90, 7, 0, 255],
            unit(-1, Unit::Ampere), Always, PRIME_DLMS,
        ),
        object(
            "active energy import of the hour", 3, Some(0), [1, 0, 1, 29, 0, 255],
            unit(0, Unit::WattHour), Always, PRIME_DLMS,
        ),
        object(
            "active energy export of the hour", 3, Some(0), [1, 0, 2, 29, 0, 255],
            unit(0, Unit::WattHour), Always, PRIME_DLMS,
        ),
        object(
            "reactive energy quadrant I of the hour", 3, Some(0), [1, 0, 5, 29, 0, 255],
            unit(0, Unit::VarHour), Always, PRIME_DLMS,
        ),
        object(
            "reactive energy quadrant II of the hour", 3, Some(0), [1, 0, 6, 29, 0, 255],
            unit(0, Unit::VarHour), Always, PRIME_DLMS,
        ),
        object(
            "reactive energy quadrant III of the hour", 3, Some(0), [1, 0, 7, 29, 0, 255],
            unit(0, Unit::VarHour), Always, PRIME_DLMS,
        ),
        object(
            "reactive energy quadrant IV of the hour", 3, Some(0), [1, 0, 8, 29, 0, 255],
            unit(0, Unit::VarHour), Always, PRIME_DLMS,
        ),
        object(
            "active energy import total", 3, Some(0), [1, 0, 1, 8, 10, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 1", 3, Some(0), [1, 0, 1, 8, 11, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 2", 3, Some(0), [1, 0, 1, 8, 12, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 3", 3, Some(0), [1, 0, 1, 8, 13, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 4", 3, Some(0), [1, 0, 1, 8, 14, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 5", 3, Some(0), [1, 0, 1, 8, 15, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 6", 3, Some(0), [1, 0, 1, 8, 16, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export total", 3, Some(0), [1, 0, 2, 8, 10, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 1", 3, Some(0), [1, 0, 2, 8, 11, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 2", 3, Some(0), [1, 0, 2, 8, 12, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 3", 3, Some(0), [1, 0, 2, 8, 13, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 4", 3, Some(0), [1, 0, 2, 8, 14, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 5", 3, Some(0), [1, 0, 2, 8, 15, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 6", 3, Some(0), [1, 0, 2, 8, 16, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I total", 3, Some(0), [1, 0, 5, 8, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 1", 3, Some(0), [1, 0, 5, 8, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 2", 3, Some(0), [1, 0, 5, 8, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 3", 3, Some(0), [1, 0, 5, 8, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 4", 3, Some(0), [1, 0, 5, 8, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 5", 3, Some(0), [1, 0, 5, 8, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 6", 3, Some(0), [1, 0, 5, 8, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II total", 3, Some(0), [1, 0, 6, 8, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 1", 3, Some(0), [1, 0, 6, 8, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 2", 3, Some(0), [1, 0, 6, 8, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 3", 3, Some(0), [1, 0, 6, 8, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 4", 3, Some(0), [1, 0, 6, 8, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 5", 3, Some(0), [1, 0, 6, 8, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 6", 3, Some(0), [1, 0, 6, 8, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III total", 3, Some(0), [1, 0, 7, 8, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 1", 3, Some(0), [1, 0, 7, 8, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 2", 3, Some(0), [1, 0, 7, 8, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 3", 3, Some(0), [1, 0, 7, 8, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 4", 3, Some(0), [1, 0, 7, 8, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 5", 3, Some(0), [1, 0, 7, 8, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 6", 3, Some(0), [1, 0, 7, 8, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV total", 3, Some(0), [1, 0, 8, 8, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 1", 3, Some(0), [1, 0, 8, 8, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 2", 3, Some(0), [1, 0, 8, 8, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 3", 3, Some(0), [1, 0, 8, 8, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 4", 3, Some(0), [1, 0, 8, 8, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 5", 3, Some(0), [1, 0, 8, 8, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 6", 3, Some(0), [1, 0, 8, 8, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import total of the month", 3, Some(0), [1, 0, 1, 9, 10, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 1 of the month", 3, Some(0), [1, 0, 1, 9, 11, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 2 of the month", 3, Some(0), [1, 0, 1, 9, 12, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 3 of the month", 3, Some(0), [1, 0, 1, 9, 13, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 4 of the month", 3, Some(0), [1, 0, 1, 9, 14, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 5 of the month", 3, Some(0), [1, 0, 1, 9, 15, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy import tariff 6 of the month", 3, Some(0), [1, 0, 1, 9, 16, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export total of the month", 3, Some(0), [1, 0, 2, 9, 10, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 1 of the month", 3, Some(0), [1, 0, 2, 9, 11, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 2 of the month", 3, Some(0), [1, 0, 2, 9, 12, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 3 of the month", 3, Some(0), [1, 0, 2, 9, 13, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 4 of the month", 3, Some(0), [1, 0, 2, 9, 14, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 5 of the month", 3, Some(0), [1, 0, 2, 9, 15, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "active energy export tariff 6 of the month", 3, Some(0), [1, 0, 2, 9, 16, 255],
            unit(0, Unit::WattHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I total of the month", 3, Some(0), [1, 0, 5, 9, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 1 of the month", 3, Some(0), [1, 0, 5, 9, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 2 of the month", 3, Some(0), [1, 0, 5, 9, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 3 of the month", 3, Some(0), [1, 0, 5, 9, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 4 of the month", 3, Some(0), [1, 0, 5, 9, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 5 of the month", 3, Some(0), [1, 0, 5, 9, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant I tariff 6 of the month", 3, Some(0), [1, 0, 5, 9, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II total of the month", 3, Some(0), [1, 0, 6, 9, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 1 of the month", 3, Some(0), [1, 0, 6, 9, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 2 of the month", 3, Some(0), [1, 0, 6, 9, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 3 of the month", 3, Some(0), [1, 0, 6, 9, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 4 of the month", 3, Some(0), [1, 0, 6, 9, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 5 of the month", 3, Some(0), [1, 0, 6, 9, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant II tariff 6 of the month", 3, Some(0), [1, 0, 6, 9, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III total of the month", 3, Some(0), [1, 0, 7, 9, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 1 of the month", 3, Some(0), [1, 0, 7, 9, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 2 of the month", 3, Some(0), [1, 0, 7, 9, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 3 of the month", 3, Some(0), [1, 0, 7, 9, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 4 of the month", 3, Some(0), [1, 0, 7, 9, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 5 of the month", 3, Some(0), [1, 0, 7, 9, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant III tariff 6 of the month", 3, Some(0), [1, 0, 7, 9, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV total of the month", 3, Some(0), [1, 0, 8, 9, 10, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 1 of the month", 3, Some(0), [1, 0, 8, 9, 11, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 2 of the month", 3, Some(0), [1, 0, 8, 9, 12, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 3 of the month", 3, Some(0), [1, 0, 8, 9, 13, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 4 of the month", 3, Some(0), [1, 0, 8, 9, 14, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 5 of the month", 3, Some(0), [1, 0, 8, 9, 15, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "reactive energy quadrant IV tariff 6 of the month", 3, Some(0), [1, 0, 8, 9, 16, 255],
            unit(0, Unit::VarHour), Always, PRIME_CIRCUTOR,
        ),
        object(
            "maximum demand import total", 4, Some(0), [1, 0, 1, 6, 10, 255],
            unit(0, Unit::Watt), Always, PRIME_CIRCUTOR,
        ),
        object(
            "maximum demand import tariff 1", 4, Some(0), [1, 0, 1, 6, 11, 255],
            unit(0, Unit::Watt), Always, PRIME_CIRCUTOR,
        ),
        object(
            "maximum demand import tariff 2", 4, Some(0), [1, 0, 1, 6, 12, 255],
            unit(0, Unit::Watt), Always, PRIME_CIRCUTOR,
        ),
        object(
            "maximum demand import tariff 3", 4, Some(0), [1, 0, 1, 6, 13, 255],
            unit(0, Unit::Watt), Always, PRIME_CIRCUTOR,
        ),
        object(
            "maximum demand import tariff 4", 4, Some(0), [1, 0, 1, 6, 14, 255],
            unit(0, Unit::Watt), Always, PRIME_CIRCUTOR,
        ),
        object(
            "maximum demand import tariff 5", 4, Some(0), [1, 0, 1, 6, 15, 255],
            unit(0, Unit::Watt), Always, PRIME_CIRCUTOR,
        ),
        object(
            "maximum demand import tariff 6", 4, Some(0), [1, 0, 1, 6, 16, 255],
            unit(0, Unit::Watt), Always, PRIME_CIRCUTOR,
        ),
        object(
            "equipment identifier", 1, Some(0), [0, 0, 96, 1, 1, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "protocol", 1, Some(0), [0, 0, 96, 1, 2, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "multicast identifier", 1, Some(0), [0, 0, 96, 1, 5, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "status of load profile 1", 1, Some(0), [0, 0, 96, 10, 7, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "status of load profile 2", 1, Some(0), [0, 0, 96, 10, 8, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "time of the billing period before", 1, Some(0), [0, 0, 0, 1, 11, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "event code", 1, Some(0), [0, 0, 96, 11, 0, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "load profile 1", 7, Some(1), [1, 0, 99, 1, 0, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "daily closing", 7, Some(1), [0, 0, 98, 2, 1, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "monthly closing", 7, Some(1), [0, 0, 98, 1, 1, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "standard event log", 7, Some(1), [0, 0, 99, 98, 0, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "fraud detection log", 7, Some(1), [0, 0, 99, 98, 1, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "disconnect control log", 7, Some(1), [0, 0, 99, 98, 2, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "power contract log", 7, Some(1), [0, 0, 99, 98, 3, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "firmware event log", 7, Some(1), [0, 0, 99, 98, 4, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "power quality log", 7, Some(1), [0, 0, 99, 98, 5, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "demand management log", 7, Some(1), [0, 0, 99, 98, 6, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "common event log", 7, Some(1), [0, 0, 99, 98, 7, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "synchronization log", 7, Some(1), [0, 0, 99, 98, 8, 255],
            None, Always, PRIME_OURS,
        ),
        object(
            "finished power quality log", 7, Some(1), [0, 0, 99, 98, 9, 255],
            None, Always, PRIME_OURS,
        ),
    ],
    profiles: &[
        Profile {
            instance: LogicalName([1, 0, 99, 1, 0, 255]), period: P::Seconds(3600),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 10, 7, 255], 2),
                column(3, [1, 0, 1, 29, 0, 255], 2),
                column(3, [1, 0, 2, 29, 0, 255], 2),
                column(3, [1, 0, 5, 29, 0, 255], 2),
                column(3, [1, 0, 6, 29, 0, 255], 2),
                column(3, [1, 0, 7, 29, 0, 255], 2),
                column(3, [1, 0, 8, 29, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 98, 2, 1, 255]), period: P::Seconds(86400),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(3, [1, 0, 1, 8, 10, 255], 2),
                column(3, [1, 0, 1, 8, 11, 255], 2),
                column(3, [1, 0, 1, 8, 12, 255], 2),
                column(3, [1, 0, 1, 8, 13, 255], 2),
                column(3, [1, 0, 1, 8, 14, 255], 2),
                column(3, [1, 0, 1, 8, 15, 255], 2),
                column(3, [1, 0, 1, 8, 16, 255], 2),
                column(3, [1, 0, 2, 8, 10, 255], 2),
                column(3, [1, 0, 2, 8, 11, 255], 2),
                column(3, [1, 0, 2, 8, 12, 255], 2),
                column(3, [1, 0, 2, 8, 13, 255], 2),
                column(3, [1, 0, 2, 8, 14, 255], 2),
                column(3, [1, 0, 2, 8, 15, 255], 2),
                column(3, [1, 0, 2, 8, 16, 255], 2),
                column(3, [1, 0, 5, 8, 10, 255], 2),
                column(3, [1, 0, 5, 8, 11, 255], 2),
                column(3, [1, 0, 5, 8, 12, 255], 2),
                column(3, [1, 0, 5, 8, 13, 255], 2),
                column(3, [1, 0, 5, 8, 14, 255], 2),
                column(3, [1, 0, 5, 8, 15, 255], 2),
                column(3, [1, 0, 5, 8, 16, 255], 2),
                column(3, [1, 0, 6, 8, 10, 255], 2),
                column(3, [1, 0, 6, 8, 11, 255], 2),
                column(3, [1, 0, 6, 8, 12, 255], 2),
                column(3, [1, 0, 6, 8, 13, 255], 2),
                column(3, [1, 0, 6, 8, 14, 255], 2),
                column(3, [1, 0, 6, 8, 15, 255], 2),
                column(3, [1, 0, 6, 8, 16, 255], 2),
                column(3, [1, 0, 7, 8, 10, 255], 2),
                column(3, [1, 0, 7, 8, 11, 255], 2),
                column(3, [1, 0, 7, 8, 12, 255], 2),
                column(3, [1, 0, 7, 8, 13, 255], 2),
                column(3, [1, 0, 7, 8, 14, 255], 2),
                column(3, [1, 0, 7, 8, 15, 255], 2),
                column(3, [1, 0, 7, 8, 16, 255], 2),
                column(3, [1, 0, 8, 8, 10, 255], 2),
                column(3, [1, 0, 8, 8, 11, 255], 2),
                column(3, [1, 0, 8, 8, 12, 255], 2),
                column(3, [1, 0, 8, 8, 13, 255], 2),
                column(3, [1, 0, 8, 8, 14, 255], 2),
                column(3, [1, 0, 8, 8, 15, 255], 2),
                column(3, [1, 0, 8, 8, 16, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 98, 1, 1, 255]), period: P::Month,
            columns: &[
                column(1, [0, 0, 0, 1, 11, 255], 2),
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(3, [1, 0, 1, 8, 10, 255], 2),
                column(3, [1, 0, 1, 8, 11, 255], 2),
                column(3, [1, 0, 1, 8, 12, 255], 2),
                column(3, [1, 0, 1, 8, 13, 255], 2),
                column(3, [1, 0, 1, 8, 14, 255], 2),
                column(3, [1, 0, 1, 8, 15, 255], 2),
                column(3, [1, 0, 1, 8, 16, 255], 2),
                column(3, [1, 0, 2, 8, 10, 255], 2),
                column(3, [1, 0, 2, 8, 11, 255], 2),
                column(3, [1, 0, 2, 8, 12, 255], 2),
                column(3, [1, 0, 2, 8, 13, 255], 2),
                column(3, [1, 0, 2, 8, 14, 255], 2),
                column(3, [1, 0, 2, 8, 15, 255], 2),
                column(3, [1, 0, 2, 8, 16, 255], 2),
                column(3, [1, 0, 5, 8, 10, 255], 2),
                column(3, [1, 0, 5, 8, 11, 255], 2),
                column(3, [1, 0, 5, 8, 12, 255], 2),
                column(3, [1, 0, 5, 8, 13, 255], 2),
                column(3, [1, 0, 5, 8, 14, 255], 2),
                column(3, [1, 0, 5, 8, 15, 255], 2),
                column(3, [1, 0, 5, 8, 16, 255], 2),
                column(3, [1, 0, 6, 8, 10, 255], 2),
                column(3, [1, 0, 6, 8, 11, 255], 2),
                column(3, [1, 0, 6, 8, 12, 255], 2),
                column(3, [1, 0, 6, 8, 13, 255], 2),
                column(3, [1, 0, 6, 8, 14, 255], 2),
                column(3, [1, 0, 6, 8, 15, 255], 2),
                column(3, [1, 0, 6, 8, 16, 255], 2),
                column(3, [1, 0, 7, 8, 10, 255], 2),
                column(3, [1, 0, 7, 8, 11, 255], 2),
                column(3, [1, 0, 7, 8, 12, 255], 2),
                column(3, [1, 0, 7, 8, 13, 255], 2),
                column(3, [1, 0, 7, 8, 14, 255], 2),
                column(3, [1, 0, 7, 8, 15, 255], 2),
                column(3, [1, 0, 7, 8, 16, 255], 2),
                column(3, [1, 0, 8, 8, 10, 255], 2),
                column(3, [1, 0, 8, 8, 11, 255], 2),
                column(3, [1, 0, 8, 8, 12, 255], 2),
                column(3, [1, 0, 8, 8, 13, 255], 2),
                column(3, [1, 0, 8, 8, 14, 255], 2),
                column(3, [1, 0, 8, 8, 15, 255], 2),
                column(3, [1, 0, 8, 8, 16, 255], 2),
                column(3, [1, 0, 1, 9, 10, 255], 2),
                column(3, [1, 0, 1, 9, 11, 255], 2),
                column(3, [1, 0, 1, 9, 12, 255], 2),
                column(3, [1, 0, 1, 9, 13, 255], 2),
                column(3, [1, 0, 1, 9, 14, 255], 2),
                column(3, [1, 0, 1, 9, 15, 255], 2),
                column(3, [1, 0, 1, 9, 16, 255], 2),
                column(3, [1, 0, 2, 9, 10, 255], 2),
                column(3, [1, 0, 2, 9, 11, 255], 2),
                column(3, [1, 0, 2, 9, 12, 255], 2),
                column(3, [1, 0, 2, 9, 13, 255], 2),
                column(3, [1, 0, 2, 9, 14, 255], 2),
                column(3, [1, 0, 2, 9, 15, 255], 2),
                column(3, [1, 0, 2, 9, 16, 255], 2),
                column(3, [1, 0, 5, 9, 10, 255], 2),
                column(3, [1, 0, 5, 9, 11, 255], 2),
                column(3, [1, 0, 5, 9, 12, 255], 2),
                column(3, [1, 0, 5, 9, 13, 255], 2),
                column(3, [1, 0, 5, 9, 14, 255], 2),
                column(3, [1, 0, 5, 9, 15, 255], 2),
                column(3, [1, 0, 5, 9, 16, 255], 2),
                column(3, [1, 0, 6, 9, 10, 255], 2),
                column(3, [1, 0, 6, 9, 11, 255], 2),
                column(3, [1, 0, 6, 9, 12, 255], 2),
                column(3, [1, 0, 6, 9, 13, 255], 2),
                column(3, [1, 0, 6, 9, 14, 255], 2),
                column(3, [1, 0, 6, 9, 15, 255], 2),
                column(3, [1, 0, 6, 9, 16, 255], 2),
                column(3, [1, 0, 7, 9, 10, 255], 2),
                column(3, [1, 0, 7, 9, 11, 255], 2),
                column(3, [1, 0, 7, 9, 12, 255], 2),
                column(3, [1, 0, 7, 9, 13, 255], 2),
                column(3, [1, 0, 7, 9, 14, 255], 2),
                column(3, [1, 0, 7, 9, 15, 255], 2),
                column(3, [1, 0, 7, 9, 16, 255], 2),
                column(3, [1, 0, 8, 9, 10, 255], 2),
                column(3, [1, 0, 8, 9, 11, 255], 2),
                column(3, [1, 0, 8, 9, 12, 255], 2),
                column(3, [1, 0, 8, 9, 13, 255], 2),
                column(3, [1, 0, 8, 9, 14, 255], 2),
                column(3, [1, 0, 8, 9, 15, 255], 2),
                column(3, [1, 0, 8, 9, 16, 255], 2),
                column(4, [1, 0, 1, 6, 10, 255], 2),
                column(4, [1, 0, 1, 6, 10, 255], 5),
                column(4, [1, 0, 1, 6, 11, 255], 2),
                column(4, [1, 0, 1, 6, 11, 255], 5),
                column(4, [1, 0, 1, 6, 12, 255], 2),
                column(4, [1, 0, 1, 6, 12, 255], 5),
                column(4, [1, 0, 1, 6, 13, 255], 2),
                column(4, [1, 0, 1, 6, 13, 255], 5),
                column(4, [1, 0, 1, 6, 14, 255], 2),
                column(4, [1, 0, 1, 6, 14, 255], 5),
                column(4, [1, 0, 1, 6, 15, 255], 2),
                column(4, [1, 0, 1, 6, 15, 255], 5),
                column(4, [1, 0, 1, 6, 16, 255], 2),
                column(4, [1, 0, 1, 6, 16, 255], 5),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 0, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 1, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 2, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 3, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 4, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 5, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 6, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 7, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 8, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 9, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
    ],
    quirks: &[
    ],
},
Companion {
    name: "smr",
    title: "DSMR/SMR 5.0",
    time: TimeConvention {
        deviation_minutes: -60,
        daylight_saving: true,
        source: SMR_GXF_PROFILE,
    },
    clients: &[
        Client {
            name: "public", sap: 16, authentication: A::None,
            security: S::None, suite: None, pre_established: false,
            source: SMR_DLMS,
        },
        Client {
            name: "management", sap: 1, authentication: A::HlsGmac,
            security: S::AuthenticatedEncrypted, suite: Some(0), pre_established: false,
            source: SMR_GXF,
        },
    ],
    objects: &[
        object(
            "current association", 15, None, [0, 0, 40, 0, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "SAP assignment", 17, Some(0), [0, 0, 41, 0, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "logical device name", 1, Some(0), [0, 0, 42, 0, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "security setup", 64, None, [0, 0, 43, 0, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "invocation counter", 1, Some(0), [0, 0, 43, 1, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "image transfer", 18, Some(0), [0, 0, 44, 0, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "device ID 1", 1, Some(0), [0, 0, 96, 1, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "active firmware", 1, Some(0), [1, 0, 0, 2, 0, 255],
            None, Always, SMR_DLMS,
        ),
        object(
            "status of interval values", 1, Some(0), [0, 0, 96, 10, 2, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "status of daily values", 1, Some(0), [0, 0, 96, 10, 4, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "status of monthly values", 1, Some(0), [0, 0, 96, 10, 6, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "alarm register 1", 1, Some(0), [0, 0, 97, 98, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "alarm filter 1", 1, Some(0), [0, 0, 97, 98, 10, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "randomisation settings", 1, Some(0), [0, 1, 94, 31, 12, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "push scheduler", 22, Some(0), [0, 0, 15, 0, 4, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "standard event code", 1, Some(0), [0, 0, 96, 11, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "fraud detection event code", 1, Some(0), [0, 0, 96, 11, 1, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "M-Bus event code", 1, Some(0), [0, 0, 96, 11, 3, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "communication sessions event code", 1, Some(0), [0, 0, 96, 11, 4, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "active energy import", 3, Some(0), [1, 0, 1, 8, 0, 255],
            unit(0, Unit::WattHour), Always, SMR_GXF,
        ),
        object(
            "active energy import tariff 1", 3, Some(0), [1, 0, 1, 8, 1, 255],
            unit(0, Unit::WattHour), Always, SMR_GXF,
        ),
        object(
            "active energy import tariff 2", 3, Some(0), [1, 0, 1, 8, 2, 255],
            unit(0, Unit::WattHour), Always, SMR_GXF,
        ),
        object(
            "active energy export", 3, Some(0), [1, 0, 2, 8, 0, 255],
            unit(0, Unit::WattHour), Always, SMR_GXF,
        ),
        object(
            "active energy export tariff 1", 3, Some(0), [1, 0, 2, 8, 1, 255],
            unit(0, Unit::WattHour), Always, SMR_GXF,
        ),
        object(
            "active energy export tariff 2", 3, Some(0), [1, 0, 2, 8, 2, 255],
            unit(0, Unit::WattHour), Always, SMR_GXF,
        ),
        object(
            "clock", 8, Some(0), [0, 0, 1, 0, 0, 255],
            None, Always, SMR_GXF_PROFILE,
        ),
        object(
            "active power import", 3, Some(0), [1, 0, 1, 7, 0, 255],
            unit(0, Unit::Watt), Always, SMR_GXF_PROFILE,
        ),
        object(
            "active power export", 3, Some(0), [1, 0, 2, 7, 0, 255],
            unit(0, Unit::Watt), Always, SMR_GXF_PROFILE,
        ),
        object(
            "active power import L1", 3, Some(0), [1, 0, 21, 7, 0, 255],
            unit(0, Unit::Watt), Always, SMR_GXF_PROFILE,
        ),
        object(
            "active power export L1", 3, Some(0), [1, 0, 22, 7, 0, 255],
            unit(0, Unit::Watt), Always, SMR_GXF_PROFILE,
        ),
        object(
            "current L1", 3, Some(0), [1, 0, 31, 7, 0, 255],
            unit(-2, Unit::Ampere), Always, SMR_GXF_PROFILE,
        ),
        object(
            "number of power failures", 1, Some(0), [0, 0, 96, 7, 21, 255],
            None, Always, SMR_GXF_PROFILE,
        ),
        object(
            "number of long power failures", 1, Some(0), [0, 0, 96, 7, 9, 255],
            None, Always, SMR_GXF_PROFILE,
        ),
        object(
            "number of voltage sags L1", 1, Some(0), [1, 0, 32, 32, 0, 255],
            None, Always, SMR_GXF_PROFILE,
        ),
        object(
            "number of voltage swells L1", 1, Some(0), [1, 0, 32, 36, 0, 255],
            None, Always, SMR_GXF_PROFILE,
        ),
        object(
            "active power import L2", 3, Some(0), [1, 0, 41, 7, 0, 255],
            unit(0, Unit::Watt), Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "active power import L3", 3, Some(0), [1, 0, 61, 7, 0, 255],
            unit(0, Unit::Watt), Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "active power export L2", 3, Some(0), [1, 0, 42, 7, 0, 255],
            unit(0, Unit::Watt), Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "active power export L3", 3, Some(0), [1, 0, 62, 7, 0, 255],
            unit(0, Unit::Watt), Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "current L2", 3, Some(0), [1, 0, 51, 7, 0, 255],
            unit(-2, Unit::Ampere), Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "current L3", 3, Some(0), [1, 0, 71, 7, 0, 255],
            unit(-2, Unit::Ampere), Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "number of voltage sags L2", 1, Some(0), [1, 0, 52, 32, 0, 255],
            None, Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "number of voltage sags L3", 1, Some(0), [1, 0, 72, 32, 0, 255],
            None, Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "number of voltage swells L2", 1, Some(0), [1, 0, 52, 36, 0, 255],
            None, Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "number of voltage swells L3", 1, Some(0), [1, 0, 72, 36, 0, 255],
            None, Sometimes, SMR_GXF_PROFILE,
        ),
        object(
            "status of gas interval values", 1, Some(0), [0, 1, 96, 10, 3, 255],
            None, Sometimes, SMR_GXF,
        ),
        object(
            "status of gas daily values", 1, Some(0), [0, 1, 96, 10, 5, 255],
            None, Sometimes, SMR_GXF,
        ),
        object(
            "status of gas monthly values", 1, Some(0), [0, 1, 96, 10, 7, 255],
            None, Sometimes, SMR_GXF,
        ),
        object(
            "gas", 4, Some(0), [0, 1, 24, 2, 2, 255],
            unit(0, Unit::CubicMetre), Sometimes, SMR_GXF,
        ),
        object(
            "M-Bus client", 72, Some(1), [0, 1, 24, 1, 0, 255],
            None, Sometimes, SMR_GXF,
        ),
        object(
            "push on schedule", 40, None, [0, 0, 25, 9, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "push on alarm", 40, None, [0, 1, 25, 9, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "interval values", 7, Some(1), [1, 0, 99, 1, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "daily values", 7, Some(1), [1, 0, 99, 2, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "monthly values", 7, Some(1), [1, 0, 98, 1, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "gas interval values", 7, Some(1), [0, 1, 24, 3, 0, 255],
            None, Sometimes, SMR_GXF,
        ),
        object(
            "gas daily values", 7, Some(1), [0, 1, 24, 3, 1, 255],
            None, Sometimes, SMR_GXF,
        ),
        object(
            "gas monthly values", 7, Some(1), [0, 1, 24, 3, 2, 255],
            None, Sometimes, SMR_GXF,
        ),
        object(
            "standard event log", 7, Some(1), [0, 0, 99, 98, 0, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "fraud detection log", 7, Some(1), [0, 0, 99, 98, 1, 255],
            None, Always, SMR_GXF,
        ),
        object(
            "communication sessions log", 7, Some(1), [0, 0, 99, 98, 4, 255],
            None, Always, SMR_GXF,
        ),
    ],
    profiles: &[
        Profile {
            instance: LogicalName([1, 0, 99, 1, 0, 255]), period: P::Seconds(900),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 10, 2, 255], 2),
                column(3, [1, 0, 1, 8, 0, 255], 2),
                column(3, [1, 0, 2, 8, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([1, 0, 99, 2, 0, 255]), period: P::Seconds(86400),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 10, 4, 255], 2),
                column(3, [1, 0, 1, 8, 1, 255], 2),
                column(3, [1, 0, 1, 8, 2, 255], 2),
                column(3, [1, 0, 2, 8, 1, 255], 2),
                column(3, [1, 0, 2, 8, 2, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([1, 0, 98, 1, 0, 255]), period: P::Month,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 10, 6, 255], 2),
                column(3, [1, 0, 1, 8, 1, 255], 2),
                column(3, [1, 0, 1, 8, 2, 255], 2),
                column(3, [1, 0, 2, 8, 1, 255], 2),
                column(3, [1, 0, 2, 8, 2, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 1, 24, 3, 0, 255]), period: P::Seconds(3600),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 1, 96, 10, 3, 255], 2),
                column(4, [0, 1, 24, 2, 2, 255], 2),
                column(4, [0, 1, 24, 2, 2, 255], 5),
            ],
        },
        Profile {
            instance: LogicalName([0, 1, 24, 3, 1, 255]), period: P::Seconds(86400),
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 1, 96, 10, 5, 255], 2),
                column(4, [0, 1, 24, 2, 2, 255], 2),
                column(4, [0, 1, 24, 2, 2, 255], 5),
            ],
        },
        Profile {
            instance: LogicalName([0, 1, 24, 3, 2, 255]), period: P::Month,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 1, 96, 10, 7, 255], 2),
                column(4, [0, 1, 24, 2, 2, 255], 2),
                column(4, [0, 1, 24, 2, 2, 255], 5),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 0, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 0, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 1, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 1, 255], 2),
            ],
        },
        Profile {
            instance: LogicalName([0, 0, 99, 98, 4, 255]), period: P::Event,
            columns: &[
                column(8, [0, 0, 1, 0, 0, 255], 2),
                column(1, [0, 0, 96, 11, 4, 255], 2),
            ],
        },
    ],
    quirks: &[
        Quirk {
            text:
                "up to DSMR 4.2 the daily and monthly profiles hold all M-Bus channels as \
                 well, and gas is at 0-n:24.2.1",
            source: SMR_GXF,
        },
    ],
},
];
