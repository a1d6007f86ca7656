//! COSEM interface objects (IEC 62056-6-2): one algorithm for every attribute of every object in
//! every association, and cases for what particular classes promise.

mod object_list;
mod push;

use dlms_core::{
    axdr::{Data, DataBuf, RawData, Reader, Writer},
    cosem::{
        AttributeDescriptor, AttributeId, CaptureObject, ClassId, Date, DateTime, EntryDescriptor,
        LogicalName, ProfileSelector, RangeDescriptor, Time,
    },
    xdlms::{
        Apdu, AttributeSelection, Conformance, DataAccessResult, GetRequest, GetResponse,
        SelectiveAccess,
    },
};

use self::object_list::{ListedAttribute, ListedObject};
use crate::{
    attribute_value::wrong_value,
    case::{Case, cases},
    declaration::ClientDeclaration,
    tester::{
        Tester,
        association::{Association, Blocks, INVOKE, LDN, OBJECT_LIST, answers, decoded},
    },
    verdict::{Finding, check},
};

pub(super) const CASES: &[Case] = cases![CosemObjects:
    "COSEM_ATTRIBUTES" attributes, "IEC 62056-6-2 4, 5",
        "every attribute, in every association, as the object list grants it";
    "COSEM_PROFILE_RANGE_1" range_1, "IEC 62056-6-2 class 7", "rows from the first to the fifth";
    "COSEM_PROFILE_RANGE_2" range_2, "IEC 62056-6-2 class 7", "rows inside a range of time";
    "COSEM_PROFILE_RANGE_3" range_3, "IEC 62056-6-2 class 7", "some columns of a range";
    "COSEM_PROFILE_RANGE_4" range_4, "IEC 62056-6-2 class 7", "a range without rows";
    "COSEM_PROFILE_ENTRY_1" entry_1, "IEC 62056-6-2 class 7", "the first entries";
    "COSEM_PROFILE_ENTRY_2" entry_2, "IEC 62056-6-2 class 7", "the last entries, without an end";
    "COSEM_PROFILE_ENTRY_3" entry_3, "IEC 62056-6-2 class 7", "some columns of an entry";
    "COSEM_PUSH_1" push::plain, "IEC 62056-6-2 class 40", "what is listed is pushed, in clear";
    "COSEM_PUSH_2" push::protected, "IEC 62056-6-2 class 40; IEC 62056-5-3 5.7",
        "what is listed is pushed, protected";
    "COSEM_MULTIPLE_REF_1" multiple_1, "IEC 62056-5-3 6.7", "ten values in one request";
    "COSEM_MULTIPLE_REF_2" multiple_2, "IEC 62056-5-3 6.7", "a short value and a long one";
    "COSEM_MULTIPLE_REF_3" multiple_3, "IEC 62056-5-3 6.7", "the first attributes of one object";
    "COSEM_MANDATORY_1" mandatory_1, "IEC 62056-6-2 4.1.8", "the current association";
    "COSEM_MANDATORY_2" mandatory_2, "IEC 62056-6-2 4.1.8, class 17", "SAP assignment";
    "COSEM_MANDATORY_3" mandatory_3, "IEC 62056-6-2 4.1.8", "the logical device name";
    "COSEM_DUMMY_1" dummy_1, "IEC 62056-6-2 4", "attributes that a class does not have";
];

/// Rows that a profile must have for its selective access to be tried.
const ROWS_MIN: usize = 5;

/// An encoded Data, decoded.
fn data(octets: &[u8]) -> Result<Data<'_>, Finding> {
    let mut reader = Reader::new(octets);
    let data = Data::decode(&mut reader).and_then(|data| reader.finish().map(|()| data));
    data.map_err(|error| Finding::failed(format!("a value is no Data: {error}")))
}

/// The object list of the open association.
async fn listed(association: &mut Association<'_>) -> Result<Vec<ListedObject>, Finding> {
    let list = association.value(OBJECT_LIST).await?;
    object_list::decode(&data(&list)?)
        .ok_or_else(|| Finding::failed("the object list is not what the class says"))
}

async fn attributes(t: &Tester<'_>) -> Result<(), Finding> {
    for client in t.clients() {
        attributes_for(t, client)
            .await
            .map_err(|finding| finding.during(format_args!("client {}", client.sap)))?;
    }
    Ok(())
}

