//! What moves from one store to another.

use super::bed::{Bed, done};
use super::{StoreFixture, model, runner};
use crate::builtin::MemoryStore;
use crate::engine::{CopyError, CopyReport, copy};
use crate::policy::{ConvSettings, Standing};
use crate::proto::{ConvId, InviteId, Position, Role, Seq, UserId};
use crate::seam::{
    Amend, Append, Change, ContactSource, ConversationStore, Dump, DumpPage, FileStore, InviteRow, Item,
    LinkRow, LoadNote, Loading, LogEvent, Marks, MemberPatch, MessageStore, NewConversation, Op, Outcome,
    Part, Portable, Store, StoreError, StoreErrorKind, StoreResult, ViewQuery,
};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Returns the laws of stores whose contents can move, and the test with random histories.
pub(super) fn tests<F: StoreFixture>(
    fixture: Arc<impl Fn(&str) -> F + Send + Sync + 'static>,
) -> Vec<runner::Test>
where
    F::Store: Portable,
{
    let mut tests: Vec<runner::Test> = Vec::new();
    let mut add = |name: &'static str, check: fn(&dyn Fn() -> F)| {
        let fixture = Arc::clone(&fixture);
        tests.push((name, Arc::new(move || check(&|| fixture(name)))));
    };
    add("what_was_loaded_is_dumped_again", |fixture| run(what_was_loaded_is_dumped_again(fixture)));
    add("only_an_empty_store_is_loaded", |fixture| run(only_an_empty_store_is_loaded(fixture)));
    add("loading_twice_is_loading_once", |fixture| run(loading_twice_is_loading_once(fixture)));
    add("a_begun_copy_goes_on", |fixture| run(a_begun_copy_goes_on(fixture)));
    add("equals_of_the_log_stay_together", |fixture| run(equals_of_the_log_stay_together(fixture)));
    add("a_copy_goes_on_like_its_source", |fixture| model::check_copies(fixture));
    tests
}

fn run(law: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime starts").block_on(law);
}

/// Who and what the filled store is about.
struct World {
    a: UserId,
    b: UserId,
    c: UserId,
    dm: ConvId,
    group: NewConversation,
    invite: InviteRow,
    read_at: Timestamp,
}

