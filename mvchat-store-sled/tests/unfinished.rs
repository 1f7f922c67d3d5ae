//! A copy that was not finished is nobody's store.

use mvchat_core::proto::Position;
use mvchat_core::seam::{LoadNote, Loading, Part, Portable, StoreErrorKind};
use mvchat_store_sled::SledStore;
use std::collections::BTreeMap;

#[tokio::test]
async fn what_is_not_released_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let options = || SledStore::options().ballast(0);
    let store = options().open(folder.path()).unwrap();
    let note = LoadNote {
        from: "elsewhere".to_owned(),
        counts: BTreeMap::new(),
        position: Position(7),
        part: Some(Part::Messages),
        after: Some("here".to_owned()),
    };
    store.load(Vec::new(), &note).await.unwrap();
    drop(store);
    let refused = options().open(folder.path()).unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict, "{refused}");
    let store = options().accept_unfinished().open(folder.path()).unwrap();
    assert_eq!(store.loading().await.unwrap(), Loading::Begun(note));
    store.release().await.unwrap();
    drop(store);
    options().open(folder.path()).unwrap();
}