async fn attributes_for(t: &Tester<'_>, client: &ClientDeclaration) -> Result<(), Finding> {
    let mut association = t.associate(client).await?;
    let objects = listed(&mut association).await?;
    check(!objects.is_empty(), || "the object list is empty".to_owned())?;
    for object in &objects {
        for attribute in &object.attributes {
            let descriptor = object.descriptor(attribute.id);
            try_attribute(t, &mut association, object, attribute)
                .await
                .map_err(|finding| finding.during(descriptor))?;
        }
    }
    Ok(())
}

/// One attribute: read, looked at, written back; or refused, where it is not granted.
async fn try_attribute(
    t: &Tester<'_>,
    association: &mut Association<'_>,
    object: &ListedObject,
    attribute: &ListedAttribute,
) -> Result<(), Finding> {
    let descriptor = object.descriptor(attribute.id);
    let is_buffer = object.class == ClassId::PROFILE_GENERIC && attribute.id == 2;
    let first_row = ProfileSelector::Entry(EntryDescriptor::entries(1, 1));
    let value = match is_buffer && attribute.selectors.contains(&2) {
        // A year of rows proves no more than one.
        true => selected(association, descriptor, &first_row).await?,
        false => association.get(descriptor, None).await?,
    };
    if !attribute.readable {
        let denied = [
            DataAccessResult::ReadWriteDenied,
            DataAccessResult::ScopeOfAccessViolated,
            DataAccessResult::ObjectUnavailable,
        ];
        return match value {
            Ok(_) => Err(Finding::failed("was read, and reading is not granted")),
            Err(refusal) if denied.contains(&refusal) => Ok(()),
            Err(refusal) => {
                Err(Finding::failed(format!("is not granted, and refused with {refusal}")))
            }
        };
    }
    let octets = value.map_err(|refusal| Finding::failed(format!("is granted: {refusal}")))?;
    let value = data(&octets)?;
    if let Some(wrong) = wrong_value(object.class, object.version, attribute.id, &value) {
        return Err(Finding::failed(wrong));
    }
    if attribute.id == 1 {
        check(LogicalName::from_data(&value) == Some(object.name), || {
            format!("the logical name is {octets:02x?}")
        })?;
    }
    let has_set = association.conformance.contains(Conformance::SET);
    let left_alone = is_buffer || t.declaration.objects.not_written.contains(&descriptor);
    if !has_set || left_alone || octets.len() > SET_LEN_MAX {
        return Ok(());
    }
    let result = association.set(descriptor, &octets).await?;
    match (attribute.writable, result) {
        (true, DataAccessResult::Success) => Ok(()),
        (true, DataAccessResult::TemporaryFailure) => {
            Err(Finding::inconclusive("cannot be written now"))
        }
        (true, refusal) => Err(Finding::failed(format!("its own value was not taken: {refusal}"))),
        (false, DataAccessResult::Success) => {
            Err(Finding::failed("was written, and writing is not granted"))
        }
        (false, _) => Ok(()),
    }
}

/// Octets of a value that fits one SET request to any meter: longer ones are not written back.
const SET_LEN_MAX: usize = 64;

/// GET with selective access.
async fn selected(
    association: &mut Association<'_>,
    attribute: AttributeDescriptor,
    selector: &ProfileSelector,
) -> Result<Result<Vec<u8>, DataAccessResult>, Finding> {
    let parameters = selector.parameters().to_octets();
    let parameters = RawData::from_octets(&parameters)
        .map_err(|error| Finding::inconclusive(error.to_string()))?;
    let selection = SelectiveAccess { selector: selector.selector(), parameters };
    association.get(attribute, Some(selection)).await
}

/// The profile of the declaration, in an association that can read it.
struct Profile<'t> {
    association: Association<'t>,
    buffer: AttributeDescriptor,
    selectors: Vec<i8>,
    columns: Vec<CaptureObject>,
    /// Which column is the time.
    clock: usize,
    entries: u32,
}

