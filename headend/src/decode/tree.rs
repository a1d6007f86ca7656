//! A capture as a tree of text: every layer, one inside the other.
//!
//! ```text
//! HDLC frame
//!   from 16 to 1/17 (management logical device): I N(S)=0 N(R)=0 P/F, 16 octets
//!   LLC command
//! APDU get-request, 13 octets
//!   invoke-id 1, confirmed, high priority
//!   attribute 8:0-0:1.0.0*255:2 (Clock)
//! ```

mod access;

use core::fmt::{Display, Write};

use dlms_core::{
    axdr::{CompactArrayRules, Data, RawData},
    cosem::{
        AttributeDescriptor, AttributeId, ClassId, DateTime, LogicalName, MethodDescriptor,
        class_name, obis,
    },
    gateway::GatewayHeader,
    push::{Patterns, PushValue},
    security::{GeneralHeader, KeyInfo, SecurityControl, SystemTitle},
    xdlms::{
        ActionRequest, ActionResponse, Apdu, AttributeSelection, DataAccessResult, DataBlock,
        GetRequest, GetResponse, InvokeIdAndPriority, SetRequest, SetResponse, tag,
    },
};
use hdlc::{
    address::Address,
    control::{Control, FrameReject},
    frame::Frame,
    llc::Llc,
    parameters::{OnUnknown, Parameters},
};

use super::{
    Fault,
    content::{self, Content},
    keyring::{Head, KeyRing, Seal},
    layers::LAYERS_MAX,
    transport::{Event, Framing, Receiver},
};
use crate::{hex, reading::Shown, render::printable};

/// Octets that are shown of something that is not taken apart.
const SHOWN_MAX: usize = 64;

/// A tree, and whether everything in it could be decoded.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    text: String,
    /// The first fault.
    pub(crate) fault: Option<Fault>,
    /// Whether a tag did not verify.
    pub(crate) forged: bool,
    /// APDUs in it.
    pub(crate) apdus: usize,
}

impl Tree {
    /// Decodes `octets`.
    pub(crate) fn new(
        octets: &[u8],
        framing: Framing,
        keys: &KeyRing,
        patterns: &Patterns,
    ) -> Self {
        let mut tree = Self::default();
        let mut receiver = Receiver::new(framing);
        let mut on = |event: Event<'_>| tree.event(event, keys, patterns);
        receiver.feed(octets, &mut on);
        receiver.finish(&mut on);
        tree
    }

    /// The tree, with a line end behind every line.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn line(&mut self, depth: usize, what: impl Display) {
        // Texts in it may be a stranger's.
        let what = printable(&what.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{:width$}{what}", "", width = depth * 2);
    }

    fn fault(&mut self, depth: usize, fault: Fault) {
        self.line(depth, format_args!("error at octet {}: {}", fault.offset, fault.text));
        self.fault.get_or_insert(fault);
    }

    fn event(&mut self, event: Event<'_>, keys: &KeyRing, patterns: &Patterns) {
        match event {
            Event::Hdlc(frame) => self.hdlc(frame),
            Event::Llc(llc) => {
                // Without a frame it comes first.
                let depth = usize::from(!self.text.is_empty());
                self.line(depth, format_args!("LLC {}", llc_name(llc)));
            }
            Event::Wrapper(frame) => {
                let header = frame.header;
                self.line(0, "wrapper frame");
                self.line(
                    1,
                    format_args!(
                        "from wPort {} to wPort {}, {} octets",
                        wport(header.source),
                        wport(header.destination),
                        header.length
                    ),
                );
            }
            Event::Mbus(frame) => {
                self.line(0, "M-Bus frame");
                let last = if frame.last { ", the last" } else { "" };
                self.line(
                    1,
                    format_args!(
                        "C {:#04x}, A {:#04x}, CI {:#04x}: segment {}{last}, from SAP {} to \
                         SAP {}, {} octets",
                        frame.control,
                        frame.address,
                        frame.control_information(),
                        frame.sequence,
                        frame.source,
                        frame.destination,
                        frame.part.len()
                    ),
                );
            }
            Event::Block(block) => self.transfer_block(1, block),
            Event::Gateway(&GatewayHeader { network, address, .. }) => {
                let address = octets_text(address);
                self.line(1, format_args!("gateway: network {network}, device {address}"));
            }
            Event::Bad(fault) => {
                self.line(0, "not a frame");
                self.fault(1, fault);
            }
            Event::Stray(fault) => self.fault(1, fault),
            Event::Apdu(apdu) => {
                self.apdus += 1;
                self.apdu(0, apdu, keys, patterns, LAYERS_MAX);
            }
        }
    }

