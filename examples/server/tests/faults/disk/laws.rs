//! The disk itself does what it says: otherwise the tests on it would prove nothing.

use super::{Disk, Failing, Loss};
use crate::support::Random;
use fuser::Errno;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

fn disk(capacity: u64) -> (tempfile::TempDir, std::path::PathBuf, Disk) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("disk");
    let disk = Disk::mount(&at, capacity).unwrap();
    (folder, at, disk)
}

fn sync_folder(at: &Path) {
    File::open(at).unwrap().sync_all().unwrap();
}

/// What was synced is there after a cut, whatever is lost; what was not is there in part at most.
pub(crate) async fn synced() {
    let mut random = Random(7);
    for loss in [Loss::All, Loss::Torn, Loss::Reordered].into_iter().cycle().take(60) {
        let (_folder, at, disk) = disk(1 << 20);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(at.join("a")).unwrap();
        file.write_all(&[1; 10_000]).unwrap();
        file.sync_data().unwrap();
        sync_folder(&at);
        file.seek(SeekFrom::Start(5_000)).unwrap();
        file.write_all(&[2; 20_000]).unwrap();
        fs::write(at.join("b"), b"never synced").unwrap();
        fs::rename(at.join("b"), at.join("c")).unwrap();
        let mut now = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut now).unwrap();
        assert_eq!((now.len(), now[4_999], now[5_000], now[24_999]), (25_000, 1, 2, 2));
        drop(file);

        let lost = disk.restore(loss, &mut random);
        let left = fs::read(at.join("a")).unwrap();
        assert_eq!(left[..5_000], [1; 5_000]);
        assert!(
            left[5_000..].iter().all(|byte| [0, 1, 2].contains(byte))
                && (10_000..=25_000).contains(&left.len())
        );
        let names: Vec<_> = fs::read_dir(&at)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        if loss == Loss::All {
            assert_eq!((left, names, lost), (vec![1; 10_000], vec!["a".to_owned()], 4));
        }
        // What is left stays.
        let left = fs::read(at.join("a")).unwrap();
        disk.restore(Loss::All, &mut random);
        assert_eq!(fs::read(at.join("a")).unwrap(), left);
    }
}

/// A full disk takes no byte more and says so before; a failing one fails, and nothing that failed is there.
pub(crate) async fn full() {
    let (_folder, at, disk) = disk(1 << 20);
    let mut file = File::create(at.join("a")).unwrap();
    disk.leave_free(8_192);
    file.write_all(&[1; 8_192]).unwrap();
    let full = file.write_all(&[1]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    disk.leave_free(1 << 20);
    file.write_all(&[1]).unwrap();
    disk.fail(Some((Failing::Syncs, Errno::EIO)));
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
    disk.fail(Some((Failing::Writes, Errno::EIO)));
    assert_eq!(file.write_all(&[2]).unwrap_err().raw_os_error(), Some(5));
    disk.fail(None);
    file.sync_data().unwrap();
    assert_eq!(fs::read(at.join("a")).unwrap(), [1; 8_193]);
}
