//! Physical units and scalers (IEC 62056-6-2 clause 4.3.2, attribute `scaler_unit`; table of
//! enumerated units).
//!
//! A value stays mantissa, scaler and unit until a person reads it: [`scaled_text`] then writes it
//! exactly, without floating point.

use alloc::{format, string::String};
use core::fmt;

use crate::axdr::{Data, DataBuf};

macro_rules! units {
    ($($code:literal $name:ident $symbol:literal $meaning:literal,)*) => {
        /// A physical unit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Unit {
            $(#[doc = $meaning] $name,)*
            /// A code without an entry here; it is kept.
            Other(u8),
        }

        impl Unit {
            /// The unit that `code` stands for.
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Other(other),
                }
            }

            /// The code in the table of the standard.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The symbol: `Wh`, `m³`. A count has none (the empty text); a code without an entry
            /// has `None`.
            pub const fn symbol(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($symbol),)*
                    Self::Other(_) => None,
                }
            }
        }
    };
}

units! {
    1 Year "a" "Year.",
    2 Month "mo" "Month.",
    3 Week "wk" "Week.",
    4 Day "d" "Day.",
    5 Hour "h" "Hour.",
    6 Minute "min" "Minute.",
    7 Second "s" "Second.",
    8 Degree "°" "Degree of a (phase) angle.",
    9 DegreeCelsius "°C" "Degree Celsius.",
    10 Currency "currency" "The local currency.",
    11 Metre "m" "Metre.",
    12 MetrePerSecond "m/s" "Metre per second.",
    13 CubicMetre "m³" "Cubic metre.",
    14 CubicMetreCorrected "m³" "Cubic metre, corrected volume.",
    15 CubicMetrePerHour "m³/h" "Cubic metre per hour.",
    16 CubicMetrePerHourCorrected "m³/h" "Cubic metre per hour, corrected volume.",
    17 CubicMetrePerDay "m³/d" "Cubic metre per day.",
    18 CubicMetrePerDayCorrected "m³/d" "Cubic metre per day, corrected volume.",
    19 Litre "l" "Litre.",
    20 Kilogram "kg" "Kilogram.",
    21 Newton "N" "Newton.",
    22 NewtonMetre "Nm" "Newton metre, energy.",
    23 Pascal "Pa" "Pascal.",
    24 Bar "bar" "Bar.",
    25 Joule "J" "Joule.",
    26 JoulePerHour "J/h" "Joule per hour, thermal power.",
    27 Watt "W" "Watt, active power.",
    28 VoltAmpere "VA" "Volt-ampere, apparent power.",
    29 Var "var" "Var, reactive power.",
    30 WattHour "Wh" "Watt-hour, active energy.",
    31 VoltAmpereHour "VAh" "Volt-ampere-hour, apparent energy.",
    32 VarHour "varh" "Var-hour, reactive energy.",
    33 Ampere "A" "Ampere.",
    34 Coulomb "C" "Coulomb.",
    35 Volt "V" "Volt.",
    36 VoltPerMetre "V/m" "Volt per metre.",
    37 Farad "F" "Farad.",
    38 Ohm "Ω" "Ohm.",
    39 OhmSquareMetrePerMetre "Ωm²/m" "Ohm square metre per metre, resistivity.",
    40 Weber "Wb" "Weber.",
    41 Tesla "T" "Tesla.",
    42 AmperePerMetre "A/m" "Ampere per metre.",
    43 Henry "H" "Henry.",
    44 Hertz "Hz" "Hertz.",
    45 PerWattHour "1/(Wh)" "Meter constant or pulse value of active energy.",
    46 PerVarHour "1/(varh)" "Meter constant or pulse value of reactive energy.",
    47 PerVoltAmpereHour "1/(VAh)" "Meter constant or pulse value of apparent energy.",
    48 VoltSquaredHour "V²h" "Volt-squared hour.",
    49 AmpereSquaredHour "A²h" "Ampere-squared hour.",
    50 KilogramPerSecond "kg/s" "Kilogram per second.",
    51 Siemens "S" "Siemens.",
    52 Kelvin "K" "Kelvin.",
    53 PerVoltSquaredHour "1/(V²h)" "Meter constant or pulse value of volt-squared hours.",
    54 PerAmpereSquaredHour "1/(A²h)" "Meter constant or pulse value of ampere-squared hours.",
    55 PerCubicMetre "1/m³" "Meter constant or pulse value of volume.",
    56 Percent "%" "Percent.",
    57 AmpereHour "Ah" "Ampere-hour.",
    60 WattHourPerCubicMetre "Wh/m³" "Watt-hour per cubic metre, energy per volume.",
    61 JoulePerCubicMetre "J/m³" "Joule per cubic metre, calorific value, Wobbe index.",
    62 MolePercent "Mol %" "Mole percent of a gas composition.",
    63 GramPerCubicMetre "g/m³" "Gram per cubic metre, mass density.",
    64 PascalSecond "Pa s" "Pascal second, dynamic viscosity.",
    65 JoulePerKilogram "J/kg" "Joule per kilogram, specific energy.",
    66 GramPerSquareCentimetre "g/cm²" "Gram per square centimetre, pressure.",
    67 Atmosphere "atm" "Atmosphere.",
    70 DecibelMilliwatt "dBm" "Signal strength, decibel above a milliwatt.",
    71 DecibelMicrovolt "dBµV" "Signal strength, decibel above a microvolt.",
    72 Decibel "dB" "Decibel.",
    128 Inch "in" "Inch.",
    129 Foot "ft" "Foot.",
    130 Pound "lb" "Pound.",
    131 DegreeFahrenheit "°F" "Degree Fahrenheit.",
    132 DegreeRankine "°R" "Degree Rankine.",
    133 SquareInch "in²" "Square inch.",
    134 SquareFoot "ft²" "Square foot.",
    135 Acre "ac" "Acre.",
    136 CubicInch "in³" "Cubic inch.",
    137 CubicFoot "ft³" "Cubic foot.",
    138 AcreFoot "acre ft" "Acre-foot.",
    139 ImperialGallon "gal (imp)" "Imperial gallon.",
    140 UsGallon "gal (US)" "US gallon.",
    141 PoundForce "lbf" "Pound force.",
    142 PoundForcePerSquareInch "psi" "Pound force per square inch.",
    143 PoundPerCubicFoot "lb/ft³" "Pound per cubic foot, density.",
    144 PoundPerFootSecond "lb/(ft s)" "Pound per foot and second, dynamic viscosity.",
    145 SquareFootPerSecond "ft²/s" "Square foot per second, kinematic viscosity.",
    146 BritishThermalUnit "Btu" "British thermal unit.",
    147 ThermEu "thm (EU)" "Therm as the EU defines it.",
    148 ThermUs "thm (US)" "Therm as the USA define it.",
    149 BritishThermalUnitPerPound "Btu/lb" "British thermal unit per pound, calorific value.",
    150 BritishThermalUnitPerCubicFoot "Btu/ft³"
        "British thermal unit per cubic foot, calorific value.",
    151 CubicFootConstant "ft³" "Cubic foot, meter constant or pulse value of volume.",
    152 FootPerSecond "ft/s" "Foot per second.",
    153 CubicFootPerSecond "ft³/s" "Cubic foot per second.",
    154 CubicFootPerMinute "ft³/min" "Cubic foot per minute.",
    155 CubicFootPerHour "ft³/h" "Cubic foot per hour.",
    156 CubicFootPerDay "ft³/d" "Cubic foot per day.",
    157 AcreFootPerSecond "acre ft/s" "Acre-foot per second.",
    158 AcreFootPerMinute "acre ft/min" "Acre-foot per minute.",
    159 AcreFootPerHour "acre ft/h" "Acre-foot per hour.",
    160 AcreFootPerDay "acre ft/d" "Acre-foot per day.",
    161 ImperialGallonConstant "gal (imp)"
        "Imperial gallon, meter constant or pulse value of volume.",
    162 ImperialGallonPerSecond "gal (imp)/s" "Imperial gallon per second.",
    163 ImperialGallonPerMinute "gal (imp)/min" "Imperial gallon per minute.",
    164 ImperialGallonPerHour "gal (imp)/h" "Imperial gallon per hour.",
    165 ImperialGallonPerDay "gal (imp)/d" "Imperial gallon per day.",
    166 UsGallonConstant "gal (US)" "US gallon, meter constant or pulse value of volume.",
    167 UsGallonPerSecond "gal (US)/s" "US gallon per second.",
    168 UsGallonPerMinute "gal (US)/min" "US gallon per minute.",
    169 UsGallonPerHour "gal (US)/h" "US gallon per hour.",
    170 UsGallonPerDay "gal (US)/d" "US gallon per day.",
    171 BritishThermalUnitPerSecond "Btu/s" "British thermal unit per second.",
    172 BritishThermalUnitPerMinute "Btu/min" "British thermal unit per minute.",
    173 BritishThermalUnitPerHour "Btu/h" "British thermal unit per hour.",
    174 BritishThermalUnitPerDay "Btu/d" "British thermal unit per day.",
    254 NotListed "other" "A unit that the table of the standard does not have.",
    255 Count "" "No unit: a count, or a quantity without unit.",
}

