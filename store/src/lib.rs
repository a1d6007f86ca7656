//! What a head-end keeps: meters and where they are reached, their keys and counters, jobs,
//! readings, and an account of who did what.
//!
//! Everything is in one SQLite file, so that what belongs together is written together: a job is
//! done, its readings are stored and whoever waits for them is told, or none of it. One thread
//! writes, and takes all that waits into one transaction; readers wait for nobody.
//!
//! | module | what it keeps |
//! |---|---|
//! | [`metering`] | metering points, meters, routes to them, concentrators, groups and tags |
//! | [`readings`] | intervals in blocks of a day, what they replaced, what is missing |
//! | [`jobs`] | what is to be done, by whom, and how far it got |
//! | [`counters`] | which invocation counters were handed out, which were accepted |
//! | [`secrets`] | keys and passwords, encrypted |
//! | [`events`] | what meters and the head-end report |
//! | [`outbox`] | what others are to be told |
//! | [`audit`] | who did what, in a chain that shows a missing link |
//!
//! Time is an argument everywhere: nothing here reads a clock.
//!
//! ```
//! use store::{Store, metering::NewMeter};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let folder = std::env::temp_dir().join(format!("store-{}", std::process::id()));
//! # let _ = std::fs::remove_dir_all(&folder);
//! let store = Store::create(&folder)?;
//! let meter = NewMeter { name: "LGZ1030655933512".into(), ..NewMeter::default() };
//! let [id] = store.add_meters(vec![meter]).await?[..] else { unreachable!() };
//! assert_eq!(store.meter("LGZ1030655933512").await?.map(|meter| meter.id), Some(id));
//!
//! // Who opens a file that is not there does not get an empty one: counters would begin anew.
//! drop(store);
//! assert!(Store::open(&folder.join("elsewhere")).is_err());
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod audit;
mod backup;
pub mod counters;
mod error;
pub mod events;
mod file;
pub mod jobs;
pub mod metering;
pub mod outbox;
pub mod readings;
mod schema;
pub mod secrets;

pub use self::{backup::BackupError, error::StoreError, file::Store};
