//! What a server asks of the logical device behind it.

use alloc::vec::Vec;

use crate::{
    acse::{ApplicationContext, Mechanism},
    association::{KeySet, ShortNameObject},
    axdr::RawData,
    cosem::{AttributeDescriptor, MethodDescriptor},
    security::{
        CryptoProvider, Key, PartyKeys, Protection, ReceiveCounter, Secret, SecuritySuite,
        SystemTitle,
    },
    xdlms::{ActionResult, Conformance, DataAccessResult, SelectiveAccess},
};

/// A logical device: objects, clients and the counters of its keys.
///
/// One device serves all its associations, so what outlives an association is kept here: above all
/// the invocation counters, which must survive a restart as well. A [`Server`](super::Server) keeps
/// what belongs to one association.
pub trait LogicalDevice {
    /// The system title: eight octets that no other device has.
    fn system_title(&self) -> SystemTitle;

    /// The cryptography of the device.
    fn crypto(&self) -> &dyn CryptoProvider;

    /// What is demanded of the client with this SAP; `None` refuses it.
    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>>;

    /// What HLS 7, general-ciphering and general-signing with this client need beyond the global
    /// keys. A device that has no such keys does not have these either.
    fn party_keys(&self, _client: u16) -> Option<&PartyKeys> {
        None
    }

    /// How responses to this client are protected at least, whatever the requests are. A form of
    /// ciphering is not invented for it: what came unciphered is answered unciphered.
    fn response_protection(&self, _client: u16) -> Protection {
        Protection::NONE
    }

    /// Takes the next invocation counter for sending under the global encryption key. It is stored
    /// durably as used before it is returned, and no value is ever returned twice. `None` when the
    /// key has used up its counters: nothing protected can be sent any more.
    fn take_counter(&mut self) -> Option<u32>;

    /// What was last accepted from `client` under the global encryption key, in whichever
    /// association: nothing, once that key was replaced by another. Each key has counters of its
    /// own, which begin with it (Green Book 9.2.3.3.7.3).
    fn received(&self, client: SystemTitle) -> ReceiveCounter;

    /// Stores durably that `counter` of `client` was accepted. It is called after the tag was
    /// verified and before the request is executed; `false` refuses the request, because a counter
    /// that cannot be remembered could be replayed.
    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool;

    /// The global broadcast encryption key (GBEK), where the device has one. Requests under it are
    /// taken when they ask for no answer; the authentication key is that of the client. Default:
    /// none.
    fn broadcast_key(&self) -> Option<&Key> {
        None
    }

    /// As [`received`](Self::received), under the global broadcast encryption key, whose counters
    /// are others. Default: nothing was received.
    fn received_broadcast(&self, _client: SystemTitle) -> ReceiveCounter {
        ReceiveCounter::new()
    }

    /// As [`accept`](Self::accept), under the global broadcast encryption key. Default: it cannot
    /// be remembered.
    fn accept_broadcast(&mut self, _client: SystemTitle, _counter: u32) -> bool {
        false
    }

    /// The objects that have short names, by which a client without logical names finds them. The
    /// association itself, class 12, need not be among them: the server answers its attributes 1
    /// and 2 and its method 8. Default: none, and no client with short names is let in.
    fn short_names(&self) -> &[ShortNameObject] {
        &[]
    }

    /// Appends the value of an attribute to `out`: one encoded Data.
    ///
    /// # Errors
    /// The refusal that the client gets. What was appended to `out` is dropped.
    fn get(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult>;

    /// Writes an attribute.
    ///
    /// # Errors
    /// The refusal that the client gets.
    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult>;

    /// Invokes a method. A method that changes keys is answered under the old ones, and the next
    /// request must come under the new. What it returns, one encoded Data, is appended to `out`;
    /// most methods return nothing. Method 1 of the current association never comes here: the
    /// server answers it.
    ///
    /// # Errors
    /// The refusal that the client gets. What was appended to `out` is dropped.
    fn action(
        &mut self,
        access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult>;
}

/// What a device demands of one client.
#[derive(Clone, Copy, Debug)]
pub struct ClientPolicy<'d> {
    /// The mechanisms that it may authenticate with. [`Mechanism::Lowest`] lets everybody in.
    pub mechanisms: &'d [Mechanism],
    /// The password (LLS) or shared secret (HLS 2, 3, 4 and 6).
    pub secret: &'d Secret,
    /// The keys that it shares with the device, where it has any: without them it can neither
    /// cipher nor use HLS GMAC.
    pub keys: Option<DeviceKeys<'d>>,
    /// How every request must be protected at least. In a context with ciphering, a request without
    /// any protection is refused in any case.
    pub protection: Protection,
    /// Whether an association with ciphering is released only when the RLRQ proves, by a ciphered
    /// InitiateRequest, that it comes from the client. Without that, anybody on the line can end
    /// the association; with it, a client that sends a bare RLRQ must end the link instead.
    pub proven_release: bool,
}

/// The global unicast keys that a device shares with a client.
#[derive(Clone, Copy, Debug)]
pub struct DeviceKeys<'d> {
    /// The algorithms; both keys have its length.
    pub suite: SecuritySuite,
    /// The global unicast encryption key (GUEK).
    pub encryption: &'d Key,
    /// The global authentication key (GAK).
    pub authentication: &'d Key,
}

/// Who asks, and under which agreement.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The SAP of the client.
    pub client: u16,
    /// The system title that the client presented.
    pub client_title: Option<SystemTitle>,
    /// The application context of the association.
    pub application_context: ApplicationContext,
    /// How the client authenticated itself.
    pub mechanism: Mechanism,
    /// The services that both sides have.
    pub conformance: Conformance,
    /// The largest APDU that the device takes, in octets.
    pub max_receive_pdu: u16,
    /// The largest APDU that the device sends, in octets.
    pub max_send_pdu: u16,
    /// How this very request was protected; its answer is protected the same way.
    pub protection: Protection,
    /// Which global keys this very request came under. What came under the broadcast key is the
    /// word of anybody who has that key, and all meters of a group have it: however the client
    /// authenticated itself, it proves nothing about who asks now.
    pub key_set: KeySet,
}
