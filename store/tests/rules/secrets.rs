//! Keys under the key of the house.

use std::{fs, sync::Arc};

use store::{
    Store, StoreError,
    secrets::{KeyFile, SecretError, SecretKind, SecretState, Vault},
};
use zeroize::Zeroizing;

use crate::{Scratch, minute};

async fn vault(scratch: &Scratch) -> Vault {
    let path = scratch.folder.join("house.key");
    let house = KeyFile::read(&path).or_else(|_| KeyFile::create(&path)).unwrap();
    Vault::open(scratch.store().clone(), Arc::new(house)).await.unwrap()
}

fn octets(octet: u8) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(vec![octet; 16])
}

fn found(secrets: &[store::secrets::Secret]) -> Vec<(u32, SecretState, u8)> {
    secrets.iter().map(|secret| (secret.version, secret.state, secret.octets[0])).collect()
}

#[tokio::test]
async fn a_secret_comes_back_and_stands_nowhere_in_the_file() {
    let mut scratch = Scratch::new();
    let secret = Zeroizing::new(b"SIXTEEN OCTETS!!".to_vec());
    let kind = SecretKind::Guek;
    let put = vault(&scratch).await;
    put.put("ABC1", kind, secret.clone(), SecretState::Active, minute(0)).await.unwrap();
    drop(put);
    scratch.reopen();
    let opened = vault(&scratch).await.current("ABC1", kind).await.unwrap();
    assert_eq!(opened[0].octets, secret);
    for file in fs::read_dir(&scratch.folder).unwrap() {
        let octets = fs::read(file.unwrap().path()).unwrap();
        assert!(!octets.windows(secret.len()).any(|there| there == secret.as_slice()));
    }
    assert!(!format!("{opened:?}").contains("83, 73"));
}

#[tokio::test]
async fn a_new_key_does_not_replace_the_old_one_until_the_meter_has_shown_that_it_has_it() {
    let scratch = Scratch::new();
    let vault = vault(&scratch).await;
    let kind = SecretKind::Gak;
    vault.put("ABC1", kind, octets(1), SecretState::Active, minute(0)).await.unwrap();
    vault.put("ABC1", kind, octets(2), SecretState::New, minute(1)).await.unwrap();
    let both = [(1, SecretState::Active, 1), (2, SecretState::New, 2)];
    assert_eq!(found(&vault.current("ABC1", kind).await.unwrap()), both);

    vault.activate("ABC1", kind, 2, minute(2)).await.unwrap();
    let current = vault.current("ABC1", kind).await.unwrap();
    assert_eq!(found(&current), [(2, SecretState::Active, 2)]);
    let missing = vault.activate("ABC1", kind, 3, minute(2)).await;
    assert!(matches!(missing, Err(StoreError::Unknown { .. })));
}

#[tokio::test]
async fn another_key_of_the_house_opens_nothing() {
    let scratch = Scratch::new();
    let _ = vault(&scratch).await;
    let other = KeyFile::create(&scratch.folder.join("other.key")).unwrap();
    let opened = Vault::open(scratch.store().clone(), Arc::new(other)).await;
    let refused = matches!(opened, Err(StoreError::Secret(SecretError::Opening(_))));
    assert!(refused, "{opened:?}");
}

#[tokio::test]
async fn secrets_outlive_the_key_of_the_house() {
    let scratch = Scratch::new();
    let kind = SecretKind::Secret;
    let first = vault(&scratch).await;
    first.put("ABC1", kind, octets(7), SecretState::Active, minute(0)).await.unwrap();
    let old = KeyFile::read(&scratch.folder.join("house.key")).unwrap();
    let new = KeyFile::create(&scratch.folder.join("new.key")).unwrap();
    let changed = first.change_house_key(Arc::new(new)).await.unwrap();
    assert_eq!(changed.current("ABC1", kind).await.unwrap()[0].octets, octets(7));
    assert!(Vault::open(scratch.store().clone(), Arc::new(old)).await.is_err());
}

#[tokio::test]
async fn a_secret_that_was_put_in_the_place_of_another_does_not_open() {
    let mut scratch = Scratch::new();
    let put = vault(&scratch).await;
    for owner in ["ABC1", "ABC2"] {
        let kind = SecretKind::Guek;
        put.put(owner, kind, octets(1), SecretState::Active, minute(0)).await.unwrap();
    }
    drop(put);
    let path = scratch.close().join("headend.db");
    let file = rusqlite::Connection::open(path).unwrap();
    let swap = "UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE owner = 'ABC2') \
                WHERE owner = 'ABC1'";
    file.execute(swap, []).unwrap();
    drop(file);
    scratch.store = Some(Store::open(&scratch.folder).unwrap());
    let opened = vault(&scratch).await.current("ABC1", SecretKind::Guek).await;
    assert!(matches!(opened, Err(StoreError::Secret(SecretError::Opening(_)))), "{opened:?}");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new();
    let path = scratch.folder.join("house.key");
    KeyFile::create(&path).unwrap();
    assert!(KeyFile::create(&path).is_err(), "and none is overwritten");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = KeyFile::read(&path).unwrap_err().to_string();
    assert!(error.ends_with("others than its owner may read it; try: chmod 600"), "{error}");
}
