//! Association SN (class 12, versions 1 to 4): the list of all objects with their base names, and
//! from version 2 on what this client may do with them.

use alloc::vec::Vec;

use super::{
    AttributeRights, CosemObject, Get, MethodRights,
    access_rights::AccessModes,
    association_ln::{attribute_access, method_access},
    put,
};
use crate::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName},
    xdlms::DataAccessResult,
};

/// The current association of a client that uses short names.
#[derive(Clone, Copy, Debug)]
pub struct AssociationSn {
    version: u8,
    security_setup: Option<LogicalName>,
}

impl AssociationSn {
    /// The oldest version that is made here: version 0 had methods that were given up.
    pub const VERSION_MIN: u8 = 1;
    /// The newest version.
    pub const VERSION_MAX: u8 = 4;

    /// `version` is 1 to 4. `security_setup` names the Security setup object, from version 2 on.
    pub const fn new(version: u8, security_setup: Option<LogicalName>) -> Self {
        let version = match version {
            ..=Self::VERSION_MIN => Self::VERSION_MIN,
            Self::VERSION_MAX.. => Self::VERSION_MAX,
            version => version,
        };
        Self { version, security_setup }
    }

    const fn access_modes(self) -> AccessModes {
        if self.version < 4 { AccessModes::Authenticated } else { AccessModes::Bits }
    }
}

impl<W> CosemObject<W> for AssociationSn {
    fn class(&self) -> ClassId {
        ClassId::ASSOCIATION_SN
    }

    fn version(&self) -> u8 {
        self.version
    }

    fn name(&self) -> LogicalName {
        LogicalName::CURRENT_ASSOCIATION
    }

    fn attributes(&self) -> &[AttributeRights] {
        let all = &[AttributeRights::READ; 5];
        let [list, rest @ ..] = all;
        let [rights_and_setup @ .., _, _] = all;
        match (self.version, rest) {
            (1, _) => core::slice::from_ref(list),
            (2, _) => rights_and_setup,
            _ => all,
        }
    }

    /// Method 8, reply_to_HLS_authentication, and 9 and 10 for users, from version 3 on.
    fn methods(&self) -> &[MethodRights] {
        const NONE: MethodRights = MethodRights::NONE;
        const METHODS: [MethodRights; 10] =
            [NONE, NONE, NONE, NONE, NONE, NONE, NONE, MethodRights::ACCESS, NONE, NONE];
        let [without_users @ .., _, _] = &METHODS;
        if self.version < 3 { without_users } else { &METHODS }
    }

    fn get(&self, get: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => {
                let elements = get.objects.short_named().map(|(base_name, object)| {
                    DataBuf::structure([
                        DataBuf::Long(base_name.cast_signed()),
                        object.class.0.into(),
                        object.version.into(),
                        object.name.to_data(),
                    ])
                });
                put(out, &DataBuf::array(elements))
            }
            3 => {
                let modes = self.access_modes();
                let elements = get.objects.short_named().map(|(base_name, object)| {
                    DataBuf::structure([
                        DataBuf::Long(base_name.cast_signed()),
                        attribute_access(get, object, modes),
                        method_access(get, object, modes),
                    ])
                });
                put(out, &DataBuf::array(elements))
            }
            4 => {
                let name = self.security_setup.map_or_else(Vec::new, |name| name.0.to_vec());
                put(out, &DataBuf::octet_string(name))
            }
            // As in class 15: users are not told apart.
            5 => put(out, &DataBuf::array([])),
            _ => put(out, &DataBuf::structure([0_u8.into(), DataBuf::visible_string("")])),
        }
    }
}