impl<'t> Profile<'t> {
    async fn open(t: &'t Tester<'t>, selector: i8) -> Result<Self, Finding> {
        let name = t.declaration.objects.profile;
        let name = name.ok_or_else(|| Finding::inapplicable("declares no profile"))?;
        if !t.declaration.services.contains(Conformance::SELECTIVE_ACCESS) {
            return Err(Finding::inapplicable("declares no selective access"));
        }
        let mut association = t.associate(t.strong_client()).await?;
        let objects = listed(&mut association).await?;
        let is_it = |object: &&ListedObject| {
            object.class == ClassId::PROFILE_GENERIC && object.name == name
        };
        let object = objects.iter().find(is_it);
        let object = object.ok_or_else(|| {
            Finding::failed(format!("the declared profile {name} is not in the object list"))
        })?;
        let selectors = object.attributes.iter().find(|attribute| attribute.id == 2);
        let selectors = selectors.map_or_else(Vec::new, |attribute| attribute.selectors.clone());
        if !selectors.contains(&selector) {
            return Err(Finding::inapplicable(format!(
                "the object list of {name} has no selector {selector}"
            )));
        }
        let columns = association.value(object.descriptor(3)).await?;
        let columns = CaptureObject::list_from_data(&data(&columns)?)
            .ok_or_else(|| Finding::failed("capture_objects is not what the class says"))?;
        let clock = columns.iter().position(CaptureObject::is_clock_time);
        let clock = clock.ok_or_else(|| Finding::inapplicable("the profile has no clock"))?;
        let entries = association.value(object.descriptor(7)).await?;
        let entries = data(&entries)?.as_unsigned().and_then(|it| u32::try_from(it).ok());
        let entries = entries.unwrap_or_default();
        if (entries as usize) < ROWS_MIN {
            return Err(Finding::inconclusive(format!(
                "the profile has {entries} rows, and {ROWS_MIN} are needed"
            )));
        }
        let buffer = object.descriptor(2);
        Ok(Self { association, buffer, selectors, columns, clock, entries })
    }

    /// Rows as a selector picks them.
    async fn rows(&mut self, selector: &ProfileSelector) -> Result<Vec<Vec<DataBuf>>, Finding> {
        let answer = selected(&mut self.association, self.buffer, selector).await?;
        let octets = answer
            .map_err(|refusal| Finding::failed(format!("the selection was refused: {refusal}")))?;
        rows(&data(&octets)?)
    }

    /// The first five rows: by position, where that is possible, or all.
    async fn first(&mut self) -> Result<Vec<Vec<DataBuf>>, Finding> {
        let mut first = match self.selectors.contains(&2) {
            true => self.rows(&ProfileSelector::Entry(EntryDescriptor::entries(1, 5))).await?,
            false => {
                let octets = self.association.value(self.buffer).await?;
                rows(&data(&octets)?)?
            }
        };
        first.truncate(ROWS_MIN);
        check(first.len() == ROWS_MIN, || format!("there are only {} rows", first.len()))?;
        Ok(first)
    }

    fn time(&self, row: &[DataBuf]) -> Result<DateTime, Finding> {
        let octets = row.get(self.clock).map(DataBuf::to_octets).unwrap_or_default();
        DateTime::from_data(&data(&octets)?)
            .filter(|time| time.date.is_complete())
            .ok_or_else(|| Finding::inconclusive("the time of a row is not complete"))
    }

    /// The rows of the first five from number `from` to number `to`, by their times.
    async fn range(
        &mut self,
        from: usize,
        to: usize,
        columns: &[usize],
    ) -> Result<(Vec<Vec<DataBuf>>, Vec<Vec<DataBuf>>), Finding> {
        let first = self.first().await?;
        let (one, other) = (self.time(&first[from])?, self.time(&first[to])?);
        // Newest rows first: then the range is the other way round.
        let (earlier, later) = match one.unix_utc() <= other.unix_utc() {
            true => (one, other),
            false => (other, one),
        };
        let range = RangeDescriptor {
            restricting_object: self.columns[self.clock],
            selected_values: columns.iter().map(|column| self.columns[*column]).collect(),
            ..RangeDescriptor::times(earlier, later)
        };
        let found = self.rows(&ProfileSelector::Range(range)).await?;
        Ok((first[from..=to].to_vec(), found))
    }
}

/// The rows of a buffer.
fn rows(buffer: &Data<'_>) -> Result<Vec<Vec<DataBuf>>, Finding> {
    let wrong = || Finding::failed("the buffer is no array of structures");
    let rows = buffer.as_array().ok_or_else(wrong)?;
    rows.map(|row| {
        let row = row.map_err(|_| wrong())?;
        let cells = row.as_structure().ok_or_else(wrong)?;
        cells
            .map(|cell| cell.and_then(|cell| cell.to_buf()).map_err(|_| wrong()))
            .collect::<Result<_, _>>()
    })
    .collect()
}

