//! A meter that we are associated with, and what we have learned of it on the way: its object list,
//! and the scaler and unit of registers. Each is read at most once.

use std::{collections::BTreeMap, io};

use dlms_core::{
    Malformed,
    association::{
        AccessAnswer, AccessItem, Failure, OnRefusal, Referencing, Request, Selection,
        ShortNameObject,
    },
    axdr::{CompactArrayRules, Data, DataBuf, RawData},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, ScalerUnit},
    xdlms::{ActionResult, Conformance, DataAccessResult},
};
use dlms_tokio::{
    Address,
    client::{self, Blocks, Client, Released},
};

use crate::{
    associate::{associate, expected_counter},
    counter_file::Counter,
    error::Error,
    object::Object,
    object_list::{self, ListedObject},
    quirks::{Learned, Quirks},
    registry, report,
    settings::Settings,
    time_rules::TimeRules,
};

/// Attributes in one GET with list. A descriptor has ten octets, so that the request fits the
/// smallest PDU size that meters agree to, 128 octets, ciphering included.
const LIST_MAX: usize = 8;
/// The list of objects that this client sees.
const OBJECT_LIST: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);

/// The logical device name.
const DEVICE_NAME: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);

/// A meter that we are associated with.
#[derive(Debug)]
pub(crate) struct Meter {
    settings: Settings,
    client: Client,
    counter: Option<Counter>,
    /// Whether the meter takes GET with list. Some agree to it and then refuse.
    takes_lists: bool,
    time_rules: TimeRules,
    compact_array_rules: CompactArrayRules,
    objects: Option<Vec<ListedObject>>,
    /// None for one that cannot be read.
    scaler_units: BTreeMap<AttributeDescriptor, Option<ScalerUnit>>,
}

impl Meter {
    /// Associates with the meter.
    pub(crate) async fn associate(mut settings: Settings) -> Result<Self, Error> {
        let (client, counter) = open(&settings).await?;
        // The orders are carried out. Who associates anew goes on from where the counters stand.
        settings.counters.ordered = None;
        settings.counters.forget_received = false;
        let association = client.association();
        let title = association.server_title;
        // Whose meter this is may be known only now.
        let name = match settings.quirks_file.needs_device_name(title) {
            true => client.read(DEVICE_NAME).await?.ok(),
            false => None,
        };
        let name = name.as_deref().and_then(octets);
        let quirks = settings.quirks_file.of(&settings.address, title, name);
        let quirks = quirks.or(settings.quirks);
        settings.association.release &= quirks.release != Some(false);
        let takes_lists = association.conformance.contains(Conformance::MULTIPLE_REFERENCES)
            && quirks.lists != Some(false);
        Ok(Self {
            settings,
            client,
            counter,
            takes_lists,
            time_rules: quirks.time_rules(),
            compact_array_rules: quirks.compact_array_rules(),
            objects: None,
            scaler_units: BTreeMap::new(),
        })
    }

    /// How its times are to be understood.
    pub(crate) const fn time_rules(&self) -> TimeRules {
        self.time_rules
    }

    /// How its compact-arrays are to be read where they come as they were sent: in blocks.
    pub(crate) const fn compact_array_rules(&self) -> CompactArrayRules {
        self.compact_array_rules
    }

    /// `answer` as the standard would have it: a compact-array by other rules becomes an array. One
    /// that contradicts itself stays as it came, for whoever reads it to refuse.
    fn by_the_standard(
        &self,
        answer: Result<Vec<u8>, DataAccessResult>,
    ) -> Result<Vec<u8>, DataAccessResult> {
        let octets = answer?;
        if self.compact_array_rules == CompactArrayRules::Standard {
            return Ok(octets);
        }
        let unpacked = || {
            let Data::CompactArray(array) = RawData::from_octets(&octets)?.data()? else {
                return Ok(None);
            };
            let elements = array.elements_by(self.compact_array_rules)?;
            let elements = elements.map(|element| element?.to_buf());
            elements.collect::<Result<Vec<_>, Malformed>>().map(Some)
        };
        Ok(match unpacked() {
            Ok(Some(elements)) => DataBuf::array(elements).to_octets(),
            _ => octets,
        })
    }

    /// Reads one attribute: its encoded value, or the meter's refusal.
    pub(crate) async fn read(
        &mut self,
        attribute: AttributeDescriptor,
    ) -> Result<Result<Vec<u8>, DataAccessResult>, Error> {
        let answer = match self.client.read(attribute).await {
            Err(error) => {
                self.recover(error).await?;
                self.client.read(attribute).await?
            }
            Ok(answer) => answer,
        };
        Ok(self.by_the_standard(answer))
    }

