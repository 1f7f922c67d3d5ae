use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Context, FileVault, Keys, MemoryVault, Ring};
use crate::seam::keys::{KeyError, KeyErrorKind, KeyProvider, SecretKey, Vault, WrappedKey};

const ANN: Uuid = Uuid::from_u128(0xa11);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const PRIVATE: Context = Context::UserPrivate { user: ANN };

fn ring_json(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("ring.json")).unwrap()).unwrap()
}

/// Writes over the file, so that its mode stays.
fn set_ring_json(dir: &Path, ring: &Value) {
    fs::write(dir.join("ring.json"), ring.to_string()).unwrap();
}

fn base64_key() -> Value {
    use base64::Engine as _;
    json!(base64::engine::general_purpose::STANDARD.encode(SecretKey::generate().unwrap().as_bytes()))
}

#[tokio::test]
async fn everything_stays_readable_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data/keys");
    let first = Keys::load_or_create(&dir).unwrap();
    first.create_user(ANN).await.unwrap();
    let sealed = first.user(ANN).await.unwrap().seal(&PRIVATE, b"text");
    let mac = first.mac("print", &[b"a"]);
    let kid = first.tokens().active().kid.clone();
    drop(first);

    let second = Keys::load_or_create(&dir).unwrap();
    assert!(second.cached(ANN).is_none());
    assert_eq!(second.user(ANN).await.unwrap().open(&PRIVATE, &sealed).unwrap(), b"text");
    assert!(second.cached(ANN).is_some());
    assert_eq!(second.mac("print", &[b"a"]), mac);
    assert_eq!(second.tokens().active().kid, kid);
    assert_eq!(second.user(BOB).await.unwrap_err().kind(), KeyErrorKind::Missing);
}

#[tokio::test]
async fn creating_a_user_again_keeps_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Keys::load_or_create(dir.path()).unwrap(), Keys::load_or_create(dir.path()).unwrap());
    one.create_user(ANN).await.unwrap();
    let sealed = one.user(ANN).await.unwrap().seal(&PRIVATE, b"text");
    two.create_user(ANN).await.unwrap();
    one.create_user(ANN).await.unwrap();
    for keys in [one, two] {
        assert_eq!(keys.user(ANN).await.unwrap().open(&PRIVATE, &sealed).unwrap(), b"text");
    }
}

#[tokio::test]
async fn erased_users_cannot_be_read_by_anyone() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    keys.create_user(ANN).await.unwrap();
    keys.create_user(BOB).await.unwrap();
    let sealed = keys.user(ANN).await.unwrap().seal(&PRIVATE, b"text");
    keys.erase_user(ANN).await.unwrap();
    keys.erase_user(ANN).await.unwrap();
    assert!(keys.cached(ANN).is_none());
    assert_eq!(keys.user(ANN).await.unwrap_err().kind(), KeyErrorKind::Missing);
    let again = Keys::load_or_create(dir.path()).unwrap();
    assert_eq!(again.user(ANN).await.unwrap_err().kind(), KeyErrorKind::Missing);
    again.user(BOB).await.unwrap();
    // Somebody new under the same id starts afresh.
    again.create_user(ANN).await.unwrap();
    let opened = again.user(ANN).await.unwrap().open(&PRIVATE, &sealed);
    assert_eq!(opened.unwrap_err().kind(), KeyErrorKind::Corrupt);
}

/// A vault whose `load` waits, with the key already read, until it is told to go on.
struct SlowVault {
    inner: MemoryVault,
    loaded: Arc<Notify>,
    go_on: Arc<Notify>,
}

#[async_trait]
impl Vault for SlowVault {
    async fn load(&self, user: Uuid) -> Result<Option<WrappedKey>, KeyError> {
        let key = self.inner.load(user).await;
        self.loaded.notify_one();
        self.go_on.notified().await;
        key
    }

    async fn create(&self, user: Uuid, key: &WrappedKey) -> Result<Option<WrappedKey>, KeyError> {
        self.inner.create(user, key).await
    }

    async fn replace(&self, user: Uuid, old: &WrappedKey, new: &WrappedKey) -> Result<bool, KeyError> {
        self.inner.replace(user, old, new).await
    }

    async fn erase(&self, user: Uuid) -> Result<(), KeyError> {
        self.inner.erase(user).await
    }