fn same_rows(due: &[Vec<DataBuf>], found: &[Vec<DataBuf>], what: &str) -> Result<(), Finding> {
    check(due.len() == found.len(), || {
        format!("{what}: {} rows are due, and {} came", due.len(), found.len())
    })?;
    check(due == found, || format!("{what}: other rows came than those that are due"))
}

/// The cells of rows in these columns; of a row that is too short, those that there are.
fn picked(rows: &[Vec<DataBuf>], columns: &[usize]) -> Vec<Vec<DataBuf>> {
    let cells =
        |row: &Vec<DataBuf>| columns.iter().filter_map(|at| row.get(*at).cloned()).collect();
    rows.iter().map(cells).collect()
}

async fn range_1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut profile = Profile::open(t, 1).await?;
    let (due, found) = profile.range(0, 4, &[]).await?;
    same_rows(&due, &found, "the range of the first five rows")
}

async fn range_2(t: &Tester<'_>) -> Result<(), Finding> {
    let mut profile = Profile::open(t, 1).await?;
    let (due, found) = profile.range(1, 3, &[]).await?;
    same_rows(&due, &found, "the range of the second to the fourth row")
}

async fn range_3(t: &Tester<'_>) -> Result<(), Finding> {
    let mut profile = Profile::open(t, 1).await?;
    if profile.columns.len() < 2 {
        return Err(Finding::inapplicable("the profile has one column only"));
    }
    let other = if profile.clock == 0 { profile.columns.len() - 1 } else { 0 };
    let mut columns = [profile.clock, other];
    columns.sort_unstable();
    let (due, found) = profile.range(1, 3, &columns).await?;
    let due = picked(&due, &columns);
    same_rows(&due, &found, "two columns of a range")
}

async fn range_4(t: &Tester<'_>) -> Result<(), Finding> {
    let mut profile = Profile::open(t, 1).await?;
    let day = |day| {
        let date = Date::new(2099, 1, day)?;
        DateTime::new(date, Time::MIDNIGHT).with_deviation(Some(0))
    };
    let Some((from, to)) = day(1).zip(day(2)) else {
        return Err(Finding::inconclusive("no such day"));
    };
    let range = RangeDescriptor {
        restricting_object: profile.columns[profile.clock],
        ..RangeDescriptor::times(from, to)
    };
    let found = profile.rows(&ProfileSelector::Range(range)).await?;
    same_rows(&[], &found, "a range of the future")
}

async fn entry_1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut profile = Profile::open(t, 2).await?;
    let found = profile.rows(&ProfileSelector::Entry(EntryDescriptor::entries(1, 3))).await?;
    check(found.len() == 3, || format!("three entries are due, and {} came", found.len()))?;
    let columns = profile.columns.len();
    check(found.iter().all(|row| row.len() == columns), || {
        format!("a row does not have the {columns} columns of the profile")
    })?;
    let second = profile.rows(&ProfileSelector::Entry(EntryDescriptor::entries(2, 2))).await?;
    same_rows(&found[1..2], &second, "the second entry")
}

async fn entry_2(t: &Tester<'_>) -> Result<(), Finding> {
    let mut profile = Profile::open(t, 2).await?;
    let from = profile.entries - 1;
    let found = profile.rows(&ProfileSelector::Entry(EntryDescriptor::entries(from, 0))).await?;
    // A row may have been captured meanwhile.
    check((2..=3).contains(&found.len()), || {
        format!("the last two entries are due, and {} came", found.len())
    })
}

async fn entry_3(t: &Tester<'_>) -> Result<(), Finding> {
    let mut profile = Profile::open(t, 2).await?;
    let all = profile.rows(&ProfileSelector::Entry(EntryDescriptor::entries(1, 1))).await?;
    let second = EntryDescriptor {
        from_selected_value: 2,
        to_selected_value: 2,
        ..EntryDescriptor::entries(1, 1)
    };
    if profile.columns.len() < 2 {
        return Err(Finding::inapplicable("the profile has one column only"));
    }
    let found = profile.rows(&ProfileSelector::Entry(second)).await?;
    same_rows(&picked(&all, &[1]), &found, "the second column of the first entry")
}

