//! Association LN (class 15, versions 0 to 3): the association that the client speaks through, and
//! the list of the objects that this client may do anything with, and what.

use alloc::vec::Vec;

use super::{
    AttributeRights, CosemObject, Get, MethodRights, ObjectId, access_rights::AccessModes, put,
};
use crate::{
    axdr::{BitStringBuf, Data, DataBuf},
    cosem::{ClassId, LogicalName},
    xdlms::{DataAccessResult, SelectiveAccess},
};

/// association_status of an association that answers: associated.
const ASSOCIATED: u8 = 2;
const DLMS_VERSION: u8 = 6;

/// The current association. All it tells comes from the association that asks, so one object serves
/// all of them. What it gives of its methods is for reply_to_HLS_authentication, which the
/// [`Server`](crate::association::Server) answers itself.
#[derive(Clone, Copy, Debug)]
pub struct AssociationLn {
    name: LogicalName,
    version: u8,
    server: u16,
    security_setup: Option<LogicalName>,
}

impl AssociationLn {
    /// The newest version.
    pub const VERSION_MAX: u8 = 3;

    /// The association of the logical device with the SAP `server`; `version` is 0 to 3.
    /// `security_setup` names the Security setup object, from version 1 on.
    pub const fn new(version: u8, server: u16, security_setup: Option<LogicalName>) -> Self {
        let version = if version > Self::VERSION_MAX { Self::VERSION_MAX } else { version };
        Self { name: LogicalName::CURRENT_ASSOCIATION, version, server, security_setup }
    }

    /// The same object by the name that it has besides, as the association of one client: for a
    /// device that lets nobody but that client see it.
    #[must_use]
    pub const fn named(self, name: LogicalName) -> Self {
        Self { name, ..self }
    }

    const fn access_modes(self) -> AccessModes {
        match self.version {
            0 => AccessModes::Plain,
            1 | 2 => AccessModes::Authenticated,
            _ => AccessModes::Bits,
        }
    }

    /// Attribute 2, all of it or a part.
    fn object_list<W>(self, get: &Get<'_, W>) -> Result<DataBuf, DataAccessResult> {
        let selection = match &get.selection {
            Some(selection) => {
                Selection::from_selection(selection).ok_or(DataAccessResult::TypeUnmatched)?
            }
            None => Selection::All,
        };
        let listed = get.objects.iter().filter(|object| {
            // Objects of the other referencing are not reached by this one.
            object.class != ClassId::ASSOCIATION_SN
                && selection.contains(*object)
                && get.may_do_anything(*object)
        });
        let elements: Vec<DataBuf> = listed
            .map(|object| {
                let rights = selection.has_rights().then(|| self.access_rights(get, object));
                let fields = [object.class.0.into(), object.version.into(), object.name.to_data()];
                DataBuf::structure(fields.into_iter().chain(rights))
            })
            .collect();
        match selection {
            Selection::Object(_) => {
                elements.into_iter().next().ok_or(DataAccessResult::ObjectUndefined)
            }
            _ => Ok(DataBuf::array(elements)),
        }
    }

    /// access_rights: what the client may do with each attribute and each method.
    fn access_rights<W>(self, get: &Get<'_, W>, object: ObjectId) -> DataBuf {
        let modes = self.access_modes();
        DataBuf::structure([
            attribute_access(get, object, modes),
            method_access(get, object, modes),
        ])
    }
}

/// attribute_access_descriptor: number, mode and selectors of each attribute.
pub(super) fn attribute_access<W>(
    get: &Get<'_, W>,
    object: ObjectId,
    modes: AccessModes,
) -> DataBuf {
    DataBuf::array((1..=i8::MAX).map_while(|attribute| {
        let rights = get.attribute_rights(object, attribute)?;
        let selectors = get.objects.selectors(object, attribute).iter();
        let selectors = selectors.filter_map(|selector| i8::try_from(*selector).ok());
        let selectors: Vec<DataBuf> = selectors.map(DataBuf::Integer).collect();
        Some(DataBuf::structure([
            attribute.into(),
            DataBuf::Enum(rights.access_mode(modes)),
            if selectors.is_empty() { DataBuf::Null } else { DataBuf::array(selectors) },
        ]))
    }))
}

/// method_access_descriptor: number and mode of each method.
pub(super) fn method_access<W>(get: &Get<'_, W>, object: ObjectId, modes: AccessModes) -> DataBuf {
    DataBuf::array((1..=i8::MAX).map_while(|method| {
        let mode = get.method_rights(object, method)?.access_mode(modes);
        let mode = match modes {
            AccessModes::Plain => DataBuf::Boolean(mode != 0),
            AccessModes::Authenticated | AccessModes::Bits => DataBuf::Enum(mode),
        };
        Some(DataBuf::structure([method.into(), mode]))
    }))
}