    fn hdlc(&mut self, frame: &Frame<'_>) {
        self.line(0, "HDLC frame");
        let more = if frame.segmented { ", more segments follow" } else { "" };
        let length = frame.information.len();
        let octets = if length > 0 { format!(", {length} octets") } else { String::new() };
        let from_client = is_from_client(frame);
        self.line(
            1,
            format_args!(
                "from {} to {}: {}{octets}{more}",
                station(frame.source, from_client),
                station(frame.destination, from_client.map(|from| !from)),
                control_text(frame.control)
            ),
        );
        match frame.control {
            Control::Snrm { .. } | Control::Ua { .. } if length > 0 => {
                match Parameters::decode(frame.information, OnUnknown::Ignore) {
                    Ok(parameters) => self.line(
                        1,
                        format_args!(
                            "sends up to {} octets and {} frames, takes up to {} octets and {} \
                             frames",
                            parameters.information_transmit.octets(),
                            parameters.window_transmit.frames(),
                            parameters.information_receive.octets(),
                            parameters.window_receive.frames()
                        ),
                    ),
                    Err(error) => self.line(1, format_args!("parameters: {error}")),
                }
            }
            Control::Frmr { .. } => {
                if let Some(reject) = FrameReject::decode(frame.information) {
                    let rejected = control_text(reject.control);
                    self.line(1, format_args!("rejected: {rejected}; {reject:?}"));
                }
            }
            _ => {}
        }
    }

    /// An APDU, which is opened in place if it is ciphered.
    fn apdu(
        &mut self,
        depth: usize,
        apdu: &mut [u8],
        keys: &KeyRing,
        patterns: &Patterns,
        layers: usize,
    ) {
        let first = apdu.first().copied().unwrap_or_default();
        let (name, length) = (tag::name(first), apdu.len());
        self.line(depth, format_args!("APDU {name} ({first:#04x}), {length} octets"));
        if !tag::is_protected(first) || layers == 0 {
            return self.plain_apdu(depth + 1, apdu, patterns);
        }
        let mut inner = match self.envelope(depth + 1, apdu, keys) {
            Some(plain) => plain.to_vec(),
            None => return,
        };
        self.apdu(depth + 1, &mut inner, keys, patterns, layers - 1);
    }

