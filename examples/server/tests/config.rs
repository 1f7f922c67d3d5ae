//! Configuration: layers, expansion, and what is said about mistakes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{io::Write, path::PathBuf, time::Duration};

use mvchat_server::{
    cli::{Cli, Command},
    config::{Config, Environment, Flags, LogFormat, Preset, Problem, StoreKind, Warning, example},
};
use tempfile::NamedTempFile;

/// Loads `text` as the file, with an environment and flags as typed.
fn load<const N: usize>(
    text: &str,
    variables: [(&str, &str); N],
    flags: &[&str],
) -> Result<(Config, Vec<Warning>), Vec<Problem>> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let line = ["mvchat", "serve", "--config", path].into_iter().chain(flags.iter().copied());
    Config::load(&parsed(line), &Environment::from(variables))
}

fn parsed<'a>(line: impl Iterator<Item = &'a str>) -> Flags {
    let Command::Serve(args) = <Cli as clap::Parser>::try_parse_from(line).unwrap().command else {
        panic!("serve was asked for")
    };
    Flags::from(*args)
}

fn good(text: &str) -> Config {
    let (config, warnings) = load(text, [], &[]).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
    assert_eq!(warnings, []);
    config
}

/// The problems as `line: message`, or `name: message` outside of the file.
fn bad<const N: usize>(text: &str, variables: [(&str, &str); N], flags: &[&str]) -> Vec<String> {
    let problems = load(text, variables, flags).expect_err(text);
    problems.iter().map(|problem| short(&problem.to_string())).collect()
}

/// Cuts off the path of the temporary file.
fn short(text: &str) -> String {
    match text.split_once(':') {
        Some((path, rest)) if path.starts_with('/') => rest.to_owned(),
        _ => text.to_owned(),
    }
}

#[test]
fn the_example_reads_back_as_the_defaults() {
    assert_eq!(good(&example()), Config::default());
    for section in ["server", "auth", "basic", "token", "limits", "log"] {
        let heading = format!("{section}:");
        assert_eq!(example().lines().filter(|line| line.trim() == heading).count(), 1, "{section}");
    }
}

#[test]
fn nothing_given_means_the_defaults() {
    let (config, warnings) = Config::load(&Flags::default(), &Environment::default()).unwrap();
    assert_eq!((config, warnings), (Config::default(), vec![]));
    for text in ["", "# nothing\n", "server:\nlimits:\n  # edit_window: 5\n", "{}"] {
        assert_eq!(good(text), Config::default(), "{text:?}");
    }
}

