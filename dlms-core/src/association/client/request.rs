//! What a client asks for and what comes back, free of the APDUs that carry it.

use alloc::{borrow::Cow, vec::Vec};

use crate::{
    association::{Failure, Misuse, Violation},
    axdr::Writer,
    cosem::{AttributeDescriptor, MethodDescriptor},
    xdlms::{ActionResult, DataAccessResult, joined},
};

/// A selective access: the selector and its encoded parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which kind; its meaning is the class's.
    pub selector: u8,
    /// One encoded Data.
    pub parameters: Vec<u8>,
}

/// What to ask the meter for. Values and parameters are encoded Data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Read one attribute.
    Get {
        /// The attribute.
        attribute: AttributeDescriptor,
        /// Which part of it.
        selection: Option<Selection>,
    },
    /// Read one attribute and hand out each block as it comes, as an
    /// [`Event::Block`](crate::association::Event::Block), for answers that should not be held in
    /// memory whole. It is not asked again after the first block.
    GetBlocks {
        /// The attribute.
        attribute: AttributeDescriptor,
        /// Which part of it.
        selection: Option<Selection>,
    },
    /// Read several attributes with one request.
    GetList(Vec<(AttributeDescriptor, Option<Selection>)>),
    /// Write one attribute.
    Set {
        /// The attribute.
        attribute: AttributeDescriptor,
        /// Which part of it.
        selection: Option<Selection>,
        /// The value.
        value: Vec<u8>,
    },
    /// Write several attributes with one request.
    SetList(Vec<(AttributeDescriptor, Vec<u8>)>),
    /// Invoke one method.
    Action {
        /// The method.
        method: MethodDescriptor,
        /// Its parameters.
        parameters: Option<Vec<u8>>,
    },
    /// Invoke several methods with one request.
    ActionList(Vec<(MethodDescriptor, Vec<u8>)>),
    /// Read, write and invoke with one request, in this order.
    Access {
        /// What to do.
        items: Vec<AccessItem>,
        /// What the meter does after an item that it refuses.
        on_refusal: OnRefusal,
    },
}

/// One thing that [`Request::Access`] asks for. Values and parameters are encoded Data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessItem {
    /// Read an attribute.
    Get {
        /// The attribute.
        attribute: AttributeDescriptor,
        /// Which part of it.
        selection: Option<Selection>,
    },
    /// Write an attribute.
    Set {
        /// The attribute.
        attribute: AttributeDescriptor,
        /// Which part of it.
        selection: Option<Selection>,
        /// The value.
        value: Vec<u8>,
    },
    /// Invoke a method.
    Action {
        /// The method.
        method: MethodDescriptor,
        /// Its parameters; none are sent as null-data.
        parameters: Option<Vec<u8>>,
    },
}

/// What a meter does after an item of an ACCESS that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnRefusal {
    /// The items behind it.
    GoOn,
    /// Nothing more.
    Break,
}

/// The meter's answer to one [`AccessItem`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessAnswer {
    /// To a read: the encoded Data.
    Get(Result<Vec<u8>, DataAccessResult>),
    /// To a write.
    Set(DataAccessResult),
    /// To a method call.
    Action(ActionOutcome),
}

/// What an action returned: its result, and data where the method has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionOutcome {
    /// Whether it was done.
    pub result: ActionResult,
    /// The encoded Data that it returned.
    pub returned: Option<Result<Vec<u8>, DataAccessResult>>,
}

/// The meter's answer, refusals included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To [`Request::Get`]: the encoded Data.
    Get(Result<Vec<u8>, DataAccessResult>),
    /// To [`Request::GetBlocks`], after the last block.
    GetBlocks(Result<(), DataAccessResult>),
    /// To [`Request::GetList`], in its order.
    GetList(Vec<Result<Vec<u8>, DataAccessResult>>),
    /// To [`Request::Set`].
    Set(DataAccessResult),
    /// To [`Request::SetList`], in its order.
    SetList(Vec<DataAccessResult>),
    /// To [`Request::Action`].
    Action(ActionOutcome),
    /// To [`Request::ActionList`], in its order.
    ActionList(Vec<ActionOutcome>),
    /// To [`Request::Access`], in its order.
    Access(Vec<AccessAnswer>),
    /// None, to an unconfirmed request: it was sent.
    Unconfirmed,
}

impl Request {
    /// Refuses what cannot be encoded, before anything is sent.
    pub(super) fn check(&self) -> Result<(), Misuse> {
        let one = |value: &[u8]| match joined::decode_value(value) {
            Ok(_) => Ok(()),
            Err(malformed) => Err(Misuse::Value(malformed)),
        };
        let selection = |selection: &Option<Selection>| {
            selection.as_ref().map_or(Ok(()), |selection| one(&selection.parameters))
        };
        let some = |empty: bool| if empty { Err(Misuse::List) } else { Ok(()) };
        match self {
            Self::Get { selection: of, .. } | Self::GetBlocks { selection: of, .. } => {
                selection(of)
            }
            Self::GetList(list) => {
                some(list.is_empty())?;
                list.iter().try_for_each(|(_, of)| selection(of))
            }
            Self::Set { selection: of, value, .. } => {
                selection(of)?;
                one(value)
            }
            Self::SetList(list) => {
                some(list.is_empty())?;
                list.iter().try_for_each(|(_, value)| one(value))
            }
            Self::Action { parameters, .. } => parameters.as_deref().map_or(Ok(()), one),
            Self::ActionList(list) => {
                some(list.is_empty())?;
                list.iter().try_for_each(|(_, parameters)| one(parameters))
            }
            Self::Access { items, .. } => {
                some(items.is_empty())?;
                items.iter().try_for_each(|item| match item {
                    AccessItem::Get { selection: of, .. } => selection(of),
                    AccessItem::Set { selection: of, value, .. } => {
                        selection(of)?;
                        one(value)
                    }
                    AccessItem::Action { parameters, .. } => {
                        parameters.as_deref().map_or(Ok(()), one)
                    }
                })
            }
        }
    }

    /// Whether GET responses answer it.
    pub(super) const fn is_get(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::GetBlocks { .. } | Self::GetList(_))
    }

    /// Whether SET responses answer it.
    pub(super) const fn is_set(&self) -> bool {
        matches!(self, Self::Set { .. } | Self::SetList(_))
    }

    /// Whether ACTION responses answer it.
    pub(super) const fn is_action(&self) -> bool {
        matches!(self, Self::Action { .. } | Self::ActionList(_))
    }

    /// What goes into the blocks of a request that is too long for one APDU.
    pub(super) fn data(&self) -> Result<Cow<'_, [u8]>, Failure> {
        fn list<'v>(values: impl ExactSizeIterator<Item = &'v Vec<u8>>) -> Vec<u8> {
            let mut out = Vec::new();
            let mut writer = Writer::new(&mut out);
            writer.length(values.len());
            values.for_each(|value| writer.octets(value));
            out
        }
        Ok(match self {
            Self::Set { value, .. } => Cow::Borrowed(value),
            Self::SetList(values) => Cow::Owned(list(values.iter().map(|(_, value)| value))),
            Self::Action { parameters, .. } => {
                Cow::Borrowed(parameters.as_deref().unwrap_or_default())
            }
            Self::ActionList(values) => Cow::Owned(list(values.iter().map(|(_, value)| value))),
            Self::Get { .. } | Self::GetBlocks { .. } | Self::GetList(_) | Self::Access { .. } => {
                return Err(Violation::Unexpected("block acknowledgement").into());
            }
        })
    }
}