/// GET with a list; the results as they came, joined from blocks.
async fn get_list(
    association: &mut Association<'_>,
    attributes: &[AttributeDescriptor],
) -> Result<Vec<Result<Vec<u8>, DataAccessResult>>, Finding> {
    let attributes = attributes.iter().copied().map(AttributeSelection::whole).collect();
    let mut apdu = Vec::new();
    GetRequest::WithList { invoke: INVOKE, attributes }.encode(&mut Writer::new(&mut apdu));
    let mut blocks = Blocks::new();
    loop {
        let answer = association.ask(&apdu).await?;
        let answer = answer.ok_or_else(|| Finding::failed("GET with a list was not answered"))?;
        match decoded(&answer)? {
            Apdu::GetResponse(GetResponse::WithList { invoke, results }) => {
                answers(invoke)?;
                let owned = |data: RawData<'_>| data.octets().to_vec();
                return Ok(results.into_iter().map(|result| result.map(owned)).collect());
            }
            Apdu::GetResponse(GetResponse::WithDatablock { invoke, last, number, result }) => {
                answers(invoke)?;
                if let Some(next) = blocks.take(last, number, result)? {
                    apdu = next;
                    continue;
                }
                // The blocks hold what would stand behind the invoke-id.
                let whole = [&[0xc4, 0x03, INVOKE.0], &blocks.joined[..]].concat();
                let Ok(GetResponse::WithList { results, .. }) = GetResponse::decode(&whole) else {
                    return Err(Finding::failed("the blocks make no list of results"));
                };
                let owned = |data: RawData<'_>| data.octets().to_vec();
                return Ok(results.into_iter().map(|result| result.map(owned)).collect());
            }
            other => {
                let name = other.name();
                return Err(Finding::failed(format!("GET with a list was answered with {name}")));
            }
        }
    }
}

/// A list, and what each attribute is when it is read alone.
async fn same_as_alone(
    association: &mut Association<'_>,
    attributes: &[AttributeDescriptor],
) -> Result<(), Finding> {
    let results = get_list(association, attributes).await?;
    check(results.len() == attributes.len(), || {
        format!("{} values were asked for, and {} came", attributes.len(), results.len())
    })?;
    for (attribute, result) in attributes.iter().zip(results) {
        let alone = association.get(*attribute, None).await?;
        check(result == alone, || format!("{attribute} is another one in a list than alone"))?;
    }
    Ok(())
}

async fn multiple<'t>(t: &'t Tester<'t>) -> Result<(Association<'t>, Vec<ListedObject>), Finding> {
    if !t.declaration.services.contains(Conformance::MULTIPLE_REFERENCES) {
        return Err(Finding::inapplicable("declares no multiple references"));
    }
    let mut association = t.associate(t.plain_client()).await?;
    let objects = listed(&mut association).await?;
    Ok((association, objects))
}

async fn multiple_1(t: &Tester<'_>) -> Result<(), Finding> {
    let (mut association, objects) = multiple(t).await?;
    // The names of ten objects, or of some of them more than once.
    let names = objects.iter().map(|object| object.descriptor(1)).cycle();
    let attributes: Vec<_> = names.take(10).collect();
    same_as_alone(&mut association, &attributes).await
}

async fn multiple_2(t: &Tester<'_>) -> Result<(), Finding> {
    let (mut association, _) = multiple(t).await?;
    same_as_alone(&mut association, &[LDN, OBJECT_LIST]).await
}

async fn multiple_3(t: &Tester<'_>) -> Result<(), Finding> {
    let (mut association, objects) = multiple(t).await?;
    // The current association is the same however often it is read.
    let object = objects.iter().find(|object| object.class == ClassId::ASSOCIATION_LN);
    let object =
        object.ok_or_else(|| Finding::failed("the object list has no current association"))?;
    let attributes: Vec<_> = (1..=4).map(|number| object.descriptor(number)).collect();
    same_as_alone(&mut association, &attributes).await
}