    async fn list(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError> {
        self.inner.list(after, limit).await
    }
}

#[tokio::test]
async fn a_key_read_before_an_erasure_is_not_cached_after_it() {
    let (loaded, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let vault =
        SlowVault { inner: MemoryVault::default(), loaded: Arc::clone(&loaded), go_on: Arc::clone(&go_on) };
    let keys = Keys::new(Ring::ephemeral().unwrap(), vault);
    keys.create_user(ANN).await.unwrap();
    keys.forget(ANN);
    let reader = tokio::spawn({
        let keys = keys.clone();
        async move { keys.user(ANN).await }
    });
    loaded.notified().await;
    keys.erase_user(ANN).await.unwrap();
    go_on.notify_one();
    reader.await.unwrap().unwrap();
    assert!(keys.cached(ANN).is_none());
}

#[tokio::test(start_paused = true)]
async fn cached_keys_are_read_again_after_ten_minutes() {
    let keys = Keys::ephemeral();
    keys.create_user(ANN).await.unwrap();
    tokio::time::advance(Duration::from_secs(599)).await;
    assert!(keys.cached(ANN).is_some());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(keys.cached(ANN).is_none());
    keys.user(ANN).await.unwrap();
    assert!(keys.cached(ANN).is_some());
}

#[test]
fn macs_depend_on_purpose_parts_and_ring() {
    let keys = Keys::ephemeral();
    let mac = keys.mac("print", &[b"ab", b"c"]);
    assert_eq!(mac, keys.clone().mac("print", &[b"ab", b"c"]));
    for other in [
        keys.mac("email", &[b"ab", b"c"]),
        keys.mac("print", &[b"a", b"bc"]),
        keys.mac("print", &[b"abc"]),
        keys.mac("print", &[b"ab", b"c", b""]),
        keys.mac("print", &[]),
        Keys::ephemeral().mac("print", &[b"ab", b"c"]),
    ] {
        assert_ne!(mac, other);
    }
}

/// Adds a second key-encryption key and a second signing key, as a rotation will.
fn rotate(dir: &Path) {
    let mut ring = ring_json(dir);
    ring["kek"].as_array_mut().unwrap().push(
        json!({ "id": "kek-2", "key": base64_key(), "created": "2026-01-02T03:04:05Z", "state": "active" }),
    );
    ring["kek"][0]["state"] = json!("retired");
    ring["current"] = json!("kek-2");
    ring["signing"][0]["state"] = json!("verify");
    ring["signing"].as_array_mut().unwrap().push(
        json!({ "kid": "sig-2", "key": base64_key(), "created": "2026-01-02T03:04:05+01:00", "state": "active" }),
    );
    set_ring_json(dir, &ring);
}

#[tokio::test]
async fn rotation_keeps_old_keys() {
    let dir = tempfile::tempdir().unwrap();
    let before = Keys::load_or_create(dir.path()).unwrap();
    before.create_user(ANN).await.unwrap();
    let sealed = before.user(ANN).await.unwrap().seal(&PRIVATE, b"text");
    let old_kid = before.tokens().active().kid.clone();
    rotate(dir.path());

    let after = Keys::load_or_create(dir.path()).unwrap();
    assert_eq!(after.user(ANN).await.unwrap().open(&PRIVATE, &sealed).unwrap(), b"text");
    assert_eq!(after.tokens().active().kid, "sig-2");
    assert!(after.tokens().verifying(&old_kid).is_some());
    after.create_user(BOB).await.unwrap();

    let (ring, vault) = (
        Ring::load(dir.path().join("ring.json")).unwrap(),
        FileVault::open(dir.path().join("vault")).unwrap(),
    );
    assert_eq!(vault.load(BOB).await.unwrap().unwrap().kek, "kek-2");
    let old = vault.load(ANN).await.unwrap().unwrap();
    assert_ne!(old.kek, "kek-2");
    let new = ring.wrap(ANN, old.generation, &ring.unwrap(ANN, &old).await.unwrap()).await.unwrap();
    assert!(vault.replace(ANN, &old, &new).await.unwrap());
    after.forget(ANN);
    assert_eq!(after.user(ANN).await.unwrap().open(&PRIVATE, &sealed).unwrap(), b"text");

    // Once every user's key is wrapped anew, the old key-encryption key may go.
    let mut ring = ring_json(dir.path());
    ring["kek"].as_array_mut().unwrap().remove(0);
    set_ring_json(dir.path(), &ring);
    let last = Keys::load_or_create(dir.path()).unwrap();
    assert_eq!(last.user(ANN).await.unwrap().open(&PRIVATE, &sealed).unwrap(), b"text");
}

#[tokio::test]
async fn secrets_survive_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let before = Keys::load_or_create(dir.path()).unwrap().mac("print", &[b"x"]);
    rotate(dir.path());
    assert_eq!(Keys::load_or_create(dir.path()).unwrap().mac("print", &[b"x"]), before);
}

#[test]
fn unsound_rings_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    Keys::load_or_create(dir.path()).unwrap();
    let sound = ring_json(dir.path());
    type Change = fn(&mut Value);
    let cases: [(KeyErrorKind, &str, Change); 22] = [
        (KeyErrorKind::Corrupt, "unknown field", |ring| ring["more"] = json!(1)),
        (KeyErrorKind::Corrupt, "unknown field of a kek", |ring| ring["kek"][0]["more"] = json!(1)),
        (KeyErrorKind::Corrupt, "unknown field of a signing key", |ring| {
            ring["signing"][0]["alg"] = json!("none")
        }),
        (KeyErrorKind::Corrupt, "no version", |ring| drop(ring.as_object_mut().unwrap().remove("version"))),
        (KeyErrorKind::Corrupt, "later version", |ring| ring["version"] = json!(3)),
        (KeyErrorKind::Corrupt, "no root", |ring| drop(ring.as_object_mut().unwrap().remove("root"))),
        (KeyErrorKind::Corrupt, "not base64", |ring| ring["root"] = json!("***")),
        (KeyErrorKind::Corrupt, "empty root", |ring| ring["root"] = json!("")),
        (KeyErrorKind::WeakKey, "short root", |ring| ring["root"] = json!("AAECAwQFBgc=")),
        (KeyErrorKind::WeakKey, "zero root", |ring| {
            ring["root"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        }),
        (KeyErrorKind::WeakKey, "placeholder", |ring| {
            // "base64-encoded-32-byte-key-here!" in base64.
            ring["kek"][0]["key"] = json!("YmFzZTY0LWVuY29kZWQtMzItYnl0ZS1rZXktaGVyZSE=");
        }),
        (KeyErrorKind::WeakKey, "weak signing key", |ring| {
            ring["signing"][0]["key"] = json!("/////////////////////////////////////////w8=");
        }),
        (KeyErrorKind::Corrupt, "no kek", |ring| ring["kek"] = json!([])),
        (KeyErrorKind::Corrupt, "current names nothing", |ring| ring["current"] = json!("other")),
        (KeyErrorKind::Corrupt, "current is retired", |ring| ring["kek"][0]["state"] = json!("retired")),
        (KeyErrorKind::Corrupt, "unknown state", |ring| ring["kek"][0]["state"] = json!("sleeping")),
        (KeyErrorKind::Corrupt, "no time", |ring| ring["kek"][0]["created"] = json!("yesterday")),
        (KeyErrorKind::Corrupt, "bad id", |ring| ring["kek"][0]["id"] = json!("a b")),
        (KeyErrorKind::Corrupt, "twice", |ring| {
            let kek = ring["kek"][0].clone();
            ring["kek"].as_array_mut().unwrap().push(kek);
        }),
        (KeyErrorKind::Corrupt, "root as kek", |ring| ring["kek"][0]["key"] = ring["root"].clone()),
        (KeyErrorKind::Corrupt, "kek as signing key", |ring| {
            ring["signing"][0]["key"] = ring["kek"][0]["key"].clone();
        }),
        (KeyErrorKind::Corrupt, "nothing signs", |ring| ring["signing"][0]["state"] = json!("verify")),
    ];
    for (kind, name, change) in cases {
        let mut ring = sound.clone();
        change(&mut ring);
        set_ring_json(dir.path(), &ring);
        assert_eq!(Keys::load_or_create(dir.path()).unwrap_err().kind(), kind, "{name}");
    }
    for text in ["", "null", "[]", "{", "{}", "\u{0}"] {
        fs::write(dir.path().join("ring.json"), text).unwrap();
        assert_eq!(Keys::load_or_create(dir.path()).unwrap_err().kind(), KeyErrorKind::Corrupt, "{text:?}");
    }
    set_ring_json(dir.path(), &sound);
    Keys::load_or_create(dir.path()).unwrap();
}

#[test]
fn refusals_never_quote_a_key() {
    let dir = tempfile::tempdir().unwrap();
    Keys::load_or_create(dir.path()).unwrap();
    let sound = ring_json(dir.path());
    for place in
        ["/version", "/current", "/kek", "/kek/0/id", "/kek/0/state", "/kek/0/created", "/signing/0/kid"]
    {
        let mut ring = sound.clone();
        let secret = "canary/key+canary/key+canary";
        *ring.pointer_mut(place).unwrap() = json!(secret);
        set_ring_json(dir.path(), &ring);
        let error = Keys::load_or_create(dir.path()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{place}: {error:?}");
    }
}

#[tokio::test]
async fn a_lost_ring_is_not_replaced_beside_a_vault() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    let ring = dir.path().join("ring.json");
    fs::rename(&ring, dir.path().join("aside")).unwrap();
    // Nobody lost anything yet: an empty vault, or one with what a crash left, allows a new ring.
    fs::create_dir_all(dir.path().join("vault/11")).unwrap();
    fs::write(dir.path().join(format!("vault/11/.{ANN}.key.tmp")), "{").unwrap();
    Keys::load_or_create(dir.path()).unwrap();
    fs::rename(dir.path().join("aside"), &ring).unwrap();

    keys.create_user(ANN).await.unwrap();
    fs::rename(&ring, dir.path().join("aside")).unwrap();
    let error = Keys::load_or_create(dir.path()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Missing);
    assert!(error.to_string().contains("restore ring.json from a backup"), "{error}");
    assert!(!ring.exists());
    fs::rename(dir.path().join("aside"), &ring).unwrap();
    Keys::load_or_create(dir.path()).unwrap().user(ANN).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private_and_open_ones_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("keys");
    Keys::load_or_create(&dir).unwrap().create_user(ANN).await.unwrap();
    let mut paths = vec![dir.clone()];
    let (mut folders, mut files) = (0, 0);
    while let Some(path) = paths.pop() {
        let metadata = fs::metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_dir() {
            folders += 1;
            assert_eq!(mode, 0o700, "{}", path.display());
            paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files += 1;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    // The folders are keys, vault and 11; the files the ring, a user's key and two locks.
    assert_eq!((folders, files), (3, 4));

    let ring = dir.join("ring.json");
    for mode in [0o640, 0o604, 0o610, 0o602, 0o644, 0o777] {
        fs::set_permissions(&ring, fs::Permissions::from_mode(mode)).unwrap();
        let error = Keys::load_or_create(&dir).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Denied, "{mode:o}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&ring, fs::Permissions::from_mode(0o400)).unwrap();
    Keys::load_or_create(&dir).unwrap();
}

/// Runs itself in several processes, which all start as soon as they can.
#[test]
fn processes_that_start_at_once_share_one_ring() {
    const FOLDER: &str = "MVCHAT_TEST_RING_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let mac = Keys::load_or_create(Path::new(&folder).join("keys")).unwrap().mac("test", &[]);
        let name = format!("{}.mac", std::process::id());
        fs::write(Path::new(&folder).join(name), mac).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (_crate, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::processes_that_start_at_once_share_one_ring");
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args([&name, "--exact", "--nocapture"]).env(FOLDER, dir.path());
            child.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let expected = Keys::load_or_create(dir.path().join("keys")).unwrap().mac("test", &[]);
    let mut macs = 0;
    for entry in fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "mac") {
            assert_eq!(fs::read(entry).unwrap(), expected);
            macs += 1;
        }
    }
    assert_eq!(macs, 6);
}

#[test]
fn threads_that_start_at_once_share_one_ring() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let barrier = std::sync::Barrier::new(8);
        let macs: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                Keys::load_or_create(dir.path()).unwrap().mac("test", &[])
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(macs.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[tokio::test]
async fn what_a_crash_leaves_in_the_vault_is_ignored_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    let vault = FileVault::open(dir.path().join("vault")).unwrap();
    let shard = dir.path().join("vault/11");
    let aside = shard.join(format!(".{ANN}.key.tmp"));
    fs::create_dir_all(&shard).unwrap();
    fs::write(&aside, "{\"half\":").unwrap();
    fs::write(shard.join("notes.txt"), "x").unwrap();
    fs::write(shard.join("not-a-user.key"), "x").unwrap();
    assert_eq!(keys.user(ANN).await.unwrap_err().kind(), KeyErrorKind::Missing);
    assert!(vault.list(None, 10).await.unwrap().is_empty());

    keys.create_user(ANN).await.unwrap();
    assert!(!aside.exists());
    assert_eq!(vault.list(None, 10).await.unwrap(), [ANN]);

    // A crash while the key was wrapped anew leaves a second copy of it, which must go too.
    fs::copy(shard.join(format!("{ANN}.key")), &aside).unwrap();
    keys.erase_user(ANN).await.unwrap();
    assert!(!aside.exists() && !shard.join(format!("{ANN}.key")).exists());
}

#[tokio::test]
async fn damaged_key_files_are_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    keys.create_user(ANN).await.unwrap();
    keys.create_user(BOB).await.unwrap();
    let path = |user: Uuid| dir.path().join(format!("vault/{:02x}/{user}.key", user.as_bytes()[15]));
    let sound: Value = serde_json::from_slice(&fs::read(path(ANN)).unwrap()).unwrap();
    let other: Value = serde_json::from_slice(&fs::read(path(BOB)).unwrap()).unwrap();
    type Change = fn(&mut Value, &Value);
    let cases: [(&str, Change); 8] = [
        ("moved file", |key, other| *key = other.clone()),
        ("moved key", |key, other| key["key"] = other["key"].clone()),
        ("other generation", |key, _| key["generation"] = json!(2)),
        ("later version", |key, _| key["version"] = json!(2)),
        ("unknown field", |key, _| key["more"] = json!(2)),
        ("empty key", |key, _| key["key"] = json!("")),
        ("not base64", |key, _| key["key"] = json!("?")),
        ("no key", |key, _| drop(key.as_object_mut().unwrap().remove("key"))),
    ];
    for (name, change) in cases {
        let mut changed = sound.clone();
        change(&mut changed, &other);
        fs::write(path(ANN), changed.to_string()).unwrap();
        keys.forget(ANN);
        assert_eq!(keys.user(ANN).await.unwrap_err().kind(), KeyErrorKind::Corrupt, "{name}");
    }
    for text in ["", "{", "[]"] {
        fs::write(path(ANN), text).unwrap();
        assert_eq!(keys.user(ANN).await.unwrap_err().kind(), KeyErrorKind::Corrupt, "{text:?}");
    }
    // A damaged key is never overwritten by a new one, and damage to one user is none to another.
    assert_eq!(keys.create_user(ANN).await.unwrap_err().kind(), KeyErrorKind::Corrupt);
    keys.user(BOB).await.unwrap();
    fs::write(path(ANN), sound.to_string()).unwrap();
    keys.user(ANN).await.unwrap();

    let mut unknown = sound.clone();
    unknown["kek"] = json!("kek-lost");
    fs::write(path(ANN), unknown.to_string()).unwrap();
    keys.forget(ANN);
    assert_eq!(keys.user(ANN).await.unwrap_err().kind(), KeyErrorKind::Missing);
}

#[tokio::test]
async fn debug_shows_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    keys.create_user(ANN).await.unwrap();
    let ring = Ring::load(dir.path().join("ring.json")).unwrap();
    let vault = FileVault::open(dir.path().join("vault")).unwrap();
    let stored = vault.load(ANN).await.unwrap();
    let memory = MemoryVault::default();
    memory.create(ANN, stored.as_ref().unwrap()).await.unwrap();
    let user = keys.user(ANN).await.unwrap();
    let shown = format!("{keys:?} {ring:?} {vault:?} {stored:?} {memory:?} {user:?} {:?}", keys.tokens());
    let json = ring_json(dir.path());
    for place in ["/root", "/kek/0/key", "/signing/0/key"] {
        use base64::Engine as _;
        let encoded = json.pointer(place).unwrap().as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
        let listed = format!("{:?}", &bytes[..4]);
        assert!(!shown.contains(encoded), "{shown}");
        assert!(!shown.contains(listed.trim_matches(['[', ']'])), "{shown}");
    }
}
