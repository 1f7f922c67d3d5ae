//! A disk that gets full.

use super::{group, newest, send, small};
use crate::disk::Probe;
use mvchat_core::seam::StoreErrorKind;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MIB: u64 = 1 << 20;

/// A disk with as much space as the test says, besides what the ballast takes.
#[derive(Default)]
struct Space(AtomicU64);

impl Space {
    fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

impl Probe for Space {
    fn free(&self, dir: &Path) -> io::Result<u64> {
        let ballast = std::fs::metadata(dir.join("ballast")).map_or(0, |file| file.len());
        Ok(self.0.load(Ordering::Relaxed).saturating_sub(ballast))
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_lets_the_store_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let space = Arc::new(Space::default());
    let options = || {
        let mut options = small().ballast(4 * MIB).watermark(2 * MIB);
        options.probe = Arc::clone(&space) as Arc<dyn Probe>;
        options
    };
    let ballast = dir.path().join("store/ballast");

    space.set(100 * MIB);
    let store = options().open(dir.path()).unwrap();
    assert_eq!(std::fs::metadata(&ballast).unwrap().len(), 4 * MIB);
    let conv = group(&store, 7).await;
    send(&store, conv, "while there is space").await.unwrap();

    space.set(5 * MIB);
    let error = send(&store, conv, "too late").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("free on the disk"), "{error}");
    assert_eq!(newest(&store, conv).await.unwrap().messages.len(), 1, "reads go on");
    assert!(ballast.exists(), "the ballast is for opening");

    drop(store);
    let store = options().open(dir.path()).unwrap();
    assert!(!ballast.exists());
    assert_eq!(newest(&store, conv).await.unwrap().messages.len(), 1);
    let refused = send(&store, conv, "not into the ballast's space").await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Unavailable);

    space.set(100 * MIB);
    assert_eq!(send(&store, conv, "space again").await.unwrap().0, 2);
    assert!(ballast.exists());
}

#[cfg(unix)]
#[test]
fn the_ballast_takes_real_space() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let _store = small().ballast(MIB).open(dir.path()).unwrap();
    let file = std::fs::metadata(dir.path().join("store/ballast")).unwrap();
    assert!(file.blocks() * 512 >= MIB, "{} blocks", file.blocks());
}