    /// One layer of protection; returns what is inside.
    fn envelope<'a>(
        &mut self,
        depth: usize,
        apdu: &'a mut [u8],
        keys: &KeyRing,
    ) -> Option<&'a [u8]> {
        let envelope = match keys.open(apdu) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.fault(depth, error.into());
                return None;
            }
        };
        let title = envelope.title.map_or_else(|| "not known".to_owned(), |it| format!("{it:#}"));
        match &envelope.head {
            Head::Ciphered(head) => {
                self.control(depth, head.control, head.counter);
                let source = if head.system_title.is_some() { "" } else { ", not in the APDU" };
                self.line(depth, format_args!("system title {title}{source}"));
            }
            Head::General(head) => {
                self.header(depth, &head.header, &title);
                self.line(depth, key_info_text(head.key_info.as_ref()));
                self.control(depth, head.control, head.counter);
            }
            Head::Signed(header) => self.header(depth, header, &title),
        }
        match &envelope.seal {
            Seal::Verified if envelope.head.tag() == tag::GENERAL_SIGNING => {
                self.line(depth, "verified: the signature is right");
            }
            Seal::Verified => self.line(depth, "verified: the tag is right"),
            Seal::Unverified(why) => self.line(depth, format_args!("unverified: {why}")),
            Seal::Closed(what) => self.line(depth, format_args!("closed: no {what} for it")),
            Seal::Forged(fault) => {
                self.forged = true;
                self.line(depth, "FORGED, damaged, or for other keys");
                self.fault(depth, fault.clone());
            }
            Seal::Refused(fault) => {
                self.line(depth, "not opened");
                self.fault(depth, fault.clone());
            }
        }
        envelope.plain
    }

    fn control(&mut self, depth: usize, control: SecurityControl, counter: u32) {
        self.line(depth, format_args!("security control {control}"));
        self.line(depth, format_args!("invocation counter {counter}"));
    }

    /// What general-ciphering and general-signing have in front (IEC 62056-5-3 clause 8).
    fn header(&mut self, depth: usize, header: &GeneralHeader, originator: &str) {
        if !header.transaction_id.is_empty() {
            let transaction = octets_text(&header.transaction_id);
            self.line(depth, format_args!("transaction-id {transaction}"));
        }
        let source = if header.originator.is_some() { "" } else { ", not in the APDU" };
        self.line(depth, format_args!("originator {originator}{source}"));
        if let Some(recipient) = header.recipient {
            self.line(depth, format_args!("recipient {recipient:#}"));
        }
        if let Some(time) = date_time_text(&header.date_time) {
            self.line(depth, format_args!("date-time {time}"));
        }
        if !header.other_information.is_empty() {
            let other = octets_text(&header.other_information);
            self.line(depth, format_args!("other information {other}"));
        }
    }

    fn plain_apdu(&mut self, depth: usize, octets: &[u8], patterns: &Patterns) {
        let (apdu, content, malformed) = content::read(octets, patterns);
        match &apdu {
            Some(Apdu::DataNotification(push)) => {
                self.line(depth, format_args!("invoke-id {}", push.invoke.id()));
                let tagged = if push.tagged_date_time { ", with a type tag" } else { "" };
                match date_time_text(push.date_time) {
                    Some(time) => self.line(depth, format_args!("date-time {time}{tagged}")),
                    None => self.line(depth, "no date-time"),
                }
            }
            Some(Apdu::EventNotification(event)) => {
                if let Some(time) = event.time.and_then(date_time_text) {
                    self.line(depth, format_args!("time {time}"));
                }
                self.attribute(depth, event.attribute);
            }
            Some(apdu) => self.other_apdu(depth, apdu),
            None => {}
        }
        match (&content, &apdu) {
            (Some(content), Some(_)) => self.content(depth, content),
            (Some(content), None) => {
                if let Some(time) = content.time.and_then(date_time_text) {
                    self.line(depth, format_args!("date-time {time}"));
                }
                self.line(depth, "a body without type tags");
                self.content(depth, content);
            }
            (None, Some(_)) => {}
            (None, None) => self.line(depth, octets_text(octets)),
        }
        if let Some(malformed) = malformed {
            self.fault(depth, malformed.into());
        }
    }

    fn content(&mut self, depth: usize, content: &Content<'_>) {
        if let Some(body) = &content.body {
            self.line(depth, "body");
            self.data(depth + 1, body);
        }
        let named = content.values.iter().any(|value| value.object.is_some());
        if named || content.body.is_none() && !content.values.is_empty() {
            self.line(depth, "values");
            for value in &content.values {
                self.value(depth + 1, value);
            }
        }
    }

    fn value(&mut self, depth: usize, pushed: &PushValue<'_>) {
        let Some(object) = pushed.object else { return };
        let class = object.class.unwrap_or(match object.instance {
            LogicalName([0, _, 1, 0, ..]) => ClassId::CLOCK,
            _ => ClassId(0),
        });
        let attribute = object.attribute.unwrap_or(AttributeId(2));
        let text = Shown::new(&pushed.value, class, attribute, pushed.scaler_unit)
            .ok()
            .and_then(|shown| shown.text)
            .unwrap_or_default();
        let number = match object.attribute {
            Some(attribute) if attribute.0 != 2 => format!(" attribute {attribute}"),
            _ => String::new(),
        };
        self.line(depth, format_args!("{}{number}: {text}", with_name(object.instance)));
    }

    fn data(&mut self, depth: usize, data: &Data<'_>) {
        let name = data.type_name();
        let elements = match data {
            Data::Array(elements) | Data::Structure(elements) => Some(Ok(elements.clone())),
            Data::CompactArray(array) => Some(array.elements_by(CompactArrayRules::Standard)),
            _ => None,
        };
        match elements {
            Some(Ok(elements)) => {
                self.line(depth, format_args!("{name} of {}", elements.len()));
                for element in elements {
                    match element {
                        Ok(element) => self.data(depth + 1, &element),
                        Err(malformed) => self.fault(depth + 1, malformed.into()),
                    }
                }
            }
            Some(Err(malformed)) => {
                self.line(depth, name);
                self.fault(depth + 1, malformed.into());
            }
            None => self.line(depth, format_args!("{name}{}", scalar_text(data))),
        }
    }

    fn raw(&mut self, depth: usize, raw: &RawData<'_>) {
        match raw.data() {
            Ok(data) => self.data(depth, &data),
            Err(malformed) => self.fault(depth, malformed.into()),
        }
    }

    fn attribute(&mut self, depth: usize, attribute: AttributeDescriptor) {
        let what = described(attribute.class, attribute.instance);
        self.line(depth, format_args!("attribute {attribute}{what}"));
    }

    fn selection(&mut self, depth: usize, selection: &AttributeSelection<'_>) {
        self.attribute(depth, selection.attribute);
        if let Some(access) = &selection.selection {
            self.line(depth + 1, format_args!("selected by selector {}", access.selector));
            self.raw(depth + 2, &access.parameters);
        }
    }

    fn method(&mut self, depth: usize, method: MethodDescriptor) {
        let what = described(method.class, method.instance);
        self.line(depth, format_args!("method {method}{what}"));
    }

    fn block(&mut self, depth: usize, block: &DataBlock<'_>) {
        self.block_of(depth, block.number, block.last, block.octets);
    }

    fn block_of(&mut self, depth: usize, number: u32, last: bool, octets: &[u8]) {
        let last = if last { ", the last" } else { "" };
        self.line(depth, format_args!("block {number}{last}: {}", octets_text(octets)));
    }

    fn invoke(&mut self, depth: usize, invoke: InvokeIdAndPriority) {
        let confirmed = if invoke.confirmed() { "confirmed" } else { "unconfirmed" };
        let priority = if invoke.high_priority() { "high" } else { "normal" };
        let id = invoke.id();
        self.line(depth, format_args!("invoke-id {id}, {confirmed}, {priority} priority"));
    }

    fn answer(&mut self, depth: usize, answer: &Result<RawData<'_>, DataAccessResult>) {
        match answer {
            Ok(raw) => self.raw(depth, raw),
            Err(refusal) => self.line(depth, format_args!("refused: {refusal}")),
        }
    }

    /// An APDU whose content is no push.
    fn other_apdu(&mut self, depth: usize, apdu: &Apdu<'_>) {
        match apdu {
            Apdu::Aarq(aarq) => {
                self.line(depth, format_args!("context {}", aarq.application_context));
                self.title(depth, "calling", aarq.calling_ap_title);
                if let Some(mechanism) = aarq.mechanism {
                    self.line(depth, format_args!("mechanism {mechanism}"));
                }
                if let Some(value) = aarq.calling_authentication_value {
                    // A password or a challenge; whoever has the capture has it.
                    self.line(depth, format_args!("authentication value, {} octets", value.len()));
                }
                self.user_information(depth, aarq.user_information);
            }
            Apdu::Aare(aare) => {
                self.line(depth, format_args!("context {}", aare.application_context));
                self.line(depth, format_args!("result {}", aare.result));
                self.line(depth, format_args!("diagnostic {}", aare.diagnostic));
                self.title(depth, "responding", aare.responding_ap_title);
                if let Some(mechanism) = aare.mechanism {
                    self.line(depth, format_args!("mechanism {mechanism}"));
                }
                if let Some(value) = aare.responding_authentication_value {
                    self.line(depth, format_args!("challenge {}", octets_text(value)));
                }
                self.user_information(depth, aare.user_information);
            }
            Apdu::Rlrq(rlrq) => {
                if let Some(reason) = rlrq.reason {
                    self.line(depth, format_args!("reason {reason}"));
                }
                self.user_information(depth, rlrq.user_information);
            }
            Apdu::Rlre(rlre) => {
                if let Some(reason) = rlre.reason {
                    self.line(depth, format_args!("reason {reason}"));
                }
                self.user_information(depth, rlre.user_information);
            }
            Apdu::InitiateRequest(request) => {
                self.line(depth, format_args!("version {}", request.version));
                if request.dedicated_key.is_some() {
                    self.line(depth, "with a dedicated key");
                }
                self.line(depth, format_args!("conformance {}", request.conformance));
                let longest = request.max_receive_pdu;
                self.line(depth, format_args!("takes PDUs of up to {longest} octets"));
            }
            Apdu::InitiateResponse(response) => {
                self.line(depth, format_args!("version {}", response.version));
                self.line(depth, format_args!("conformance {}", response.conformance));
                let longest = response.max_receive_pdu;
                self.line(depth, format_args!("takes PDUs of up to {longest} octets"));
                self.line(depth, format_args!("VAA name {:#06x}", response.vaa_name));
            }
            Apdu::GetRequest(request) => self.get_request(depth, request),
            Apdu::GetResponse(response) => self.get_response(depth, response),
            Apdu::SetRequest(request) => self.set_request(depth, request),
            Apdu::SetResponse(response) => self.set_response(depth, response),
            Apdu::ActionRequest(request) => self.action_request(depth, request),
            Apdu::ActionResponse(response) => self.action_response(depth, response),
            Apdu::AccessRequest(request) => self.access_request(depth, request),
            Apdu::AccessResponse(response) => self.access_response(depth, response),
            Apdu::ReadRequest(request) => self.variables(depth, &request.0),
            Apdu::ReadResponse(response) => self.read_response(depth, response),
            Apdu::WriteRequest(request) | Apdu::UnconfirmedWriteRequest(request) => {
                self.write_request(depth, request);
            }
            Apdu::WriteResponse(response) => self.write_response(depth, response),
            Apdu::InformationReport(report) => self.information_report(depth, report),
            Apdu::DataNotificationConfirm(confirm) => {
                self.line(depth, format_args!("invoke-id {}", confirm.invoke.id()));
            }
            Apdu::GeneralBlockTransfer(block) => self.transfer_block(depth, block),
            Apdu::ExceptionResponse(exception) => self.line(depth, exception),
            Apdu::ConfirmedServiceError(error) => self.line(depth, error),
            // Shown by the caller, or protected more often than is looked into.
            Apdu::DataNotification(_) | Apdu::EventNotification(_) => {}
            Apdu::Ciphered { octets, .. } => self.line(depth, octets_text(octets)),
        }
    }

    fn title(&mut self, depth: usize, whose: &str, title: Option<&[u8]>) {
        match title.map(|octets| (octets, SystemTitle::try_from(octets))) {
            None => {}
            Some((_, Ok(title))) => self.line(depth, format_args!("{whose} title {title:#}")),
            Some((octets, Err(_))) => {
                self.line(depth, format_args!("{whose} title {}", octets_text(octets)));
            }
        }
    }

    fn user_information(&mut self, depth: usize, information: Option<&[u8]>) {
        let Some(octets) = information else { return };
        let name = tag::name(octets.first().copied().unwrap_or_default());
        self.line(depth, format_args!("user information: {name}, {} octets", octets.len()));
        match Apdu::decode(octets) {
            Ok(apdu) => self.other_apdu(depth + 1, &apdu),
            Err(malformed) => self.fault(depth + 1, malformed.into()),
        }
    }

    fn get_request(&mut self, depth: usize, request: &GetRequest<'_>) {
        self.invoke(depth, request.invoke());
        match request {
            GetRequest::Normal { attribute, .. } => self.selection(depth, attribute),
            GetRequest::Next { block_number, .. } => {
                self.line(depth, format_args!("the block after block {block_number}"));
            }
            GetRequest::WithList { attributes, .. } => {
                attributes.iter().for_each(|attribute| self.selection(depth, attribute));
            }
        }
    }

    fn get_response(&mut self, depth: usize, response: &GetResponse<'_>) {
        self.invoke(depth, response.invoke());
        match response {
            // The value is shown as the body.
            GetResponse::Normal { result: Ok(_), .. } => {}
            GetResponse::Normal { result: Err(refusal), .. } => {
                self.line(depth, format_args!("refused: {refusal}"));
            }
            GetResponse::WithDatablock { last, number, result, .. } => match result {
                Ok(octets) => self.block_of(depth, *number, *last, octets),
                Err(refusal) => self.line(depth, format_args!("block {number}: {refusal}")),
            },
            GetResponse::WithList { results, .. } => {
                results.iter().for_each(|result| self.answer(depth, result));
            }
        }
    }

    fn set_request(&mut self, depth: usize, request: &SetRequest<'_>) {
        self.invoke(depth, request.invoke());
        match request {
            SetRequest::Normal { attribute, value, .. } => {
                self.selection(depth, attribute);
                self.raw(depth + 1, value);
            }
            SetRequest::FirstDatablock { attribute, block, .. } => {
                self.selection(depth, attribute);
                self.block(depth, block);
            }
            SetRequest::Datablock { block, .. } => self.block(depth, block),
            SetRequest::WithList { attributes, values, .. } => {
                for (attribute, value) in attributes.iter().zip(values) {
                    self.selection(depth, attribute);
                    self.raw(depth + 1, value);
                }
            }
            SetRequest::WithListFirstDatablock { attributes, block, .. } => {
                attributes.iter().for_each(|attribute| self.selection(depth, attribute));
                self.block(depth, block);
            }
        }
    }

    fn set_response(&mut self, depth: usize, response: &SetResponse) {
        self.invoke(depth, response.invoke());
        match response {
            SetResponse::Normal { result, .. } => self.line(depth, result),
            SetResponse::Datablock { number, .. } => {
                self.line(depth, format_args!("took block {number}"));
            }
            SetResponse::LastDatablock { result, number, .. } => {
                self.line(depth, format_args!("took block {number}, the last: {result}"));
            }
            SetResponse::LastDatablockWithList { results, number, .. } => {
                self.line(depth, format_args!("took block {number}, the last"));
                results.iter().for_each(|result| self.line(depth, result));
            }
            SetResponse::WithList { results, .. } => {
                results.iter().for_each(|result| self.line(depth, result));
            }
        }
    }

    fn action_request(&mut self, depth: usize, request: &ActionRequest<'_>) {
        self.invoke(depth, request.invoke());
        match request {
            ActionRequest::Normal { method, parameters, .. } => {
                self.method(depth, *method);
                parameters.iter().for_each(|parameters| self.raw(depth + 1, parameters));
            }
            ActionRequest::NextPblock { number, .. } => {
                self.line(depth, format_args!("the block after block {number}"));
            }
            ActionRequest::WithList { methods, parameters, .. } => {
                for (method, parameters) in methods.iter().zip(parameters) {
                    self.method(depth, *method);
                    self.raw(depth + 1, parameters);
                }
            }
            ActionRequest::FirstPblock { method, block, .. } => {
                self.method(depth, *method);
                self.block(depth, block);
            }
            ActionRequest::WithListFirstPblock { methods, block, .. } => {
                methods.iter().for_each(|method| self.method(depth, *method));
                self.block(depth, block);
            }
            ActionRequest::Pblock { block, .. } => self.block(depth, block),
        }
    }

    fn action_response(&mut self, depth: usize, response: &ActionResponse<'_>) {
        self.invoke(depth, response.invoke());
        match response {
            ActionResponse::Normal { result, returned, .. } => {
                self.line(depth, result);
                returned.iter().for_each(|returned| self.answer(depth + 1, returned));
            }
            ActionResponse::WithPblock { block, .. } => self.block(depth, block),
            ActionResponse::WithList { results, .. } => {
                for (result, returned) in results {
                    self.line(depth, result);
                    returned.iter().for_each(|returned| self.answer(depth + 1, returned));
                }
            }
            ActionResponse::NextPblock { number, .. } => {
                self.line(depth, format_args!("took block {number}"));
            }
        }
    }
}

