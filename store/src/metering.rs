//! Metering points, the meters on them, and the ways to a meter.
//!
//! A metering point outlives its meters: what was read belongs to a meter, and a *mounting* says
//! which meter was at which point from when to when, and by which ratio of its transformers its
//! values count there. A meter is reached over one of its *routes*, tried in order: an address of
//! its own, or a SAP at a concentrator.

use core::fmt;
use std::collections::BTreeMap;

use dlms_core::security::SystemTitle;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{error::StoreError, file::Store};

/// A meter in this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(pub i64);

/// A concentrator in this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConcentratorId(pub i64);

/// A metering point in this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId(pub i64);

/// One way to a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Its own address.
    Direct {
        /// `wrapper://192.0.2.7:4059`, `hdlc+serial:///dev/ttyUSB0`.
        address: String,
        /// The SAP of the logical device there.
        sap: u16,
    },
    /// Behind a concentrator.
    Behind {
        /// Which.
        concentrator: ConcentratorId,
        /// The SAP of the meter there.
        sap: u16,
    },
}

/// A meter as it is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMeter {
    /// The logical device name, or whatever it is called until it has said it.
    pub name: String,
    /// Its system title, if it is known: no other meter has it.
    pub title: Option<SystemTitle>,
    /// The companion profile it follows.
    pub companion: Option<String>,
    /// The time zone of its clock, where the clock does not say: `Europe/Berlin`.
    pub time_zone: Option<String>,
    /// How it is spoken to: client SAP, authentication, suite; a schema of the head-end.
    pub access: String,
    /// The ways to it, the best first.
    pub routes: Vec<Route>,
    /// Groups it is in.
    pub groups: Vec<String>,
    /// What else is to be known, by name.
    pub tags: BTreeMap<String, String>,
}

/// A meter in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Its number here.
    pub id: MeterId,
    /// What was said about it.
    pub meter: NewMeter,
    /// Whether it is in use no more; what was read of it stays.
    pub retired: bool,
}

/// By what the values of a meter count at a point: the ratio of current and voltage transformers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Primary.
    pub numerator: u32,
    /// Secondary; not 0.
    pub denominator: u32,
}

impl Ratio {
    /// A meter without transformers.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };
}

/// A meter at a point, for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mounting {
    /// Which meter.
    pub meter: MeterId,
    /// From when.
    pub since: Timestamp,
    /// Until when, if it is over.
    pub until: Option<Timestamp>,
    /// By what its values count.
    pub ratio: Ratio,
}

/// A concentrator in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concentrator {
    /// Its number here.
    pub id: ConcentratorId,
    /// What it is called.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// How it is spoken to; a schema of the head-end.
    pub access: String,
}

/// Which meters are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterFilter {
    /// Those of this group.
    pub group: Option<String>,
    /// Those with this tag of this value.
    pub tag: Option<(String, String)>,
    /// Those behind this concentrator, over any route.
    pub concentrator: Option<ConcentratorId>,
    /// Those whose name begins like this.
    pub name_prefix: Option<String>,
    /// Those that are in use no more as well.
    pub retired: bool,
    /// Those after this one in the order of their numbers.
    pub after: Option<MeterId>,
    /// So many at most.
    pub count: Option<u32>,
}

impl Store {
    /// Adds meters: all of them, or none.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] for a name or title that is there already or comes twice,
    /// [`StoreError::Unknown`] for a concentrator that is not there.
    pub async fn add_meters(&self, meters: Vec<NewMeter>) -> Result<Vec<MeterId>, StoreError> {
        self.write(move |file| meters.iter().map(|meter| add_meter(file, meter)).collect()).await
    }

