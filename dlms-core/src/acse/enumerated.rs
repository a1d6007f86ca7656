//! Tables of codes: what the standard writes as ENUMERATED or as an INTEGER with named values.

/// Declares an enum from a table of codes with the names that the standard gives them. A code that
/// the table lacks is kept as `Other`, so that it can be shown and encoded again.
macro_rules! enumerated {
    (
        $(#[$meta:meta])*
        $vis:vis enum $Enum:ident {
            $( $(#[$doc:meta])* $Variant:ident = $code:literal, $name:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $Enum {
            $( $(#[$doc])* $Variant, )+
            /// A code without a name in the standard.
            Other(u8),
        }

        impl $Enum {
            /// The meaning of a code.
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $( $code => Self::$Variant, )+
                    other => Self::Other(other),
                }
            }

            /// The code, as it is on the wire.
            pub const fn code(self) -> u8 {
                match self {
                    $( Self::$Variant => $code, )+
                    Self::Other(code) => code,
                }
            }

            /// The name in the standard; `unknown` for [`Other`](Self::Other).
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$Variant => $name, )+
                    Self::Other(_) => "unknown",
                }
            }
        }

        /// The name and, in parentheses, the code.
        impl core::fmt::Display for $Enum {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{} ({})", self.name(), self.code())
            }
        }
    };
}

pub(crate) use enumerated;