/// Whether a client sent the frame, where it tells.
fn is_from_client(frame: &Frame<'_>) -> Option<bool> {
    match frame.control {
        Control::Snrm { .. } | Control::Disc { .. } => Some(true),
        Control::Ua { .. } | Control::Dm { .. } | Control::Frmr { .. } => Some(false),
        _ => match Llc::decode(frame.information) {
            Ok((Llc::Command, _)) => Some(true),
            Ok((Llc::Response, _)) => Some(false),
            Err(_) => None,
        },
    }
}

/// `1/17 (management logical device)`.
fn station(address: Address, is_client: Option<bool>) -> String {
    let upper = address.upper();
    let text = match address.lower() {
        None => upper.to_string(),
        Some(lower) => format!("{upper}/{lower}"),
    };
    let name = match (is_client, upper) {
        _ if address.is_all_station() => "all stations",
        (_, 0) => "no station",
        (Some(true), 1) => "client management process",
        (Some(true), 0x10) => "public client",
        (Some(false), 1) => "management logical device",
        _ => return text,
    };
    format!("{text} ({name})")
}

/// `1 (management)`: a wPort does not tell on which side it is.
fn wport(number: u16) -> String {
    match number {
        0 => "0 (no station)".to_owned(),
        1 => "1 (management)".to_owned(),
        0x10 => "16 (public client)".to_owned(),
        0x7f => "127 (all stations)".to_owned(),
        other => other.to_string(),
    }
}