    /// Reads several attributes, with as few requests as the meter allows, and hands each answer
    /// to `taken` in the order of `attributes`. On an error the rest was not read.
    pub(crate) async fn read_all(
        &mut self,
        attributes: &[AttributeDescriptor],
        mut taken: impl FnMut(AttributeDescriptor, Result<Vec<u8>, DataAccessResult>),
    ) -> Result<(), Error> {
        if self.settings.access {
            let get = |attribute: &AttributeDescriptor| AccessItem::Get {
                attribute: *attribute,
                selection: None,
            };
            let items = attributes.iter().map(get).collect();
            let answers = self.client.access(items, OnRefusal::GoOn).await?;
            for (which, answer) in attributes.iter().zip(answers) {
                if let AccessAnswer::Get(answer) = answer {
                    taken(*which, self.by_the_standard(answer));
                }
            }
            return Ok(());
        }
        if self.settings.association.in_flight_max > 1 {
            return self.read_in_flight(attributes, taken).await;
        }
        for list in attributes.chunks(LIST_MAX) {
            if self.takes_lists && list.len() > 1 {
                match self.client.read_list(list).await {
                    Ok(answers) => {
                        for (which, answer) in list.iter().zip(answers) {
                            taken(*which, self.by_the_standard(answer));
                        }
                        continue;
                    }
                    Err(error) if refuses_lists(&error) => {
                        self.takes_lists = false;
                        // A list that is too long here may fit elsewhere.
                        if is_refusal(&error) {
                            let lists = Quirks { lists: Some(false), ..Quirks::default() };
                            let shown = "refuses GET with list after it agreed to it";
                            learn(&self.settings, lists, shown);
                        }
                    }
                    Err(error) => self.recover(error).await?,
                }
            }
            for which in list {
                taken(*which, self.read(*which).await?);
            }
        }
        Ok(())
    }

    /// Asks for each attribute by itself, without waiting for the answer before.
    async fn read_in_flight(
        &self,
        attributes: &[AttributeDescriptor],
        mut taken: impl FnMut(AttributeDescriptor, Result<Vec<u8>, DataAccessResult>),
    ) -> Result<(), Error> {
        let ask = |which: &AttributeDescriptor| {
            let (client, which) = (self.client.clone(), *which);
            tokio::spawn(async move { client.read(which).await })
        };
        let asked: Vec<_> = attributes.iter().map(ask).collect();
        for (which, answer) in attributes.iter().zip(asked) {
            taken(*which, answer.await.map_err(|_| client::Error::Closed)??);
        }
        Ok(())
    }

    /// Reads a part of an attribute block by block.
    pub(crate) async fn read_blocks(
        &self,
        attribute: AttributeDescriptor,
        selection: Option<Selection>,
    ) -> Result<Blocks, Error> {
        Ok(self.client.read_blocks(attribute, selection).await?)
    }

    /// Writes one attribute; where nothing is answered, it only asks for that.
    pub(crate) async fn write(
        &self,
        attribute: AttributeDescriptor,
        value: &DataBuf,
    ) -> Result<Result<(), DataAccessResult>, Error> {
        if self.settings.is_unanswered() {
            let value = value.to_octets();
            let request = Request::Set { attribute, selection: None, value };
            self.client.request_unconfirmed(request).await?;
            return Ok(Ok(()));
        }
        Ok(self.client.write(attribute, value).await?)
    }

    /// Invokes a method; where nothing is answered, it only asks for that. What the method returns,
    /// if anything, is encoded Data.
    pub(crate) async fn invoke(
        &self,
        method: MethodDescriptor,
        parameters: Option<&DataBuf>,
    ) -> Result<Result<Option<Vec<u8>>, ActionResult>, Error> {
        if self.settings.is_unanswered() {
            let parameters = parameters.map(DataBuf::to_octets);
            self.client.request_unconfirmed(Request::Action { method, parameters }).await?;
            return Ok(Ok(None));
        }
        Ok(self.client.invoke(method, parameters).await?)
    }

    /// The objects that the meter shows to this client.
    pub(crate) async fn objects(&mut self) -> Result<&[ListedObject], Error> {
        if self.objects.is_none() {
            if self.settings.association.referencing == Referencing::ShortName {
                let octets = self.read(ShortNameObject::LIST).await?.map_err(Error::ListRefused)?;
                let listed = ShortNameObject::decode_list(&octets);
                let listed = listed.map_err(|_| Error::Shape("object list"))?;
                return Ok(self.objects.insert(listed.iter().map(ListedObject::from).collect()));
            }
            let octets = self.read(OBJECT_LIST).await?.map_err(Error::ListRefused)?;
            self.objects = Some(object_list::parse(&octets).ok_or(Error::Shape("object list"))?);
        }
        Ok(self.objects.as_deref().unwrap_or_default())
    }

    /// The class of `object`: the one that was given, or else the one in the object list.
    pub(crate) async fn class_of(&mut self, object: Object) -> Result<ClassId, Error> {
        if let Some(class) = object.class {
            return Ok(class);
        }
        let objects = self.objects().await?;
        let listed = objects.iter().find(|listed| listed.instance == object.instance);
        listed.map(|listed| listed.class).ok_or(Error::NotListed)
    }