/// The symbol, or `unit 200` for a code without an entry.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.symbol() {
            Some(symbol) => f.pad(symbol),
            None => f.pad(&format!("unit {}", self.code())),
        }
    }
}

/// What a mantissa has to be multiplied with: ten to the power of `scaler`, and the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScalerUnit {
    /// The exponent to the base of 10.
    pub scaler: i8,
    /// The unit.
    pub unit: Unit,
}

impl ScalerUnit {
    /// A plain count.
    pub const COUNT: Self = Self { scaler: 0, unit: Unit::Count };

    /// `scaler` and `unit`.
    pub const fn new(scaler: i8, unit: Unit) -> Self {
        Self { scaler, unit }
    }

    /// A structure of integer and enum. Other integer types are taken as well, as some meters send
    /// them.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 2)?;
        let scaler = i8::try_from(fields.next()?.ok()?.as_integer()?).ok()?;
        let unit = u8::try_from(fields.next()?.ok()?.as_integer()?).ok()?;
        Some(Self { scaler, unit: Unit::from_code(unit) })
    }

    /// A structure of integer and enum.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([DataBuf::Integer(self.scaler), DataBuf::Enum(self.unit.code())])
    }
}

/// The text of `mantissa` at `scaler_unit`: exact, with as many decimals as the scaler gives and no
/// more.
///
/// ```
/// use dlms_core::cosem::{ScalerUnit, Unit, scaled_text};
///
/// assert_eq!(scaled_text(2301, ScalerUnit::new(-1, Unit::Volt)).to_string(), "230.1 V");
/// assert_eq!(scaled_text(5, ScalerUnit::new(3, Unit::WattHour)).to_string(), "5000 Wh");
/// ```
pub fn scaled_text(mantissa: i128, scaler_unit: ScalerUnit) -> impl fmt::Display {
    ScaledText { mantissa, scaler_unit }
}