/// Which part of the object list is wanted (selective access to attribute object_list).
enum Selection {
    All,
    /// Selector 1: all objects, without the rights.
    Names,
    /// Selector 2: the objects of these classes, without the rights.
    Classes(Vec<ClassId>),
    /// Selector 3: these objects.
    Objects(Vec<(ClassId, LogicalName)>),
    /// Selector 4: this object, not in an array.
    Object((ClassId, LogicalName)),
}

const SELECTORS: [u8; 4] = [1, 2, 3, 4];

impl Selection {
    fn from_selection(selection: &SelectiveAccess<'_>) -> Option<Self> {
        let parameters = selection.parameters.data().ok()?;
        Some(match selection.selector {
            1 => Self::Names,
            2 => {
                let class = |class: Data<'_>| Some(ClassId(class.as_unsigned()?.try_into().ok()?));
                let classes = parameters.as_array()?;
                Self::Classes(classes.map(|id| class(id.ok()?)).collect::<Option<_>>()?)
            }
            3 => {
                let objects = parameters.as_array()?;
                Self::Objects(objects.map(|id| object_id(&id.ok()?)).collect::<Option<_>>()?)
            }
            4 => Self::Object(object_id(&parameters)?),
            _ => return None,
        })
    }

    const fn has_rights(&self) -> bool {
        !matches!(self, Self::Names | Self::Classes(_))
    }

    fn contains(&self, object: ObjectId) -> bool {
        let id = (object.class, object.name);
        match self {
            Self::All | Self::Names => true,
            Self::Classes(classes) => classes.contains(&object.class),
            Self::Objects(objects) => objects.contains(&id),
            Self::Object(wanted) => *wanted == id,
        }
    }
}

/// object_Id: a structure of class and logical name.
fn object_id(data: &Data<'_>) -> Option<(ClassId, LogicalName)> {
    let mut fields = data.as_structure().filter(|fields| fields.len() == 2)?;
    let class = ClassId(fields.next()?.ok()?.as_unsigned()?.try_into().ok()?);
    Some((class, LogicalName::from_data(&fields.next()?.ok()?)?))
}

impl<W> CosemObject<W> for AssociationLn {
    fn class(&self) -> ClassId {
        ClassId::ASSOCIATION_LN
    }

    fn version(&self) -> u8 {
        self.version
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        const READ: AttributeRights = AttributeRights::READ;
        const ATTRIBUTES: [AttributeRights; 10] =
            [READ, READ, READ, READ, READ, AttributeRights::NONE, READ, READ, READ, READ];
        let [attributes @ .., _, _, _] = &ATTRIBUTES;
        let [with_security_setup @ .., _, _] = &ATTRIBUTES;
        match self.version {
            0 => attributes,
            1 => with_security_setup,
            _ => &ATTRIBUTES,
        }
    }

    /// reply_to_HLS_authentication, change_HLS_secret, add_object, remove_object, add_user,
    /// remove_user
    fn methods(&self) -> &[MethodRights] {
        const NONE: MethodRights = MethodRights::NONE;
        const METHODS: [MethodRights; 6] = [MethodRights::ACCESS, NONE, NONE, NONE, NONE, NONE];
        let [without_users @ .., _, _] = &METHODS;
        if self.version < 2 { without_users } else { &METHODS }
    }

    fn selectors(&self, attribute: i8) -> &[u8] {
        if attribute == 2 { &SELECTORS } else { &[] }
    }

    fn get(&self, get: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        // The device itself has no association to ask about.
        let access = get.access.ok_or(DataAccessResult::ObjectUnavailable)?;
        match get.attribute {
            2 => put(out, &self.object_list(get)?),
            3 => {
                // The client's SAP is an integer of eight bits in all versions.
                let [_, client] = access.client.to_be_bytes();
                let client = DataBuf::Integer(i8::from_be_bytes([client]));
                put(out, &DataBuf::structure([client, self.server.into()]))
            }
            4 => put(out, &DataBuf::octet_string(access.application_context.object_identifier())),
            5 => {
                let conformance = access.conformance.octets();
                let bits = conformance.into_iter().flat_map(|octet| {
                    [0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1].map(|bit| octet & bit != 0)
                });
                put(
                    out,
                    &DataBuf::structure([
                        BitStringBuf::from_bits(bits).into(),
                        access.max_receive_pdu.into(),
                        access.max_send_pdu.into(),
                        DLMS_VERSION.into(),
                        DataBuf::Integer(0),
                        DataBuf::octet_string([]),
                    ]),
                )
            }
            6 => put(out, &DataBuf::octet_string(access.mechanism.object_identifier())),
            8 => put(out, &DataBuf::Enum(ASSOCIATED)),
            9 => {
                let name = self.security_setup.map_or_else(Vec::new, |name| name.0.to_vec());
                put(out, &DataBuf::octet_string(name))
            }
            // Users are not told apart: the list is empty, and nobody is the current one.
            10 => put(out, &DataBuf::array([])),
            11 => put(out, &DataBuf::structure([0_u8.into(), DataBuf::visible_string("")])),
            _ => Err(DataAccessResult::ReadWriteDenied),
        }
    }
}