    /// Scaler and unit of the value in `attribute`: None when it has none, or they were not read,
    /// or could not be.
    pub(crate) fn scaler_unit(&self, attribute: AttributeDescriptor) -> Option<ScalerUnit> {
        *self.scaler_units.get(&registry::scaler_unit(attribute)?)?
    }

    /// The attribute with scaler and unit of `attribute`, unless it was read before.
    pub(crate) fn scaler_unit_to_read(
        &self,
        attribute: AttributeDescriptor,
    ) -> Option<AttributeDescriptor> {
        registry::scaler_unit(attribute).filter(|which| !self.scaler_units.contains_key(which))
    }

    /// Remembers what was read of the scaler_unit `attribute`. A value without it is still a value,
    /// so a scaler_unit that cannot be read is only noted.
    pub(crate) fn learn_scaler_unit(
        &mut self,
        attribute: AttributeDescriptor,
        answer: &Result<Vec<u8>, DataAccessResult>,
    ) {
        let scaler_unit = answer.as_ref().ok().and_then(|octets| {
            ScalerUnit::from_data(&RawData::from_octets(octets).ok()?.data().ok()?)
        });
        if scaler_unit.is_none() {
            let why = match answer {
                Ok(_) => "it is not one".to_owned(),
                Err(refusal) => refusal.to_string(),
            };
            report::note(&format!("note: scaler and unit {attribute} cannot be read: {why}"));
        }
        self.scaler_units.insert(attribute, scaler_unit);
    }

    /// Releases the association and closes the line. What was read is read: a meter that goes
    /// without a word changes nothing.
    pub(crate) async fn release(self) {
        let Self { settings, client, .. } = self;
        let said = client.release().await;
        let Some(learned) = settings.learned.as_ref().filter(|_| settings.association.release)
        else {
            return;
        };
        let answered = match said {
            Ok(Released::Answered) => true,
            // A datagram may be lost: that one did not come says nothing of the meter.
            Ok(Released::Silent) if !matches!(settings.address, Address::WrapperUdp(_)) => false,
            _ => return,
        };
        let noted = learned.released(&settings.place(), answered);
        if !answered && !matches!(noted, Ok(false)) {
            note(learned, noted.map(|_| ()), "does not answer RLRQ");
        }
    }

    /// Associates anew when all that was wrong is the invocation counter. Only a reading may be
    /// repeated after this: an exception is not authenticated.
    async fn recover(&mut self, error: client::Error) -> Result<(), Error> {
        // The counter of a dedicated key is no business of the file.
        match (expected_counter(&error), &self.counter) {
            (Some(expected), Some(counter)) if !self.settings.dedicated => {
                counter.hinted(expected)?;
            }
            _ => return Err(error.into()),
        }
        // First: a serial port has one owner, and many a meter has room for one connection.
        let _ = self.client.clone().release().await;
        (self.client, self.counter) = open(&self.settings).await?;
        Ok(())
    }
}

/// An association in which objects can be named as `settings` say.
async fn open(settings: &Settings) -> Result<(Client, Option<Counter>), Error> {
    let (client, counter) = associate(settings).await?;
    if settings.association.referencing == Referencing::ShortName {
        let octets = client.read(ShortNameObject::LIST).await?.map_err(Error::ListRefused)?;
        let objects = ShortNameObject::decode_list(&octets);
        client.know_short_names(objects.map_err(|_| Error::Shape("object list"))?).await?;
    }
    Ok((client, counter))
}

/// Remembers what the meter showed, and says so.
fn learn(settings: &Settings, quirks: Quirks, shown: &str) {
    if let Some(learned) = &settings.learned {
        note(learned, learned.learn(&settings.place(), quirks), shown);
    }
}

/// Says what was remembered. That it cannot be costs some time when the meter shows it again, and
/// nothing else.
fn note(learned: &Learned, remembered: io::Result<()>, shown: &str) {
    let path = learned.path();
    report::note(&match remembered {
        Ok(()) => format!(
            "note: the meter {shown}: remembered in {path:?}, so that it is not asked again \
             (--no-learn)"
        ),
        Err(error) => format!("note: the meter {shown}; {path:?} cannot remember it: {error}"),
    });
}

/// Whether the meter itself said no.
const fn is_refusal(error: &client::Error) -> bool {
    matches!(
        error,
        client::Error::Association {
            failure: Failure::Exception(_) | Failure::ServiceError(_),
            ..
        }
    )
}

/// The octets of an encoded string.
fn octets(encoded: &[u8]) -> Option<&[u8]> {
    RawData::from_octets(encoded).ok()?.data().ok()?.as_octets()
}

/// Whether the meter, for all it agreed to, does not do GET with list.
const fn refuses_lists(error: &client::Error) -> bool {
    expected_counter(error).is_none()
        && matches!(
            error,
            client::Error::Association {
                failure: Failure::Exception(_)
                    | Failure::ServiceError(_)
                    | Failure::NotNegotiated(_)
                    | Failure::TooLong { .. },
                ..
            }
        )
}