struct ScaledText {
    mantissa: i128,
    scaler_unit: ScalerUnit,
}

impl fmt::Display for ScaledText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScalerUnit { scaler, unit } = self.scaler_unit;
        let mut text = String::new();
        if self.mantissa < 0 {
            text.push('-');
        }
        let magnitude = self.mantissa.unsigned_abs();
        let places = usize::from(scaler.unsigned_abs());
        if scaler < 0 {
            // One digit at least stands before the point.
            let digits = format!("{magnitude:0width$}", width = places.saturating_add(1));
            let (whole, fraction) = digits
                .split_at_checked(digits.len().saturating_sub(places))
                .unwrap_or((&digits, ""));
            text.push_str(whole);
            text.push('.');
            text.push_str(fraction);
        } else {
            text.push_str(&format!("{magnitude}"));
            if magnitude != 0 {
                text.extend(core::iter::repeat_n('0', places));
            }
        }
        if unit != Unit::Count {
            text.push(' ');
            text.push_str(&format!("{unit}"));
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::Reader;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn values_are_written_exactly() {
        for (mantissa, scaler, unit, text) in [
            (2301, -1, Unit::Volt, "230.1 V"),
            (-123, -2, Unit::Ampere, "-1.23 A"),
            (5, 3, Unit::WattHour, "5000 Wh"),
            (17, 0, Unit::Count, "17"),
            (0, 3, Unit::WattHour, "0 Wh"),
            (0, -3, Unit::CubicMetre, "0.000 m³"),
            (5, -3, Unit::CubicMetre, "0.005 m³"),
            (-5, -1, Unit::DegreeCelsius, "-0.5 °C"),
            (2300, -1, Unit::Volt, "230.0 V"),
            (1, 0, Unit::Other(200), "1 unit 200"),
            (i128::MIN, 0, Unit::Count, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(scaled_text(mantissa, ScalerUnit::new(scaler, unit)).to_string(), text);
        }
        let smallest = scaled_text(1, ScalerUnit::new(i8::MIN, Unit::Count)).to_string();
        assert_eq!(smallest.len(), 130);
        let largest = scaled_text(1, ScalerUnit::new(i8::MAX, Unit::Count)).to_string();
        assert_eq!(largest.len(), 128);
    }

    #[test]
    fn every_code_is_one_unit_and_back() {
        for code in 0..=255 {
            assert_eq!(Unit::from_code(code).code(), code);
        }
        assert_eq!(Unit::from_code(30), Unit::WattHour);
        assert_eq!(Unit::from_code(58), Unit::Other(58));
        assert_eq!(Unit::from_code(174).symbol(), Some("Btu/d"));
    }

    #[test]
    fn a_scaler_unit_is_a_structure_of_integer_and_enum() {
        let octets = [0x02, 0x02, 0x0f, 0xff, 0x16, 0x23];
        let volts = ScalerUnit::new(-1, Unit::Volt);
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        assert_eq!(ScalerUnit::from_data(&data), Some(volts));
        assert_eq!(volts.to_data().to_octets(), octets);
        assert_eq!(ScalerUnit::from_data(&Data::Null), None);
    }

    proptest! {
        #[test]
        fn the_text_is_the_value(
            mantissa in -(1_i128 << 64)..(1_i128 << 64),
            scaler in -18_i8..=18,
        ) {
            let text = scaled_text(mantissa, ScalerUnit::new(scaler, Unit::Count)).to_string();
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            prop_assert_eq!(fraction.len(), usize::from(scaler.min(0).unsigned_abs()));
            // Without its point the text is the mantissa, or the mantissa times ten to the scaler.
            let digits: i128 = [whole, fraction].concat().parse().unwrap();
            prop_assert_eq!(digits, mantissa * 10_i128.pow(scaler.max(0).unsigned_abs().into()));
            prop_assert_eq!(whole.starts_with('-'), mantissa < 0);
        }
    }
}
