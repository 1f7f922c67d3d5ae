use std::task::Poll;

use super::*;

fn fast() -> Passwords {
    Passwords::new(PasswordParams::insecurely_fast()).unwrap()
}

const FRESH: Verdict = Verdict::Ok { rehash: false };

#[tokio::test]
async fn right_and_wrong_passwords() {
    let passwords = fast();
    for password in ["password", "", "пароль с пробелами", "nul\0byte", &"long".repeat(1000)]
    {
        let phc = passwords.hash(password.to_owned()).await.unwrap();
        let verify = |typed: String| passwords.verify(typed, Some(&phc));
        assert_eq!(verify(password.to_owned()).await, Ok(FRESH));
        assert_eq!(verify(format!("{password} ")).await, Ok(Verdict::Wrong));
        assert_eq!(verify(password.to_uppercase() + "A").await, Ok(Verdict::Wrong));
        assert_eq!(passwords.verify(password.to_owned(), None).await, Ok(Verdict::Wrong));
    }
}

#[tokio::test]
async fn hashes_are_salted_phc_strings() {
    let passwords = fast();
    let (one, two) = (passwords.hash("same".to_owned()).await, passwords.hash("same".to_owned()).await);
    let one = one.unwrap();
    assert_ne!(one, two.unwrap());
    assert!(one.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{one}");
}

#[tokio::test]
async fn defaults_are_the_documented_ones() {
    let passwords = Passwords::new(PasswordParams::default()).unwrap();
    let phc = passwords.hash("password".to_owned()).await.unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    assert_eq!(passwords.verify("password".to_owned(), Some(&phc)).await, Ok(FRESH));
}

#[tokio::test]
async fn other_parameters_ask_for_a_new_hash() {
    let old = fast().hash("password".to_owned()).await.unwrap();
    for params in [(16, 1, 1), (8, 2, 1), (16, 1, 2)] {
        let passwords = Passwords::new(PasswordParams::new(params.0, params.1, params.2)).unwrap();
        let verify = |typed: &str| passwords.verify(typed.to_owned(), Some(&old));
        assert_eq!(verify("password").await, Ok(Verdict::Ok { rehash: true }));
        assert_eq!(verify("wrong").await, Ok(Verdict::Wrong));
    }
}

/// Made with the reference implementation: `argon2 somesalt -id -t 2 -k 256 -p 1 -l 32` of "password" (its test suite).
#[tokio::test]
async fn reads_hashes_of_the_reference_implementation() {
    let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let verify = |typed: &str| fast_verify(typed.to_owned(), phc);
    assert_eq!(verify("password").await, Ok(Verdict::Ok { rehash: true }));
    assert_eq!(verify("passwore").await, Ok(Verdict::Wrong));
}

async fn fast_verify(typed: String, phc: &str) -> Result<Verdict, PasswordError> {
    fast().verify(typed, Some(phc)).await
}

#[tokio::test]
async fn unreadable_hashes_are_corrupt() {
    let good = fast().hash("password".to_owned()).await.unwrap();
    let without_hash = good.rsplit_once('$').unwrap().0;
    for bad in [
        "",
        "password",
        "$argon2id$",
        without_hash,
        without_hash.rsplit_once('$').unwrap().0,
        &good.replace("argon2id", "argon2i"),
        &good.replace("argon2id", "argon2d"),
        &good.replace("argon2id", "scrypt"),
        &good.replace("v=19", "v=16"),
        &good.replace("$v=19", ""),
        &good.replace("m=8", "m=7"),
        &good.replace("m=8", "m=1048577"),
        &good.replace("m=8", "m=4294967295"),
        &good.replace("t=1", "t=0"),
        &good.replace("t=1", "t=65"),
        &good.replace("p=1", "p=2"),
        &good.replace("p=1", "p=16777215"),
        &good[..good.len() - 4],
        // The three parts of mvChat2 have one size each, and no padding.
        "$argon2id$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$c29tZXNhbHRzb21lc2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi",
        "$argon2id$c29tZXNhbHRzb21lc2FsdA==$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$c29tZXNhbHRzb21lc2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$",
        "$argon2i$c29tZXNhbHRzb21lc2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$2y$10$abcdefghijklmnopqrstuu",
        "$2b$03$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        "$2b$15$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        "$2b$31$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        "$2b$4$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdmm",
        "$2x$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        "$2c$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        "$2b$04$abcdefghijklmnopqrst!ughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        "$2$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdmm",
        "$2b$04$äbcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzd",
    ] {
        assert_eq!(fast_verify("password".to_owned(), bad).await, Err(PasswordError::Corrupt), "{bad}");
        assert_eq!(fast().check_stored(bad), Err(PasswordError::Corrupt), "{bad}");
    }
}

/// Refused before any of the memory is asked for: a check of all of them takes no time.
#[tokio::test]
async fn what_would_cost_too_much_is_corrupt() {
    let start = std::time::Instant::now();
    let good = fast().hash("password".to_owned()).await.unwrap();
    for params in ["m=1048576,t=2,p=1", "m=16385,t=64,p=1", "m=1048576,t=64,p=64", "m=524288,t=3,p=4"] {
        let dear = good.replace("m=8,t=1,p=1", params);
        assert_eq!(fast_verify("password".to_owned(), &dear).await, Err(PasswordError::Corrupt), "{params}");
    }
    assert!(start.elapsed() < Duration::from_secs(1));
    for params in ["m=1048576,t=1,p=1", "m=65536,t=16,p=4", "m=262144,t=4,p=1"] {
        assert_eq!(fast().check_stored(&good.replace("m=8,t=1,p=1", params)), Ok(()), "{params}");
    }
    // Whoever chose to pay more may go on.
    let rich = Passwords::new(PasswordParams::new(1 << 20, 4, 1)).unwrap();
    assert_eq!(rich.check_stored(&good.replace("m=8,t=1,p=1", "m=1048576,t=4,p=1")), Ok(()));
}

/// Made with the reference implementation of Argon2 (argon2-cffi) and the parameters of mvChat2.
#[tokio::test]
async fn reads_the_three_part_hashes_of_mvchat2() {
    let stored = "$argon2id$AAECAwQFBgcICQoLDA0ODw$yP1Kohdk4F32iAJVlmKlIxw4SSZbV6TsUrUVWU26zFg";
    let verify = |typed: &str| fast_verify(typed.to_owned(), stored);
    assert_eq!(verify("password-anna").await, Ok(Verdict::Ok { rehash: true }));
    assert_eq!(verify("password-bert").await, Ok(Verdict::Wrong));
}

/// Made with crypt(3), but for the second, which is a test vector of the algorithm's authors.
#[tokio::test]
async fn reads_bcrypt() {
    for (password, stored) in [
        ("password", "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"),
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        (&"p".repeat(80), "$2y$04$abcdefghijklmnopqrstuuNt.0ah97gHY3F7JC1Z6EXmQc0bQBhIO"),
    ] {
        let verify = |typed: String| fast_verify(typed, stored);
        assert_eq!(verify(password.to_owned()).await, Ok(Verdict::Ok { rehash: true }), "{stored}");
        assert_eq!(verify(format!("x{password}")).await, Ok(Verdict::Wrong), "{stored}");
        assert_eq!(verify(String::new()).await, Ok(Verdict::Wrong));
    }
}

#[test]
fn parameters_out_of_bounds_are_refused() {
    for (memory_kib, iterations, lanes) in [
        (0, 1, 1),
        (7, 1, 1),
        (15, 1, 2),
        ((1 << 20) + 1, 1, 1),
        (8, 0, 1),
        (8, 65, 1),
        (8, 1, 0),
        (4096, 1, 65),
    ] {
        let params = PasswordParams::new(memory_kib, iterations, lanes);
        assert_eq!(Passwords::new(params).unwrap_err(), PasswordError::Params, "{params:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_and_has_a_deadline() {
    let passwords = fast();
    let all = passwords.slots.available_permits();
    let _busy = Arc::clone(&passwords.slots).acquire_many_owned(u32::try_from(all).unwrap()).await.unwrap();

    let mut waiting: Vec<_> =
        (0..MAX_WAITING).map(|_| Box::pin(passwords.verify("password".to_owned(), None))).collect();
    for one in &mut waiting {
        assert!(futures_util::poll!(one.as_mut()).is_pending());
    }
    let refused = std::pin::pin!(passwords.hash("password".to_owned()));
    assert_eq!(futures_util::poll!(refused), Poll::Ready(Err(PasswordError::Busy)));

    // One that leaves makes room for one more.
    waiting.pop();
    let mut next = Box::pin(passwords.verify("password".to_owned(), None));
    assert!(futures_util::poll!(next.as_mut()).is_pending());
    waiting.push(next);

    let start = tokio::time::Instant::now();
    for one in waiting {
        assert_eq!(one.await, Err(PasswordError::Busy));
    }
    assert!(start.elapsed() >= MAX_WAIT && start.elapsed() < MAX_WAIT + Duration::from_millis(100));
    assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn those_who_wait_are_served() {
    let passwords = fast();
    let phc = passwords.hash("password".to_owned()).await.unwrap();
    let checks = (0..50).map(|_| passwords.verify("password".to_owned(), Some(&phc)));
    for verdict in futures_util::future::join_all(checks).await {
        assert_eq!(verdict, Ok(FRESH));
    }
    let all = passwords.slots.available_permits();
    assert_eq!(all, (std::thread::available_parallelism().unwrap().get() / 2).max(1));
}

/// Compares the best of some rounds, so that other load on the machine hardly matters; without the dummy hash the two
/// differ by a factor of thousands.
#[tokio::test]
async fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    let passwords = Passwords::new(PasswordParams::new(4096, 2, 1)).unwrap();
    let phc = passwords.hash("password".to_owned()).await.unwrap();
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        for (best, phc) in [(&mut known, Some(&*phc)), (&mut unknown, None)] {
            let start = std::time::Instant::now();
            assert_eq!(passwords.verify("wrong".to_owned(), phc).await, Ok(Verdict::Wrong));
            *best = (*best).min(start.elapsed());
        }
    }
    assert!(unknown > known / 4 && known > unknown / 4, "{known:?} {unknown:?}");
}
