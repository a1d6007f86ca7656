//! A-XDR, the encoding of xDLMS and COSEM data (IEC 61334-6; types in IEC 62056-6-2 clause 4).
//!
//! - [`Reader`] and [`Writer`] move octets, one pass, front to back.
//! - [`RawData`] is one encoded value, walked but not taken apart: what the services carry.
//! - [`Data`] is a borrowed view of a value, [`DataBuf`] its owned twin.
//! - [`RowTemplate`] reads rows that all look alike by the column.

mod bit_string;
mod compact_array;
mod data;
mod data_buf;
mod data_type;
mod elements;
mod raw;
mod reader;
mod row_template;
mod writer;

pub use bit_string::BitString;
pub use compact_array::{
    COMPACT_ARRAY_VALUES_PER_OCTET_MAX, CompactArray, CompactArrayBuf, CompactArrayRules,
    NotUniform, TypeDescription,
};
pub use data::Data;
pub use data_buf::{BitStringBuf, DATA_BUF_VALUES_MAX, DataBuf};
pub use data_type::DataType;
pub use elements::Elements;
pub use raw::RawData;
pub use reader::Reader;
pub use row_template::{AlikeRows, ColumnValue, RowTemplate};
pub use writer::Writer;

/// How deep arrays and structures may nest. Without a cap, 64 KiB of nested arrays take seconds
/// to walk; real meters stay below six (push object lists, association rights).
pub const NESTING_MAX: usize = 16;