const fn llc_name(llc: Llc) -> &'static str {
    match llc {
        Llc::Command => "command",
        Llc::Response => "response",
    }
}

fn control_text(control: Control) -> String {
    let pf = if control.pf() { " P/F" } else { "" };
    match control {
        Control::I { ns, nr, .. } => format!("I N(S)={} N(R)={}{pf}", ns.value(), nr.value()),
        Control::Rr { nr, .. } => format!("RR N(R)={}{pf}", nr.value()),
        Control::Rnr { nr, .. } => format!("RNR N(R)={}{pf}", nr.value()),
        Control::Rej { nr, .. } => format!("REJ N(R)={}{pf}", nr.value()),
        Control::Snrm { .. } => format!("SNRM{pf}"),
        Control::Disc { .. } => format!("DISC{pf}"),
        Control::Ua { .. } => format!("UA{pf}"),
        Control::Dm { .. } => format!("DM{pf}"),
        Control::Frmr { .. } => format!("FRMR{pf}"),
        Control::Ui { .. } => format!("UI{pf}"),
        Control::Other(octet) => format!("unknown control {octet:#04x}"),
    }
}

/// ` (Clock, class Clock)`.
fn described(class: ClassId, instance: LogicalName) -> String {
    let class = class_name(class).unwrap_or("class not in the standard");
    match obis::name(instance) {
        Some(name) => format!(" ({name}; {class})"),
        None => format!(" ({class})"),
    }
}