async fn mandatory_1(t: &Tester<'_>) -> Result<(), Finding> {
    for client in t.clients() {
        let mut association = t.associate(client).await?;
        let objects = listed(&mut association).await?;
        let is_it = |object: &&ListedObject| {
            object.class == ClassId::ASSOCIATION_LN
                && object.name == LogicalName::CURRENT_ASSOCIATION
        };
        check(objects.iter().any(|object| is_it(&object)), || {
            format!("the current association is not in the object list of client {}", client.sap)
        })?;
        let current =
            |attribute| AttributeDescriptor { attribute: AttributeId(attribute), ..OBJECT_LIST };
        let partners = association.value(current(3)).await?;
        let partners = data(&partners)?;
        let sap = partners.as_structure().and_then(|mut fields| fields.next()?.ok()?.as_integer());
        check(sap == Some(client.sap.into()), || {
            format!("associated_partners_id names the client {sap:?}, not {}", client.sap)
        })?;
        let status = association.value(current(8)).await?;
        let status = data(&status)?.as_enum();
        check(status == Some(ASSOCIATED), || {
            format!("the status of an open association is {status:?}, not {ASSOCIATED}")
        })?;
    }
    Ok(())
}

/// The status of an open association (IEC 62056-6-2, class 15 attribute 8).
const ASSOCIATED: u8 = 2;

async fn mandatory_2(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = t.associate(t.plain_client()).await?;
    let list = AttributeDescriptor::new(ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT, 2);
    let list = match association.get(list, None).await? {
        Ok(list) => list,
        Err(refusal) if t.declaration.logical_devices.len() > 1 => {
            return Err(Finding::failed(format!("there are several logical devices: {refusal}")));
        }
        Err(refusal) => {
            return Err(Finding::inapplicable(format!(
                "with one logical device the object may be missing, and it is: {refusal}"
            )));
        }
    };
    let wrong = || Finding::failed("SAP_assignment_list is not what the class says");
    let list = data(&list)?;
    let mut devices = Vec::new();
    for device in list.as_array().ok_or_else(wrong)? {
        let device = device.map_err(|_| wrong())?;
        let mut fields = device.as_structure().ok_or_else(wrong)?;
        let mut next = || fields.next()?.ok();
        let sap = next().and_then(|sap| u16::try_from(sap.as_integer()?).ok());
        let name = next().and_then(|name| name.as_octets().map(<[u8]>::to_vec));
        devices.push(sap.zip(name).ok_or_else(wrong)?);
    }
    for (index, (sap, name)) in devices.iter().enumerate() {
        let earlier = &devices[..index];
        check(earlier.iter().all(|(other, _)| other != sap), || format!("the SAP {sap} is twice"))?;
        check(earlier.iter().all(|(_, other)| other != name), || {
            format!("the name {} is twice", String::from_utf8_lossy(name))
        })?;
    }
    for (sap, name) in &t.declaration.logical_devices {
        let found = devices.iter().any(|(its, it)| its == sap && it == name.as_bytes());
        check(found, || format!("the declared logical device {sap} {name} is not in the list"))?;
    }
    Ok(())
}

/// Octets of a logical device name, at most (IEC 62056-6-2 clause 4.1.8.2).
const NAME_LEN_MAX: usize = 16;

async fn mandatory_3(t: &Tester<'_>) -> Result<(), Finding> {
    for client in t.clients() {
        let mut association = t.associate(client).await?;
        let name = association.value(LDN).await?;
        let name = data(&name)?;
        let octets = name.as_octets().unwrap_or_default();
        check((1..=NAME_LEN_MAX).contains(&octets.len()), || {
            format!("the logical device name has {} octets", octets.len())
        })?;
        let manufacturer = octets.get(..3).unwrap_or_default();
        check(manufacturer.len() == 3 && manufacturer.iter().all(u8::is_ascii_uppercase), || {
            "the logical device name does not begin with the letters of a manufacturer".to_owned()
        })?;
        if let Some(declared) = t.declaration.logical_devices.get(&t.declaration.server) {
            check(octets == declared.as_bytes(), || {
                format!("the name is {}, not {declared}", String::from_utf8_lossy(octets))
            })?;
        }
    }
    Ok(())
}

async fn dummy_1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = t.associate(t.plain_client()).await?;
    let objects = listed(&mut association).await?;
    for object in &objects {
        let last = object.attributes.iter().map(|attribute| attribute.id).max().unwrap_or(1);
        let mut numbers = vec![last.saturating_add(1), i8::MAX];
        if !t.declaration.services.contains(Conformance::ATTRIBUTE0_GET) {
            numbers.push(0);
        }
        for number in numbers {
            let attribute = object.descriptor(number);
            let value = association.get(attribute, None).await?;
            check(value.is_err(), || format!("{attribute} does not exist, and was read"))?;
        }
    }
    Ok(())
}