#[test]
fn keys_of_the_seed_take_effect() {
    let config = good(
        "server:\n  listen: '127.0.0.1:0'\n  read_timeout: 15\n  idle_timeout: 1m\n  shutdown_timeout: 30\n  \
         allowed_origins: [\"https://app.example.com\"]\n\
         auth:\n  basic:\n    min_login_length: 5\n    min_password_length: 12\n  token:\n    expire_in: 1209600 # 2 weeks\n\
         limits:\n  max_message_size: 131072\n  max_subscriber_count: 128\n  edit_window: 20\n  unsend_window: 90s\n  \
         max_edit_count: 3\n  rate_limit_messages: 30\n",
    );
    assert_eq!(config.server.listen.port(), 0);
    assert_eq!(config.server.read_timeout, Duration::from_secs(15));
    assert_eq!(config.server.idle_timeout, Duration::from_secs(60));
    assert_eq!(config.server.allowed_origins, ["https://app.example.com"]);
    assert_eq!(config.auth.min_login_length, 5);
    assert_eq!(config.auth.min_password_length, 12);
    assert_eq!(config.auth.token_lifetime, Duration::from_secs(1_209_600));
    assert_eq!(config.limits.max_message_size, 131_072);
    assert_eq!(config.limits.edit_window, Duration::from_mins(20), "a plain number is minutes here");
    assert_eq!(config.limits.unsend_window, Duration::from_secs(90));
    assert_eq!(config.limits.max_edit_count, 3);
    assert_eq!(config.limits.rate_limit_messages, 30);
    assert_eq!(good("limits: {edit_window_minutes: 7}").limits.edit_window, Duration::from_mins(7));
    assert_eq!(good("limits.edit_window: 1h30m").limits.edit_window, Duration::from_mins(90));
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_preset() {
    let text = "preset: mvchat2\nstore: memory\nlimits:\n  unsend_window: 1\n";
    let (config, _) = load(text, [], &[]).unwrap();
    assert_eq!(config.preset, Preset::MvChat2);
    assert_eq!(config.limits.rate_limit_messages, 30);
    assert_eq!(config.auth.min_password_length, 6);
    assert_eq!(config.limits.unsend_window, Duration::from_mins(1), "the file wins over the preset");

    let variables =
        [("MVCHAT_STORE", "sled"), ("MVCHAT_LIMITS_UNSEND_WINDOW", "2"), ("MVCHAT_PRESET", "default")];
    let (config, _) = load(text, variables, &[]).unwrap();
    assert_eq!(config.store, StoreKind::Sled);
    assert_eq!(config.limits.unsend_window, Duration::from_mins(2));
    assert_eq!(config.limits.rate_limit_messages, 50);

    let (config, _) = load(text, [("MVCHAT_STORE", ""), ("MVCHAT_LIMITS_UNSEND_WINDOW", "")], &[]).unwrap();
    assert_eq!((config.store, config.limits.unsend_window), (StoreKind::Memory, Duration::from_mins(1)));

    let (config, _) = load(text, variables, &["--store", "memory", "--log-format", "json"]).unwrap();
    assert_eq!(config.store, StoreKind::Memory);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn a_preset_gives_way_wherever_it_stands() {
    let config = good("limits: {rate_limit_messages: 7}\npreset: mvchat2\n");
    assert_eq!((config.limits.rate_limit_messages, config.auth.min_password_length), (7, 6));
}

#[test]
fn variables_expand_without_becoming_yaml() {
    let text = "server:\n  listen: 127.0.0.1:${PORT:6060}\n  behind_proxy: ${PROXY:false}\n\
                data_dir: ${DIR}\nlimits:\n  max_edit_count: ${EDITS:4}\n  edit_window: ${WINDOW:}\n";
    let evil = "x\nstore: memory # \"'";
    let variables = [("DIR", evil), ("PORT", "7070"), ("PROXY", "true"), ("EDITS", "9"), ("WINDOW", "5m")];
    let (config, _) = load(text, variables, &[]).unwrap();
    assert_eq!(config.data_dir.0, PathBuf::from(evil));
    assert_eq!(config.store, StoreKind::Sled);
    assert_eq!(config.server.listen.port(), 7070);
    assert!(config.server.behind_proxy);
    assert_eq!(config.limits.max_edit_count, 9);

    let problems = bad(text, [("EDITS", "hunter2")], &[]);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("4: data_dir: the environment variable DIR is not set"), "{problems:?}");
    assert!(problems[1].starts_with("6: limits.max_edit_count: expected a whole number"), "{problems:?}");
    assert!(problems[2].starts_with("7: limits.edit_window: "), "{problems:?}");
    assert!(problems.iter().all(|problem| !problem.contains("hunter2")));
    // A missing variable matters also where the key has no effect.
    assert_eq!(bad("database:\n  password: ${DB_PASSWORD}", [], &[]).len(), 1);
}

#[test]
fn unknown_keys_are_named_with_line_and_suggestion() {
    for (text, wanted) in [
        (
            "limits:\n  edit_windw: 5",
            "2: unknown key `limits.edit_windw`; did you mean `limits.edit_window`?",
        ),
        ("\nsever:\n  listen: x", "2: unknown key `sever`; did you mean `server`?"),
        ("edit_window: 5", "1: unknown key `edit_window`; did you mean `limits.edit_window`?"),
        ("redis:\n  adr: x", "2: unknown key `redis.adr`; did you mean `redis.addr`?"),
        ("colour: red", "1: unknown key `colour`"),
        (
            "auth:\n  token:\n    expires_in: 5",
            "3: unknown key `auth.token.expires_in`; did you mean `auth.token.expire_in`?",
        ),
        ("auth:\n  tokn: {}", "2: unknown key `auth.tokn`; did you mean `auth.token`?"),
        ("<<: {}", "1: unknown key `<<`"),
    ] {
        assert_eq!(bad(text, [], &[]), [wanted], "{text}");
    }
}

#[test]
fn wrong_shapes_and_values_are_named_with_their_line() {
    for (text, wanted) in [
        ("limits:\n  max_edit_count: ten", "2: limits.max_edit_count: expected a whole number, found `ten`"),
        ("limits:\n  max_edit_count: -1", "2: limits.max_edit_count: `-1` is outside of 0 to 1000"),
        ("limits:\n  max_message_size: 8", "2: limits.max_message_size: `8` is outside of 1KiB to 16MiB"),
        (
            "limits:\n  edit_window: soon",
            "2: limits.edit_window: expected a duration such as 90s, 10m, 1h30m, 2d or 500ms, found `soon`",
        ),
        ("limits:\n  edit_window:", "2: limits.edit_window has no value; give it one or remove the line"),
        ("limits:\n  edit_window: {a: 1}", "2: limits.edit_window takes a value and has no keys of its own"),
        ("limits:\n  edit_window: [1]", "2: limits.edit_window: expected one value, found a list"),
        ("limits: 5", "1: limits is a section; its keys follow on indented lines"),
        ("- a", "1: expected keys such as `server:` at the top of the file"),
        ("store: sledd", "1: store: expected memory or sled or postgres, found `sledd`; did you mean sled?"),
        ("data_dir: ''", "1: data_dir: must not be empty"),
        ("store: sled\nstore: memory", "2: store is given twice, first in line 1"),
        (
            "limits:\n  edit_window: 1\n  edit_window_minutes: 1",
            "3: limits.edit_window_minutes is given twice, first in line 2",
        ),
        (
            "server:\n  trusted_proxies:\n    - 10.0.0.0/8\n    - home",
            "2: server.trusted_proxies: expected a network such as 10.0.0.0/8 or an address, found `home`",
        ),
        (
            "server:\n  allowed_origins: ['*', a]",
            "2: server.allowed_origins: wildcards are not supported; name each origin, found `*`; expected an origin such as https://app.example.com, without a path, found `a`",
        ),
    ] {
        assert_eq!(bad(text, [], &[]), [wanted], "{text}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let text = "stroe: sled\nlimits:\n  max_edit_count: x\n  edit_window: ${NONE}\n";
    let problems = bad(text, [("MVCHAT_STORE", "disk")], &["--listen", "here"]);
    let places: Vec<_> = problems.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(places, ["1", "4", "3", "MVCHAT_STORE", "--listen"], "{problems:?}");
    // A file that is no YAML does not hide what flags and variables have wrong.
    assert_eq!(bad("a: [", [("MVCHAT_STORE", "disk")], &[]).len(), 2);
}

#[test]
fn keys_without_effect_warn_and_keep_their_values_to_themselves() {
    let text = "database:\n  host: db\n  password: hunter2\nredis:\n  enabled: false\n";
    let (config, warnings) = load(text, [], &[]).unwrap();
    assert_eq!(config, Config::default());
    let warnings: Vec<_> = warnings.iter().map(|warning| short(&warning.to_string())).collect();
    assert_eq!(
        warnings,
        [
            "2: database.host has no effect: the database is named by its address: set database.url, or MVCHAT_DATABASE_URL",
            "3: database.password has no effect: the database is named by its address: set database.url, or MVCHAT_DATABASE_URL",
            "5: redis.enabled has no effect: running several nodes over Redis is not built yet",
        ]
    );
}

#[test]
fn the_configuration_in_the_seeds_readme_loads() {
    let text = "server:\n  listen: \":6060\"\n  use_x_forwarded_for: true\n\ndatabase:\n  host: ${DB_HOST:localhost}\n  \
                port: 5432\n  name: ${DB_NAME:mvchat2}\n  user: ${DB_USER:postgres}\n  password: ${DB_PASSWORD:}\n  \
                encryption_key: ${ENCRYPTION_KEY:base64-encoded-32-byte-key}\n\nauth:\n  token:\n    \
                key: ${TOKEN_KEY:base64-encoded-32-byte-key}\n    expire_in: 1209600  # 2 weeks\n";
    let (config, warnings) = load(text, [], &[]).unwrap();
    assert_eq!(config.server.listen, "0.0.0.0:6060".parse().unwrap());
    assert_eq!(config.auth, Config::default().auth);
    assert_eq!(warnings.len(), 7, "{warnings:?}");
    assert!(warnings.iter().all(|warning| !warning.to_string().contains("base64")));
}

#[test]
fn collectors_are_reached_without_tls_or_secrets() {
    for (given, read) in [
        ("", ""),
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
        ("http://collector/", "http://collector"),
        ("http://[::1]:4318/below", "http://[::1]:4318/below"),
    ] {
        assert_eq!(good(&format!("traces: {{endpoint: '{given}'}}")).traces.endpoint, read);
    }
    for wrong in
        ["collector:4318", "https://collector", "http://", "http://a:b@collector", "http://a?b=c", "/a"]
    {
        let problems = bad(&format!("traces: {{endpoint: '{wrong}'}}"), [], &[]);
        assert!(
            problems[0].starts_with("1: traces.endpoint: expected the address of"),
            "{wrong} {problems:?}"
        );
    }
    for wrong in ["one_in: 0", "one_in: half", "service: ''"] {
        assert_eq!(bad(&format!("traces: {{{wrong}}}"), [], &[]).len(), 1, "{wrong}");
    }
}

#[test]
fn other_machines_get_in_only_through_a_proxy() {
    for address in ["0.0.0.0:6060", "[::]:6060", "192.168.1.5:80", ":6060", "[::ffff:10.0.0.1]:1"] {
        let problems = bad("", [], &["--listen", address]);
        assert!(
            problems[0].starts_with("--listen: ") && problems[0].contains("--behind-proxy"),
            "{problems:?}"
        );
        load("", [], &["--listen", address, "--behind-proxy"]).unwrap();
        load("server: {behind_proxy: true}", [("MVCHAT_LISTEN", address)], &[]).unwrap();
    }
    let problems = bad("server:\n  listen: 10.0.0.1:80", [], &[]);
    assert!(problems[0].starts_with("2: refusing to listen on 10.0.0.1:80"), "{problems:?}");
    for address in ["127.0.0.1:0", "127.8.8.8:1", "[::1]:1", "localhost:1"] {
        load("", [], &["--listen", address]).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_of_who_named_it() {
    let flags = parsed(["mvchat", "serve", "--config", "/does/not/exist.yaml"].into_iter());
    let problems = Config::load(&flags, &Environment::default()).unwrap_err();
    assert!(
        problems[0].to_string().starts_with("--config: cannot read /does/not/exist.yaml: "),
        "{problems:?}"
    );
    let environment = Environment::from([("MVCHAT_CONFIG", "/does/not/exist.yaml")]);
    let problems = Config::load(&Flags::default(), &environment).unwrap_err();
    assert!(problems[0].to_string().starts_with("MVCHAT_CONFIG: "), "{problems:?}");
    assert!(load(&"# long\n".repeat(200_000), [], &[]).is_err());
}

#[test]
fn a_misspelt_variable_is_a_warning() {
    let (_, warnings) =
        load("", [("MVCHAT_LISTN", "x"), ("MVCHAT_TOKEN_KEY", "hunter2"), ("LISTEN", "x")], &[]).unwrap();
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["MVCHAT_LISTN: unknown variable, without effect; did you mean MVCHAT_LISTEN?"]);
}

#[test]
fn mail_comes_with_all_it_needs_or_is_complained_about() {
    let config = good(
        "email:\n  host: mail.example.org\n  port: 2525\n  username: chat\n  password: 'pass'\n  from: chat@example.org\n",
    );
    assert_eq!((config.mail.host.as_str(), config.mail.port), ("mail.example.org", 2_525), "the seed's keys");
    assert!(!format!("{config:?}").contains("pass\""));
    assert_eq!(good("mail: {user: chat}").mail.user, "chat", "nothing is checked that is not used");
    let complaints = |text: &str| bad(&format!("mail:\n  host: mail.example.org\n{text}"), [], &[]);
    assert!(complaints("")[0].starts_with("2: mail.from must be an address"));
    assert!(complaints("  from: nobody\n")[0].starts_with("3: mail.from must be an address"));
    let both = complaints("  from: a@b.cd\n  password: one\n  password_file: two\n");
    assert!(both[0].starts_with("5: mail.password and mail.password_file"), "{both:?}");
    let clear = complaints("  from: a@b.cd\n  tls: none\n  user: chat\n");
    assert!(clear[0].starts_with("5: mail.tls is none"), "{clear:?}");
    good("mail: {host: 127.0.0.1, from: a@b.cd, tls: none, user: chat}");
}

#[test]
fn schemes_come_with_all_they_need_or_are_complained_about() {
    let config = good(
        "auth:\n  guests: 12h\n  jwt: {issuer: 'https://id', audience: chat, keys_file: /k}\n  header: {name: X-User, trusted: [10.0.0.0/8]}\n",
    );
    assert_eq!(config.auth.guests, Duration::from_hours(12));
    assert_eq!((config.auth.header.name.as_str(), config.auth.header.trusted.len()), ("x-user", 1));
    let half = bad("auth:\n  jwt:\n    issuer: 'https://id'\n", [], &[]);
    assert!(half[0].starts_with("3: auth.jwt.issuer, auth.jwt.audience and auth.jwt.keys_file"), "{half:?}");
    let nobody = bad("", [("MVCHAT_AUTH_PASSWORDS", "false")], &[]);
    assert!(nobody[0].contains("nobody could log in"), "{nobody:?}");
    good("auth: {passwords: false, guests: 1h}");
    let name = bad("auth: {header: {name: 'X User'}}", [], &[]);
    assert!(name[0].contains("expected the name of a header"), "{name:?}");
}