fn with_name(instance: LogicalName) -> String {
    match obis::name(instance) {
        Some(name) => format!("{instance} {name}"),
        None => instance.to_string(),
    }
}

/// The value of a scalar behind its type, with what it seems to mean.
fn scalar_text(data: &Data<'_>) -> String {
    match data {
        Data::Null | Data::DontCare => String::new(),
        Data::OctetString(octets) => {
            let meaning = match (octets.len(), DateTime::from_data(data)) {
                (12, Some(time)) => time.to_string(),
                (6, _) if octets.last() == Some(&255) => {
                    LogicalName::from_data(data).map(with_name).unwrap_or_default()
                }
                _ if is_text(octets) => format!("\"{}\"", String::from_utf8_lossy(octets)),
                _ => String::new(),
            };
            let separator = if meaning.is_empty() { "" } else { "  " };
            format!(" {}{separator}{meaning}", octets_text(octets))
        }
        Data::VisibleString(octets) | Data::Utf8String(octets) => {
            format!(" {:?}", String::from_utf8_lossy(octets))
        }
        other => match crate::reading::json(other) {
            Ok(value) => format!(" {value}"),
            Err(malformed) => format!(": {malformed}"),
        },
    }
}

fn is_text(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|octet| matches!(octet, 0x20..=0x7e))
}

