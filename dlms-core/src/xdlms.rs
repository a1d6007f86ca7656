//! xDLMS, the services on COSEM objects (IEC 62056-5-3 clauses 6 to 8).
//!
//! [`Apdu`] is any APDU. The services have a type each; what carries the same thing in several of
//! them has a type of its own. All borrow from the octets they were read from, and `decode` of an
//! APDU wants to see all of it and nothing behind it.
//!
//! A refusal is an answer: where the standard has a choice of data or a result code, so has the
//! type, as a plain `Result` inside of what decoding yields.
//!
//! ```
//! use dlms_core::{axdr::Writer, xdlms::{Apdu, DataAccessResult, GetResponse}};
//!
//! // get-response-normal, invoke-id 1, confirmed, high priority: no such object.
//! let octets = [0xc4, 0x01, 0xc1, 0x01, 0x04];
//! let Apdu::GetResponse(GetResponse::Normal { invoke, result }) = Apdu::decode(&octets)? else {
//!     unreachable!()
//! };
//! assert_eq!(invoke.id(), 1);
//! assert_eq!(result, Err(DataAccessResult::ObjectUndefined));
//! # Ok::<(), dlms_core::Malformed>(())
//! ```

mod access;
mod action;
mod apdu;
mod attribute_selection;
mod confirmed_service_error;
mod conformance;
mod data_block;
mod exception;
mod general_block_transfer;
mod get;
mod head;
mod initiate;
mod invoke_id;
pub mod joined;
mod list;
mod notification;
mod read;
mod result;
mod set;
pub mod tag;
mod variable_access;
mod write;

pub use access::{AccessRequest, AccessResponse, AccessResult, AccessSpecification};
pub use action::{ActionRequest, ActionResponse};
pub use apdu::Apdu;
pub use attribute_selection::{AttributeSelection, SelectiveAccess};
pub use confirmed_service_error::{ConfirmedServiceError, ServiceError};
pub use conformance::Conformance;
pub use data_block::DataBlock;
pub use exception::{ExceptionResponse, ExceptionService, ExceptionState};
pub use general_block_transfer::{GeneralBlockTransfer, PUSHED_LEN_MAX, PushedBlocks, StrayBlock};
pub use get::{GetRequest, GetResponse};
pub use initiate::{InitiateRequest, InitiateResponse};
pub use invoke_id::{InvokeIdAndPriority, LongInvokeIdAndPriority};
pub use notification::{
    DataNotification, DataNotificationConfirm, DataNotificationHead, EventNotification,
};
pub use read::{InformationReport, ReadRequest, ReadResponse, ReadResult};
pub use result::{ActionResult, DataAccessResult};
pub use set::{SetRequest, SetResponse};
pub use variable_access::VariableAccess;
pub use write::{WriteRequest, WriteResponse, WriteResult};
