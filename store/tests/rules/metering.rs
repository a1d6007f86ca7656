//! Points, meters, routes.

use dlms_core::security::SystemTitle;
use store::{
    StoreError,
    metering::{MeterFilter, Mounting, NewMeter, Ratio, Route},
};

use crate::{Scratch, meters, minute};

fn named(name: &str) -> NewMeter {
    NewMeter { name: name.into(), access: "{}".into(), ..NewMeter::default() }
}

#[tokio::test]
async fn a_meter_comes_back_as_it_was_added_after_a_restart_too() {
    let mut scratch = Scratch::new();
    let house = scratch.store().add_concentrator("house 7", "wrapper://192.0.2.7:4059", "{}");
    let house = house.await.unwrap();
    let meter = NewMeter {
        title: Some(SystemTitle(*b"ABC\0\0\0\0\x01")),
        companion: Some("idis".into()),
        time_zone: Some("Europe/Berlin".into()),
        routes: vec![
            Route::Behind { concentrator: house, sap: 16 },
            Route::Direct { address: "wrapper://192.0.2.8:4059".into(), sap: 1 },
        ],
        groups: vec!["north".into(), "solar".into()],
        tags: [("street".into(), "Lindenstraße 3".into())].into(),
        ..named("ABC0000000000001")
    };
    let [id] = scratch.store().add_meters(vec![meter.clone()]).await.unwrap()[..] else {
        panic!("one was added")
    };
    scratch.reopen();
    assert_eq!(scratch.store().meter_by_id(id).await.unwrap().meter, meter);
    let title = SystemTitle(*b"ABC\0\0\0\0\x01");
    assert_eq!(scratch.store().meter_by_title(title).await.unwrap().unwrap().id, id);
}

#[tokio::test]
async fn meters_are_added_all_or_none() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let twice = store.add_meters(vec![named("one"), named("two"), named("one")]).await;
    assert_eq!(twice.unwrap_err().to_string(), "meter \"one\" is there already");
    assert_eq!(store.meters(MeterFilter::default()).await.unwrap(), []);

    let title = Some(SystemTitle(*b"ABC\0\0\0\0\x01"));
    let same = [NewMeter { title, ..named("one") }, NewMeter { title, ..named("two") }];
    let same = store.add_meters(same.to_vec()).await;
    assert!(matches!(same, Err(StoreError::Duplicate { what: "system title", .. })), "{same:?}");
}

#[tokio::test]
async fn meters_are_found_by_what_is_known_of_them() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let house = store.add_concentrator("house", "wrapper://192.0.2.7:4059", "{}").await.unwrap();
    let route = Route::Behind { concentrator: house, sap: 16 };
    store
        .add_meters(vec![
            NewMeter { groups: vec!["north".into()], ..named("ABC1") },
            NewMeter { tags: [("floor".into(), "2".into())].into(), ..named("ABC2") },
            NewMeter { routes: vec![route], ..named("XYZ%") },
        ])
        .await
        .unwrap();
    let names = async |filter: MeterFilter| -> Vec<String> {
        store.meters(filter).await.unwrap().into_iter().map(|found| found.meter.name).collect()
    };
    let all = MeterFilter::default();
    assert_eq!(names(all.clone()).await, ["ABC1", "ABC2", "XYZ%"]);
    assert_eq!(names(MeterFilter { group: Some("north".into()), ..all.clone() }).await, ["ABC1"]);
    let tag = Some(("floor".into(), "2".into()));
    assert_eq!(names(MeterFilter { tag, ..all.clone() }).await, ["ABC2"]);
    assert_eq!(names(MeterFilter { concentrator: Some(house), ..all.clone() }).await, ["XYZ%"]);
    let prefix = |text: &str| MeterFilter { name_prefix: Some(text.into()), ..all.clone() };
    assert_eq!(names(prefix("ABC")).await, ["ABC1", "ABC2"]);
    // What begins like this, not what matches it.
    assert_eq!(names(prefix("%")).await, [""; 0]);
    assert_eq!(names(MeterFilter { count: Some(2), ..all.clone() }).await, ["ABC1", "ABC2"]);

    let retired = store.meter("ABC1").await.unwrap().unwrap().id;
    store.retire_meter(retired, true).await.unwrap();
    assert_eq!(names(all.clone()).await, ["ABC2", "XYZ%"]);
    assert_eq!(names(MeterFilter { retired: true, ..all }).await.len(), 3);
}

#[tokio::test]
async fn a_point_outlives_its_meters() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [old, new] = meters(store).await;
    let point = store.add_point("DE0001234567890", "cellar").await.unwrap();
    let ratio = Ratio { numerator: 200, denominator: 5 };
    store.mount(point, old, ratio, minute(0)).await.unwrap();
    store.mount(point, new, Ratio::ONE, minute(60)).await.unwrap();
    assert_eq!(
        store.mountings(point).await.unwrap(),
        [
            Mounting { meter: old, since: minute(0), until: Some(minute(60)), ratio },
            Mounting { meter: new, since: minute(60), until: None, ratio: Ratio::ONE },
        ]
    );
}

#[tokio::test]
async fn a_meter_is_at_one_point_and_a_point_has_one_meter() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [one, two] = meters(store).await;
    let here = store.add_point("here", "").await.unwrap();
    let there = store.add_point("there", "").await.unwrap();
    store.mount(here, one, Ratio::ONE, minute(10)).await.unwrap();
    let elsewhere = store.mount(there, one, Ratio::ONE, minute(20)).await.unwrap_err();
    assert_eq!(elsewhere.to_string(), "the meter, mounted at \"here\" is there already");
    // Nobody was there before somebody else who is there already.
    assert!(store.mount(here, two, Ratio::ONE, minute(5)).await.is_err());
    store.dismount(here, minute(30)).await.unwrap();
    store.mount(there, one, Ratio::ONE, minute(40)).await.unwrap();
}
