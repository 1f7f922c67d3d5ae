//! What is known of files.

use super::bed::Bed;
use crate::proto::{FileId, UserId};
use crate::seam::{FileRow, FileState, StoreErrorKind};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;
use futures_util::future::join_all;
use std::cmp::Reverse;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_file_is_returned_as_it_was_made),
    law!(a_file_is_made_once, threads),
    law!(a_file_stays_its_uploaders),
    law!(pages_of_files_have_each_once),
    law!(forgotten_files_are_gone),
    law!(files_survive_reopening, reopens),
];

impl Bed {
    /// Makes the row of a file that nobody has kept yet.
    pub(super) fn new_file(&self, uploader: UserId) -> FileRow {
        let id = FileId(self.id());
        FileRow {
            id,
            uploader,
            created_at: self.now(),
            mime: "image/png".to_owned(),
            size: 5_000_000_000,
            location: format!("ab/cd/{id}"),
            state: FileState::Ready,
            sealed: Bytes::from(format!("sealed {id}")),
        }
    }

    async fn file(&self, uploader: UserId) -> FileRow {
        let row = self.new_file(uploader);
        assert!(self.store.create_file(row.clone()).await.unwrap(), "a new file was taken for a known one");
        row
    }

    /// Returns the ids of a user's files, read in pages of `limit`.
    async fn files_in_pages(&self, uploader: UserId, limit: usize) -> Vec<FileId> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.files_of(uploader, after, limit).await.unwrap();
            assert!(page.len() <= limit, "a page is longer than was asked for");
            ids.extend(page.iter().map(|row| row.id));
            after = page.last().map(|row| (row.created_at, row.id));
            if after.is_none() {
                return ids;
            }
        }
    }
}

async fn a_file_is_returned_as_it_was_made(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let ready = bed.file(a).await;
    let odd = FileRow {
        state: FileState::Pending,
        mime: String::new(),
        size: 0,
        // As text it is one, and must not be read as a pattern or cut anywhere.
        location: "%_'\\ \u{1f600}".to_owned(),
        sealed: Bytes::from(vec![0; 20_000]),
        ..bed.new_file(a)
    };
    let failed = FileRow { state: FileState::Failed, sealed: Bytes::new(), ..bed.new_file(b) };
    for row in [&odd, &failed] {
        assert!(bed.store.create_file(row.clone()).await.unwrap());
    }
    let wanted = [failed.id, FileId(bed.id()), ready.id, odd.id, ready.id];
    let found = bed.store.files(&wanted).await.unwrap();
    assert_eq!(
        found,
        [Some(failed.clone()), None, Some(ready.clone()), Some(odd.clone()), Some(ready.clone())]
    );
    assert_eq!(bed.store.files(&[]).await.unwrap(), []);
    assert_eq!(bed.store.files_of(a, None, 10).await.unwrap(), [odd, ready]);
    assert_eq!(bed.store.files_of(b, None, 10).await.unwrap(), [failed]);
    assert_eq!(bed.store.files_of(bed.user(), None, 10).await.unwrap(), []);
}

async fn a_file_is_made_once(bed: Bed) {
    let user = bed.user();
    let row = bed.new_file(user);
    let made = join_all((0..8).map(|_| bed.store.create_file(row.clone()))).await;
    let made = made.into_iter().filter(|made| *made.as_ref().unwrap()).count();
    assert_eq!(made, 1, "a file was made more than once, or never");
    let other = FileRow { size: 1, location: "elsewhere".to_owned(), ..row.clone() };
    assert!(!bed.store.create_file(other).await.unwrap());
    assert_eq!(bed.store.files_of(user, None, 10).await.unwrap(), [row], "a file stays as it was made");
}

async fn a_file_stays_its_uploaders(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let row = bed.file(a).await;
    let theirs = FileRow { id: row.id, ..bed.new_file(b) };
    let error = bed.store.create_file(theirs).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    assert_eq!(bed.store.files(&[row.id]).await.unwrap(), [Some(row.clone())]);
    assert_eq!(bed.store.files_of(a, None, 10).await.unwrap(), [row]);
    assert_eq!(bed.store.files_of(b, None, 10).await.unwrap(), []);
}

async fn pages_of_files_have_each_once(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let mut rows = Vec::new();
    for number in 0..10 {
        bed.file(b).await;
        let row = bed.new_file(a);
        // Some have the same time.
        let created_at =
            rows.last().filter(|_| number % 3 > 0).map_or(row.created_at, |last: &FileRow| last.created_at);
        rows.push(FileRow { created_at, ..row });
    }
    for row in &rows {
        assert!(bed.store.create_file(row.clone()).await.unwrap());
    }
    rows.sort_by_key(|row| Reverse((row.created_at, row.id)));
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    for limit in [1, 2, 3, 10, 100] {
        assert_eq!(bed.files_in_pages(a, limit).await, ids, "in pages of {limit}");
    }
    let between = (rows[4].created_at, rows[4].id);
    assert!(bed.store.create_file(bed.new_file(a)).await.unwrap());
    let rest = bed.store.files_of(a, Some(between), 100).await.unwrap();
    assert_eq!(rest, rows[5..], "what is newer changes nothing behind it");
}

async fn forgotten_files_are_gone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (mut gone, stays) = (Vec::new(), bed.file(b).await);
    for _ in 0..5 {
        gone.push(bed.file(a).await);
    }
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        forgotten.push(bed.store.forget_files(a, 2).await.unwrap());
    }
    assert_eq!(forgotten, [2, 2, 1, 0]);
    let ids: Vec<_> = gone.iter().map(|row| row.id).collect();
    assert_eq!(bed.store.files(&ids).await.unwrap(), vec![None; 5], "a forgotten file is still there");
    assert_eq!(bed.store.files_of(a, None, 10).await.unwrap(), []);
    assert_eq!(bed.store.files_of(b, None, 10).await.unwrap(), std::slice::from_ref(&stays));
    // Its id is free.
    let theirs = FileRow { id: ids[0], ..bed.new_file(b) };
    assert!(bed.store.create_file(theirs.clone()).await.unwrap());
    assert_eq!(bed.store.files_of(b, None, 10).await.unwrap(), [theirs, stays]);
}

async fn files_survive_reopening(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (first, second) = (bed.file(a).await, bed.file(a).await);
    bed.file(b).await;
    assert_eq!(bed.store.forget_files(b, 10).await.unwrap(), 1);
    let bed = bed.reopen().await;
    assert_eq!(bed.store.files_of(a, None, 10).await.unwrap(), [second, first.clone()]);
    assert_eq!(bed.store.files_of(b, None, 10).await.unwrap(), []);
    assert!(!bed.store.create_file(first).await.unwrap());
}
