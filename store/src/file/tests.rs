use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("store-file-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn set(file: &Connection, name: &str) -> Result<(), StoreError> {
    file.execute("INSERT INTO sink (name, sent) VALUES (?, 0)", [name])?;
    Ok(())
}

async fn sinks(store: &Store) -> i64 {
    store
        .read(|file| Ok(file.query_row("SELECT count(*) FROM sink", [], |row| row.get(0))?))
        .await
        .unwrap()
}

/// Writes wait behind this one until `sender` is used, and are one transaction then.
fn hold(store: &Store) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let store = store.clone();
    let holding = tokio::spawn(async move {
        let held = store.write(move |_| {
            receiver.recv().unwrap();
            Ok(())
        });
        held.await.unwrap();
    });
    (sender, holding)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_is_undone_and_its_neighbours_are_not() {
    let folder = Folder::new("neighbours");
    let store = Store::create(&folder.0).unwrap();
    let (release, holding) = hold(&store);
    let write = async |name: &'static str, fail: bool| {
        let done = store.write(move |file| {
            set(file, name)?;
            if fail { Err(StoreError::Closed) } else { Ok(()) }
        });
        done.await.is_ok()
    };
    let all = async { tokio::join!(write("a", false), write("b", true), write("c", false)) };
    let release = async { release.send(()).unwrap() };
    let (done, ()) = tokio::join!(all, release);
    holding.await.unwrap();
    assert_eq!(done, (true, false, true));
    assert_eq!(sinks(&store).await, 2);
}

#[tokio::test]
async fn a_full_disk_is_said_and_costs_nothing_that_was_stored() {
    let folder = Folder::new("full");
    let store = Store::create(&folder.0).unwrap();
    store.write(|file| set(file, "before")).await.unwrap();
    let pages = |pages: i64| {
        store.write(move |file| {
            Ok(file.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                row.get::<_, i64>(0)
            })?)
        })
    };
    // No less than there are: the file cannot grow.
    pages(1).await.unwrap();
    let long = || (0..200).map(|number| format!("{number:0>1000}")).collect::<Vec<_>>();
    let names = long();
    let full = store.write(move |file| names.iter().try_for_each(|name| set(file, name))).await;
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    assert_eq!(sinks(&store).await, 1);

    // With room again, it goes on.
    pages(1_000_000).await.unwrap();
    let names = long();
    store.write(move |file| names.iter().try_for_each(|name| set(file, name))).await.unwrap();
    assert_eq!(sinks(&store).await, 201);
}

#[tokio::test]
async fn what_waits_when_the_last_handle_goes_is_written() {
    let folder = Folder::new("last");
    let store = Store::create(&folder.0).unwrap();
    let writes: Vec<_> = (0..50)
        .map(|number: u32| {
            let store = store.clone();
            tokio::spawn(async move {
                store.write(move |file| set(file, &number.to_string())).await.unwrap();
            })
        })
        .collect();
    drop(store);
    for write in writes {
        write.await.unwrap();
    }
    let store = Store::open(&folder.0).unwrap();
    assert_eq!(sinks(&store).await, 50);
}