    /// Replaces what is said about a meter.
    ///
    /// # Errors
    /// As [`Self::add_meters`], and [`StoreError::Unknown`] if it is not there.
    pub async fn update_meter(&self, id: MeterId, meter: NewMeter) -> Result<(), StoreError> {
        self.write(move |file| {
            let changed = file
                .prepare_cached(
                    "UPDATE meter SET name = ?, title = ?, companion = ?, time_zone = ?, \
                     access_json = ? WHERE id = ?",
                )?
                .execute(params![
                    meter.name,
                    meter.title.map(|title| title.0),
                    meter.companion,
                    meter.time_zone,
                    meter.access,
                    id.0,
                ])
                .map_err(|error| duplicate(error, &meter))?;
            if changed == 0 {
                return Err(unknown_meter(id));
            }
            for table in ["route", "membership", "tag"] {
                file.execute(&format!("DELETE FROM {table} WHERE meter = ?"), [id.0])?;
            }
            add_belongings(file, id, &meter)
        })
        .await
    }

    /// A meter is in use no more, or again. What was read of it stays.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it is not there.
    pub async fn retire_meter(&self, id: MeterId, retired: bool) -> Result<(), StoreError> {
        self.write(move |file| {
            let changed = file
                .prepare_cached("UPDATE meter SET retired = ? WHERE id = ?")?
                .execute(params![retired, id.0])?;
            if changed == 0 { Err(unknown_meter(id)) } else { Ok(()) }
        })
        .await
    }