/// Fills a store with something of everything.
async fn fill(bed: &Bed) -> World {
    let (a, b) = (bed.account("ana").await, bed.account("bob").await);
    let c = bed.account("Cäcilia").await;
    bed.log_in(a).await;
    bed.log_in(b).await;
    bed.store.add_contacts([a, b], ContactSource::Manual, bed.now()).await.unwrap();
    bed.store.name_contact(b, a, Some(Bytes::from_static(b"sealed name"))).await.unwrap();
    let now = bed.now();
    let invite = InviteRow {
        id: InviteId(bed.id()),
        inviter: a,
        code: [7; 32],
        email: [8; 32],
        sealed: Bytes::from_static(b"sealed"),
        created_at: now,
        expires_at: now + Duration::from_secs(3_600),
        used: None,
    };
    bed.store.create_invite(invite.clone()).await.unwrap();
    for user in [a, a, b] {
        bed.store.create_file(bed.new_file(user)).await.unwrap();
    }
    let dm = bed.dm(a, b).await;
    let group = NewConversation { cid: Some("the group".to_owned()), ..bed.new_group(a, &[b]) };
    let id = bed.create(group.clone()).await;
    bed.stand(id, c, Standing::Active).await;
    let row = |code: &str, max_uses| LinkRow {
        code: code.to_owned(),
        conv: id,
        by: a,
        created_at: now,
        expires_at: None,
        max_uses,
        uses: 0,
    };
    bed.store.create_link(row("once", Some(1))).await.unwrap();
    bed.store.create_link(row("always", None)).await.unwrap();
    done(bed.commit(bed.sending_as(dm, a, "cid a", 1).await).await);
    done(bed.commit(bed.sending_as(id, b, "cid b", 2).await).await);
    bed.send_many(dm, b, 4).await;
    bed.edit(dm, b, Seq(2), "another").await;
    bed.unsend(dm, b, Seq(3)).await;
    let large = Append { content: Bytes::from(vec![5; 40_000]), ..bed.text(c) };
    bed.done(bed.change(id, c, Op::Append(large)).await).await;
    let slow = Append { pace: Some(600), ..bed.text(c) };
    bed.done(bed.change(id, c, Op::Append(slow)).await).await;
    let once = Append { view_once: Some(Some(5)), mentions: vec![a, b], ..bed.text(c) };
    bed.done(bed.change(id, c, Op::Append(once)).await).await;
    let ends = Append { expires_in: Some(40), ..bed.text(a) };
    bed.done(bed.change(dm, a, Op::Append(ends)).await).await;
    let settings = ConvSettings { retention: Some(86_400), ..bed.conv(id).await.settings.clone() };
    let amend = Amend { settings: Some(settings), ..Amend::new(LogEvent::RetentionSet(Some(86_400))) };
    bed.done(bed.change(id, a, Op::Amend(amend)).await).await;
    bed.done(bed.setting_ttl(dm, a, 30).await).await;
    let read_at = bed.now();
    for (user, conv) in [(a, dm), (b, id)] {
        bed.mark(user, conv, Marks { read: Some(Seq(99)), at: read_at, ..Marks::default() }).await;
    }
    bed.store.hide(a, dm, Seq(4)).await.unwrap().unwrap();
    let patch = MemberPatch {
        favorite: Some(true),
        private: Some(Some(Bytes::from_static(b"sealed"))),
        ..MemberPatch::default()
    };
    bed.store.configure(b, dm, patch).await.unwrap().unwrap();
    // What the reader sees no more, others still do.
    bed.store.expire(read_at + Duration::from_secs(6), 100).await.unwrap();
    bed.stand(id, b, Standing::Kicked).await;
    let over = bed.group(b, &[c]).await;
    bed.send_many(over, b, 3).await;
    bed.done(bed.change(over, b, Op::Close(LogEvent::Ended)).await).await;
    World { a, b, c, dm, group, invite, read_at }
}

/// Goes on in a store: what it answers, without the places.
async fn go_on(bed: &Bed, world: &World) -> String {
    let World { a, b, c, dm, group, invite, read_at } = world;
    let (store, conv) = (&bed.store, group.id);
    let mut told = String::new();
    for (conv, from, cid, of) in [(*dm, *a, "cid a", 1), (conv, *b, "cid b", 2), (*dm, *a, "cid a", 3)] {
        told += &format!("{:?}\n", bed.commit(bed.sending_as(conv, from, cid, of).await).await);
    }
    let slow = Append { pace: Some(600), ..bed.text(*c) };
    let slow =
        Change { at: *read_at + Duration::from_secs(5), ..bed.change(conv, *c, Op::Append(slow)).await };
    told += &format!("{:?}\n", bed.commit(slow).await);
    let (found, fresh) = store.create_conversation(group.clone()).await.unwrap();
    told += &format!("{:?} {fresh}\n", found.id);
    let (found, fresh) = store.create_conversation(bed.new_dm(*b, *a)).await.unwrap();
    told += &format!("{:?} {fresh}\n", found.id);
    for code in ["once", "once", "always", "never"] {
        let members = vec![(UserId(bed.id()), Role::Member, Standing::Active)];
        let amend = Amend { members, link: Some(code.to_owned()), ..Amend::new(LogEvent::Joined(*b)) };
        let outcome = bed.commit(bed.change(conv, *b, Op::Amend(amend)).await).await;
        let told_of = match outcome {
            Outcome::Done(done) => format!("joined {}", done.rev),
            other => format!("{other:?}"),
        };
        told += &format!("{told_of}\n");
    }
    told += &format!("{:?}\n", store.use_invite(invite.id, *c, invite.created_at).await.unwrap());
    for user in [*a, *b, *c] {
        told += &format!("{:?}\n", store.contacts(user).await.unwrap());
        told += &format!("{:?}\n", store.sessions_of(user).await.unwrap());
        told += &format!("{:?}\n", store.files_of(user, None, 9).await.unwrap());
        told += &format!(
            "{:?}\n",
            store.views(user, ViewQuery::Page { before: None, limit: 9 }).await.unwrap().rows
        );
        told += &format!("{}\n", serde_json::to_string(&store.users(&[user]).await.unwrap()).unwrap());
    }
    for seconds in [20, 50, 90_000] {
        let expired = store.expire(*read_at + Duration::from_secs(seconds), 100).await.unwrap();
        let mut spent: Vec<_> = expired.spent.iter().map(|(conv, message)| (*conv, message.seq)).collect();
        spent.sort_unstable();
        told += &format!("{:?} {spent:?} {:?} {:?}\n", expired.hidden, expired.more, expired.next);
    }
    let done = done(bed.commit(bed.sending(*dm, *a).await).await);
    told + &format!("{} {:?} {:?}", done.rev, done.message.map(|message| message.seq), done.at)
}