/// How the key of general-ciphering is found.
const fn key_info_text(info: Option<&KeyInfo>) -> &'static str {
    match info {
        None => "key as before",
        Some(KeyInfo::GlobalUnicast) => "key identified: global unicast",
        Some(KeyInfo::GlobalBroadcast) => "key identified: global broadcast",
        Some(KeyInfo::Wrapped(_)) => "key wrapped",
        Some(KeyInfo::OnePass(_)) => "key agreed on, C(1e, 1s)",
        Some(KeyInfo::StaticUnified) => "key agreed on, C(0e, 2s)",
    }
}

/// The text of the octets of a date-time; none when there are none.
fn date_time_text(octets: &[u8]) -> Option<String> {
    if octets.is_empty() {
        return None;
    }
    let time = DateTime::from_data(&Data::OctetString(octets));
    Some(time.map_or_else(|| octets_text(octets), |time| time.to_string()))
}

/// In hexadecimal, cut when there are many.
fn octets_text(octets: &[u8]) -> String {
    match octets.get(..SHOWN_MAX) {
        Some(shown) if octets.len() > SHOWN_MAX => {
            format!("{}... ({} octets)", hex::text(shown), octets.len())
        }
        _ => hex::text(octets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(framing: Framing, hex: &str, keys: &KeyRing) -> Tree {
        let octets = super::super::capture::parse(hex).unwrap();
        Tree::new(&octets, framing, keys, &Patterns::built_in())
    }

    fn shown(framing: Framing, hex: &str) -> String {
        tree(framing, hex, &KeyRing::default()).text().to_owned()
    }

    #[test]
    fn what_a_meter_sends_commands_no_terminal() {
        // A visible-string that would clear the screen and write a line of its own.
        let text = tree(Framing::Apdu, "c401c100 0a06 1b5b324a0a41", &KeyRing::default());
        assert!(text.text().contains("\\u{1b}[2J\\nA"), "{}", text.text());
        assert!(!text.text().contains('\u{1b}') && !text.text().contains("\nA"));
    }

    #[test]
    fn every_layer_has_its_line() {
        assert_eq!(
            shown(Framing::Hdlc, "7ea0190321321b3f e6e600 c001c100080000010000ff0200 c5ac 7e")
                .lines()
                .next(),
            Some("not a frame"),
            "a wrong checksum"
        );
        assert_eq!(
            shown(Framing::Wrapper, "0001 0010 0001 000d c001c100080000010000ff0200"),
            "\
wrapper frame
  from wPort 16 (public client) to wPort 1 (management), 13 octets
APDU get-request (0xc0), 13 octets
  invoke-id 1, confirmed, high priority
  attribute 8:0-0:1.0.0*255:2 (Clock; Clock)
"
        );
        assert_eq!(
            shown(Framing::Hdlc, "7e a0 07 03 21 93 0f 01 7e"),
            "HDLC frame\n  from 16 (public client) to 1 (management logical device): SNRM P/F\n"
        );
    }

    #[test]
    fn a_push_shows_its_body_and_what_it_means() {
        assert_eq!(
            shown(
                Framing::Apdu,
                "e6e700 0f 00000007 0c 07ea010f04111e0000ffc400 \
                 02 03 0906 0100200700ff 12 08fd 02 02 0f ff 16 23"
            ),
            "\
LLC response
APDU data-notification (0x0f), 37 octets
  invoke-id 7
  date-time 2026-01-15T17:30:00+01:00
  body
    structure of 3
      octet-string 0100200700ff  1-0:32.7.0*255 Voltage L1
      long-unsigned 2301
      structure of 2
        integer -1
        enum 35
  values
    1-0:32.7.0*255 Voltage L1: 230.1 V
"
        );
    }

    #[test]
    fn a_ciphered_apdu_shows_what_its_origin_is_worth() {
        const EXAMPLE: &str = "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b";
        let keys = |ak: &str| KeyRing {
            encryption: Some("000102030405060708090A0B0C0D0E0F".parse().unwrap()),
            authentication: Some(ak.parse().unwrap()),
            title: Some("4D4D4D0000BC614E".parse().unwrap()),
            ..KeyRing::default()
        };
        let good = tree(Framing::Apdu, EXAMPLE, &keys("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"));
        assert_eq!(
            good.text(),
            "\
APDU glo-get-request (0xc8), 32 octets
  security control 0x30 (suite 0, authenticated and encrypted)
  invocation counter 19088743
  system title 4D4D4D0000BC614E (MMM), not in the APDU
  verified: the tag is right
  APDU get-request (0xc0), 13 octets
    invoke-id 0, unconfirmed, normal priority
    attribute 8:0-0:1.0.0*255:2 (Clock; Clock)
"
        );
        assert!(good.fault.is_none() && !good.forged && good.apdus == 1);
        let forged = tree(Framing::Apdu, EXAMPLE, &keys("00000000000000000000000000000000"));
        assert!(forged.forged && forged.text().contains("FORGED"));
        assert!(!forged.text().contains("get-request (0xc0)"));
        assert!(shown(Framing::Apdu, EXAMPLE).contains("closed: no key for it"));
    }

    #[test]
    fn an_error_says_at_which_octet() {
        let cut = shown(Framing::Apdu, "0f 00000007 00 02 02 12 00");
        assert!(cut.contains("error at octet 9: input ends too early"), "{cut}");
        let tag = shown(Framing::Apdu, "7f");
        assert!(tag.contains("APDU unknown (0x7f), 1 octets") && tag.contains("octet 0"), "{tag}");
    }

    #[test]
    fn no_damage_leaves_it_without_a_word() {
        let keys = KeyRing {
            encryption: Some("000102030405060708090A0B0C0D0E0F".parse().unwrap()),
            title: Some("4D4D4D0000BC614E".parse().unwrap()),
            ..KeyRing::default()
        };
        for (framing, hex) in [
            (Framing::Hdlc, "7ea0070321930f017e"),
            (Framing::Wrapper, "0001 0010 0001 000d c001c100080000010000ff0200"),
            (Framing::Mbus, "68 06 06 68 53 ff 10 01 67 0f d9 16"),
            (Framing::Apdu, "c812200123456741 1312ff935a47566827c467bc"),
            (Framing::Apdu, "0f 00000007 00 02 02 13 02 02 11 12 03 01 0002 12 08fd"),
            (
                Framing::Apdu,
                "6129a109060760857405080101a203020100a305a103020100be10040e0800065f\
                             1f0400001014040000 07",
            ),
        ] {
            let octets = super::super::capture::parse(hex).unwrap();
            for at in 0..octets.len() {
                for value in 0..=255 {
                    let mut octets = octets.clone();
                    octets[at] = value;
                    let tree = Tree::new(&octets, framing, &keys, &Patterns::built_in());
                    assert!(!tree.text().is_empty(), "{hex}: {at} {value:#04x}");
                }
                let tree = Tree::new(&octets[..at], framing, &keys, &Patterns::built_in());
                assert!(at <= 2 || tree.fault.is_some(), "{hex}: cut at {at}");
            }
        }
    }
}