    /// The meter of this name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn meter(&self, name: &str) -> Result<Option<Meter>, StoreError> {
        let name = name.to_owned();
        self.read(move |file| {
            let id = file
                .prepare_cached("SELECT id FROM meter WHERE name = ?")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            id.map(|id| load_meter(file, MeterId(id))).transpose()
        })
        .await
    }

    /// The meter of this number.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it is not there.
    pub async fn meter_by_id(&self, id: MeterId) -> Result<Meter, StoreError> {
        self.read(move |file| load_meter(file, id)).await
    }

    /// The meter that says it has this title.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn meter_by_title(&self, title: SystemTitle) -> Result<Option<Meter>, StoreError> {
        self.read(move |file| {
            let id = file
                .prepare_cached("SELECT id FROM meter WHERE title = ?")?
                .query_row([title.0], |row| row.get(0))
                .optional()?;
            id.map(|id| load_meter(file, MeterId(id))).transpose()
        })
        .await
    }

    /// The meters that are meant, in the order of their numbers.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn meters(&self, filter: MeterFilter) -> Result<Vec<Meter>, StoreError> {
        self.read(move |file| {
            let mut statement = file.prepare_cached(
                "SELECT id FROM meter WHERE id > ?1 AND (?2 OR NOT retired) \
                 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM membership \
                     WHERE membership.meter = meter.id AND membership.name = ?3)) \
                 AND (?4 IS NULL OR EXISTS (SELECT 1 FROM tag \
                     WHERE tag.meter = meter.id AND tag.name = ?4 AND tag.value = ?5)) \
                 AND (?6 IS NULL OR EXISTS (SELECT 1 FROM route \
                     WHERE route.meter = meter.id AND route.concentrator = ?6)) \
                 AND (?7 IS NULL OR substr(name, 1, length(?7)) = ?7) \
                 ORDER BY id LIMIT ?8",
            )?;
            let (tag, value) = filter.tag.unzip();
            let ids = statement
                .query_map(
                    params![
                        filter.after.map_or(0, |after| after.0),
                        filter.retired,
                        filter.group,
                        tag,
                        value,
                        filter.concentrator.map(|id| id.0),
                        filter.name_prefix,
                        filter.count.map_or(-1, i64::from),
                    ],
                    |row| row.get(0),
                )?
                .collect::<Result<Vec<i64>, _>>()?;
            ids.into_iter().map(|id| load_meter(file, MeterId(id))).collect()
        })
        .await
    }

    /// Adds a metering point.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] if its name is there already.
    pub async fn add_point(&self, name: &str, note: &str) -> Result<PointId, StoreError> {
        let (name, note) = (name.to_owned(), note.to_owned());
        self.write(move |file| {
            let added = file
                .prepare_cached("INSERT INTO point (name, note) VALUES (?, ?) RETURNING id")?
                .query_row(params![name, note], |row| row.get(0));
            match added {
                Err(error) if is_constraint(&error) => {
                    Err(StoreError::Duplicate { what: "metering point", name })
                }
                added => Ok(PointId(added?)),
            }
        })
        .await
    }

    /// From `at` on `meter` is at `point`; the one that was there until now is so no longer.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a point or meter that is not there, [`StoreError::Duplicate`]
    /// if another one was mounted at the same moment or later, or the meter is somewhere else.
    pub async fn mount(
        &self,
        point: PointId,
        meter: MeterId,
        ratio: Ratio,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |file| mount(file, point, meter, ratio, at)).await
    }

    /// From `at` on no meter is at `point`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn dismount(&self, point: PointId, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |file| {
            file.prepare_cached(
                "UPDATE mounting SET until = ? WHERE point = ? AND until IS NULL AND since <= ?1",
            )?
            .execute(params![at.as_millisecond(), point.0])?;
            Ok(())
        })
        .await
    }

    /// Which meters were at a point, the first one first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn mountings(&self, point: PointId) -> Result<Vec<Mounting>, StoreError> {
        self.read(move |file| {
            let mut statement = file.prepare_cached(
                "SELECT meter, since, until, ratio_numerator, ratio_denominator FROM mounting \
                 WHERE point = ? ORDER BY since",
            )?;
            let found = statement.query_map([point.0], |row| {
                Ok(Mounting {
                    meter: MeterId(row.get(0)?),
                    since: moment(row.get(1)?),
                    until: row.get::<_, Option<i64>>(2)?.map(moment),
                    ratio: Ratio { numerator: row.get(3)?, denominator: row.get(4)? },
                })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Adds a concentrator.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] if its name is there already.
    pub async fn add_concentrator(
        &self,
        name: &str,
        address: &str,
        access: &str,
    ) -> Result<ConcentratorId, StoreError> {
        let (name, address, access) = (name.to_owned(), address.to_owned(), access.to_owned());
        self.write(move |file| {
            let added = file
                .prepare_cached(
                    "INSERT INTO concentrator (name, address, access_json) VALUES (?, ?, ?) \
                     RETURNING id",
                )?
                .query_row(params![name, address, access], |row| row.get(0));
            match added {
                Err(error) if is_constraint(&error) => {
                    Err(StoreError::Duplicate { what: "concentrator", name })
                }
                added => Ok(ConcentratorId(added?)),
            }
        })
        .await
    }

    /// All concentrators, by name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn concentrators(&self) -> Result<Vec<Concentrator>, StoreError> {
        self.read(|file| {
            let mut statement = file.prepare_cached(
                "SELECT id, name, address, access_json FROM concentrator ORDER BY name",
            )?;
            let found = statement.query_map([], |row| {
                let id = ConcentratorId(row.get(0)?);
                Ok(Concentrator {
                    id,
                    name: row.get(1)?,
                    address: row.get(2)?,
                    access: row.get(3)?,
                })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }
}

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stored moment. One that no calendar has was not written here; it is the beginning of time.
pub(crate) fn moment(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

pub(crate) fn unknown_meter(id: MeterId) -> StoreError {
    StoreError::Unknown { what: "meter", name: id.to_string() }
}

fn duplicate(error: rusqlite::Error, meter: &NewMeter) -> StoreError {
    match meter.title {
        _ if !is_constraint(&error) => error.into(),
        Some(title) if error.to_string().contains("meter.title") => {
            StoreError::Duplicate { what: "system title", name: title.to_string() }
        }
        _ => StoreError::Duplicate { what: "meter", name: meter.name.clone() },
    }
}

fn add_meter(file: &Connection, meter: &NewMeter) -> Result<MeterId, StoreError> {
    let id = file
        .prepare_cached(
            "INSERT INTO meter (name, title, companion, time_zone, access_json) \
             VALUES (?, ?, ?, ?, ?) RETURNING id",
        )?
        .query_row(
            params![
                meter.name,
                meter.title.map(|title| title.0),
                meter.companion,
                meter.time_zone,
                meter.access,
            ],
            |row| row.get(0),
        )
        .map_err(|error| duplicate(error, meter))?;
    let id = MeterId(id);
    add_belongings(file, id, meter)?;
    Ok(id)
}

fn add_belongings(file: &Connection, id: MeterId, meter: &NewMeter) -> Result<(), StoreError> {
    for (rank, route) in (0_u32..).zip(&meter.routes) {
        let (address, concentrator, sap) = match route {
            Route::Direct { address, sap } => (Some(address), None, sap),
            Route::Behind { concentrator, sap } => (None, Some(concentrator.0), sap),
        };
        file.prepare_cached(
            "INSERT INTO route (meter, rank, address, concentrator, sap) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![id.0, rank, address, concentrator, sap])
        .map_err(|error| match concentrator {
            Some(other) if is_constraint(&error) => {
                StoreError::Unknown { what: "concentrator", name: other.to_string() }
            }
            _ => error.into(),
        })?;
    }
    for group in &meter.groups {
        file.prepare_cached("INSERT OR IGNORE INTO membership (name, meter) VALUES (?, ?)")?
            .execute(params![group, id.0])?;
    }
    for (name, value) in &meter.tags {
        file.prepare_cached("INSERT INTO tag (meter, name, value) VALUES (?, ?, ?)")?
            .execute(params![id.0, name, value])?;
    }
    Ok(())
}

fn load_meter(file: &Connection, id: MeterId) -> Result<Meter, StoreError> {
    let mut found = file
        .prepare_cached(
            "SELECT name, title, companion, time_zone, access_json, retired FROM meter \
             WHERE id = ?",
        )?
        .query_row([id.0], |row| {
            let meter = NewMeter {
                name: row.get(0)?,
                title: row.get::<_, Option<[u8; 8]>>(1)?.map(SystemTitle),
                companion: row.get(2)?,
                time_zone: row.get(3)?,
                access: row.get(4)?,
                ..NewMeter::default()
            };
            Ok(Meter { id, meter, retired: row.get(5)? })
        })
        .optional()?
        .ok_or_else(|| unknown_meter(id))?;
    found.meter.routes = file
        .prepare_cached(
            "SELECT address, concentrator, sap FROM route WHERE meter = ? ORDER BY rank",
        )?
        .query_map([id.0], route)?
        .collect::<Result<_, _>>()?;
    found.meter.groups = file
        .prepare_cached("SELECT name FROM membership WHERE meter = ? ORDER BY name")?
        .query_map([id.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    found.meter.tags = file
        .prepare_cached("SELECT name, value FROM tag WHERE meter = ?")?
        .query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

fn route(row: &Row<'_>) -> rusqlite::Result<Route> {
    let (address, sap) = (row.get::<_, Option<String>>(0)?, row.get(2)?);
    Ok(match address {
        Some(address) => Route::Direct { address, sap },
        None => Route::Behind { concentrator: ConcentratorId(row.get(1)?), sap },
    })
}

fn mount(
    file: &Connection,
    point: PointId,
    meter: MeterId,
    ratio: Ratio,
    at: Timestamp,
) -> Result<(), StoreError> {
    let at = at.as_millisecond();
    let elsewhere: Option<String> = file
        .prepare_cached(
            "SELECT name FROM mounting JOIN point ON id = point \
             WHERE meter = ? AND point != ? AND (until IS NULL OR until > ?)",
        )?
        .query_row(params![meter.0, point.0, at], |row| row.get(0))
        .optional()?;
    if let Some(name) = elsewhere {
        return Err(StoreError::Duplicate { what: "the meter, mounted at", name });
    }
    let later = file
        .prepare_cached("SELECT 1 FROM mounting WHERE point = ? AND (since >= ? OR until > ?2)")?
        .exists(params![point.0, at])?;
    if later {
        let name = point.0.to_string();
        return Err(StoreError::Duplicate { what: "a later mounting at point", name });
    }
    file.prepare_cached("UPDATE mounting SET until = ? WHERE point = ? AND until IS NULL")?
        .execute(params![at, point.0])?;
    file.prepare_cached(
        "INSERT INTO mounting (point, meter, since, ratio_numerator, ratio_denominator) \
         VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![point.0, meter.0, at, ratio.numerator, ratio.denominator])
    .map_err(|error| match is_constraint(&error) {
        true => StoreError::Unknown { what: "meter or point", name: meter.to_string() },
        false => error.into(),
    })?;
    Ok(())
}