async fn what_was_loaded_is_dumped_again<F: StoreFixture>(fixture: &dyn Fn() -> F)
where
    F::Store: Portable,
{
    let (own_fixture, far_fixture) = (fixture(), fixture());
    let (own, far) = (Arc::new(own_fixture.open().await), Arc::new(far_fixture.open().await));
    let between = Arc::new(MemoryStore::default());
    let world = fill(&Bed::of(own.clone())).await;
    let cursor = own.views(world.a, ViewQuery::Page { before: None, limit: 9 }).await.unwrap().position;
    let report = copy(&*own, &*between, |_| {}).await.unwrap();
    assert!(report.parts.iter().all(|part| part.source == part.target), "{report:?}");
    for part in Part::ALL {
        let of_part = report.parts.iter().find(|found| found.part == part).unwrap();
        let some = part == Part::Partly || of_part.source.items > 0;
        assert!(some, "the filled store has nothing of {part:?}, so nothing of it was tested");
    }
    let again = copy(&*between, &*far, |_| {}).await.unwrap();
    let sums = |report: &CopyReport| report.parts.iter().map(|part| part.target).collect::<Vec<_>>();
    assert_eq!(sums(&report), sums(&again), "what went around is what it was");

    let stores: [Arc<dyn Store>; 3] = [own, between, far];
    let mut told = Vec::new();
    for store in stores {
        let bed = Bed::of(store);
        bed.skip(10_000);
        let since = ViewQuery::Since { position: cursor, limit: 9 };
        assert!(
            bed.store.views(world.a, since).await.unwrap().rows.is_empty(),
            "nothing came after the cursor"
        );
        bed.send(world.dm, world.b).await;
        let rows = bed.store.views(world.a, since).await.unwrap().rows;
        assert_eq!(
            rows.iter().map(|row| row.conv.id).collect::<Vec<_>>(),
            [world.dm],
            "what came is after it"
        );
        told.push(go_on(&bed, &world).await);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
    assert!(told[0].contains("CidReused") && told[0].contains("TooSoon"), "{}", told[0]);
}

async fn only_an_empty_store_is_loaded<F: StoreFixture>(fixture: &dyn Fn() -> F)
where
    F::Store: Portable,
{
    let (own_fixture, file_fixture) = (fixture(), fixture());
    let store = own_fixture.open().await;
    let other = MemoryStore::default();
    assert_eq!(store.loading().await.unwrap(), Loading::Empty);
    let bed = Bed::of(Arc::new(other.clone()));
    bed.account("ana").await;
    copy(&other, &store, |_| {}).await.unwrap();
    assert_eq!(store.loading().await.unwrap(), Loading::Taken);
    assert!(matches!(copy(&other, &store, |_| {}).await, Err(CopyError::Taken)));
    let note = LoadNote {
        from: "elsewhere".to_owned(),
        counts: BTreeMap::new(),
        position: store.position().await.unwrap(),
        part: Some(Part::Users),
        after: None,
    };
    assert!(store.load(Vec::new(), &note).await.is_err(), "a store in use is not loaded");
    assert_eq!(store.loading().await.unwrap(), Loading::Taken);
    let store = file_fixture.open().await;
    store.create_file(bed.new_file(bed.user())).await.unwrap();
    assert_eq!(store.loading().await.unwrap(), Loading::Taken);
    assert!(store.load(Vec::new(), &note).await.is_err(), "a store with a file is not loaded");
}

/// Reads everything.
async fn all_pages(store: &dyn Portable) -> Vec<(Part, Vec<Item>)> {
    let mut dump = store.dump().await.unwrap();
    let mut pages = Vec::new();
    for part in Part::ALL {
        let (mut after, mut count) = (None, 0);
        loop {
            let DumpPage { items, next } = dump.page(part, after, 3).await.unwrap();
            count += items.len() as u64;
            pages.push((part, items));
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(dump.count(part).await.unwrap(), count, "{part:?} is counted as it is read");
    }
    pages
}

async fn loading_twice_is_loading_once<F: StoreFixture>(fixture: &dyn Fn() -> F)
where
    F::Store: Portable,
{
    let (own_fixture, twice_fixture) = (fixture(), fixture());
    let own = Arc::new(own_fixture.open().await);
    let twice = twice_fixture.open().await;
    fill(&Bed::of(own.clone())).await;
    let pages = all_pages(&*own).await;
    let position = own.dump().await.unwrap().position();
    for (part, items) in &pages {
        let note = LoadNote {
            from: "there".to_owned(),
            counts: BTreeMap::new(),
            position,
            part: Some(*part),
            after: None,
        };
        for _ in 0..2 {
            twice.load(items.clone(), &note).await.unwrap();
        }
        assert_eq!(twice.loading().await.unwrap(), Loading::Begun(note));
    }
    let note =
        LoadNote { from: "there".to_owned(), counts: BTreeMap::new(), position, part: None, after: None };
    for _ in 0..2 {
        twice.settle(&note).await.unwrap();
    }
    let flat = |pages: Vec<(Part, Vec<Item>)>| {
        let items = pages.into_iter().flat_map(|(_, items)| items);
        let mut texts: Vec<String> = items.map(|item| serde_json::to_string(&item).unwrap()).collect();
        texts.sort_unstable();
        texts
    };
    assert_eq!(flat(all_pages(&twice).await), flat(pages));
    twice.release().await.unwrap();
    assert_eq!(twice.loading().await.unwrap(), Loading::Taken);
}

/// A target whose plug is pulled after so many half steps: each write may be lost, or only its answer.
#[derive(Debug)]
struct Plugged<'a> {
    to: &'a dyn Portable,
    left: AtomicU64,
}

impl Plugged<'_> {
    fn half(&self) -> StoreResult<()> {
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            1 => Err(StoreError::new(StoreErrorKind::Unavailable, "the plug was pulled")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Portable for Plugged<'_> {
    async fn identity(&self) -> StoreResult<String> {
        self.to.identity().await
    }

    async fn dump(&self) -> StoreResult<Box<dyn Dump>> {
        self.to.dump().await
    }

    async fn loading(&self) -> StoreResult<Loading> {
        self.to.loading().await
    }

    async fn load(&self, items: Vec<Item>, note: &LoadNote) -> StoreResult<()> {
        self.half()?;
        self.to.load(items, note).await?;
        self.half()
    }

    async fn settle(&self, note: &LoadNote) -> StoreResult<()> {
        self.half()?;
        self.to.settle(note).await?;
        self.half()
    }

    async fn release(&self) -> StoreResult<()> {
        self.half()?;
        self.to.release().await?;
        self.half()
    }
}

async fn a_begun_copy_goes_on<F: StoreFixture>(fixture: &dyn Fn() -> F)
where
    F::Store: Portable,
{
    let fixture = fixture();
    let to = Arc::new(fixture.open().await);
    let (from, stranger) = (MemoryStore::default(), MemoryStore::default());
    let bed = Bed::of(Arc::new(from.clone()));
    fill(&bed).await;
    Bed::of(Arc::new(stranger.clone())).account("stranger").await;
    // Somebody pulls the plug before or after every step.
    for steps in 1.. {
        let plugged = Plugged { to: &*to, left: AtomicU64::new(steps) };
        match copy(&from, &plugged, |_| {}).await {
            Ok(report) => {
                assert!(report.resumed);
                break;
            }
            Err(CopyError::Target(error)) => assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}"),
            Err(error) => panic!("{error}"),
        }
        if to.loading().await.unwrap() == Loading::Empty {
            continue;
        }
        match copy(&stranger, &*to, |_| {}).await {
            Err(CopyError::OtherSource(_)) => {}
            // Released just before the plug was pulled.
            Err(CopyError::Taken) => break,
            other => panic!("a begun copy was left for another: {other:?}"),
        }
    }
    assert_eq!(to.loading().await.unwrap(), Loading::Taken);
    let back = MemoryStore::default();
    copy(&*to, &back, |_| {}).await.unwrap();
    assert_eq!(all_pages(&from).await, all_pages(&back).await);
}

/// Several stores give equal places to what was written at the same time.
async fn equals_of_the_log_stay_together<F: StoreFixture>(fixture: &dyn Fn() -> F)
where
    F::Store: Portable,
{
    let fixture = fixture();
    let to = fixture.open().await;
    let from = MemoryStore::default();
    let bed = Bed::of(Arc::new(from.clone()));
    let (a, b) = (bed.account("ana").await, bed.account("bob").await);
    let (one, two) = (bed.group(a, &[b]).await, bed.group(a, &[b]).await);
    bed.send_many(one, a, 3).await;
    bed.send_many(two, a, 3).await;
    let tied = MemoryStore::default();
    let mut notes = LoadNote {
        from: "tied".to_owned(),
        counts: BTreeMap::new(),
        position: from.position().await.unwrap(),
        part: Some(Part::Users),
        after: None,
    };
    let mut counts: BTreeMap<ConvId, u64> = BTreeMap::new();
    let mut log = Vec::new();
    for (part, items) in all_pages(&from).await {
        notes.part = Some(part);
        let items = items.into_iter().filter_map(|item| match item {
            Item::Log(mut entry) => {
                // The same places in both.
                let count = counts.entry(entry.conv).or_default();
                *count += 1;
                entry.position = Position(*count);
                log.push(entry);
                None
            }
            Item::Conversation(mut kept) => {
                kept.touched = Position(4);
                Some(Item::Conversation(kept))
            }
            item => Some(item),
        });
        tied.load(items.collect(), &notes).await.unwrap();
    }
    log.sort_by_key(|entry| entry.position);
    tied.load(log.into_iter().map(Item::Log).collect(), &notes).await.unwrap();
    tied.release().await.unwrap();
    copy(&tied, &to, |_| {}).await.unwrap();
    let (mut position, mut seen) = (Position(0), 0);
    loop {
        let page = to.log(position, 3).await.unwrap();
        if page.entries.is_empty() {
            break;
        }
        seen += page.entries.len();
        position = page.position;
    }
    assert_eq!(seen, 8, "no entry was passed over");
    let first = to.views(a, ViewQuery::Since { position: Position(0), limit: 1 }).await.unwrap();
    assert_eq!((first.rows.len(), first.more), (2, false), "equals stay together");
}
