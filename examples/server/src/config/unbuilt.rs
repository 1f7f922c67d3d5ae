//! Keys of mvChat2's file that have no effect here yet, or never will.
//!
//! A file written for mvChat2 loads; each such key is reported once, with its line.

/// Says why a key of mvChat2 has no effect; `None` if it is not one of those keys.
pub(crate) fn reason(path: &str) -> Option<&'static str> {
    UNBUILT.iter().find(|(_, paths)| paths.contains(&path)).map(|(reason, _)| *reason)
}

/// Every such key.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    UNBUILT.iter().flat_map(|(_, paths)| paths.iter().copied())
}

const POSTGRES: &str = "the database is named by its address: set database.url, or MVCHAT_DATABASE_URL";
const REDIS: &str = "running several nodes over Redis is not built yet";
const EMAIL: &str = "mail is sent if mail.host is given, and mail.from holds the name, too";
const MEDIA: &str = "media uploads are not built yet";
const STATIC: &str = "serving static files is not built yet";
const KEYS: &str =
    "the server makes and keeps its keys below data_dir; taking them from here is not built yet";
const LIMITS: &str = "setting this limit is not built yet; its default holds";
const WRITES: &str = "setting the write deadline is not built yet; its default holds";
const NEVER: &str = "mvChat2 itself never used it, and there is nothing it could set";

const UNBUILT: [(&str, &[&str]); 9] = [
    (
        POSTGRES,
        &[
            "database.host",
            "database.port",
            "database.name",
            "database.user",
            "database.password",
            "database.ssl_mode",
            "database.max_open_conns",
            "database.max_open",
            "database.max_idle_conns",
            "database.max_idle",
            "database.conn_max_lifetime",
            "database.sql_timeout",
        ],
    ),
    (REDIS, &["redis.enabled", "redis.addr", "redis.password", "redis.db", "redis.node_id"]),
    (EMAIL, &["email.enabled", "email.from_name"]),
    (MEDIA, &["media.max_size", "media.upload_dir", "media.gc_period", "media.gc_block_size"]),
    (STATIC, &["server.api_path", "server.static_mount", "server.static_path"]),
    (KEYS, &["database.encryption_key", "auth.token.key"]),
    (LIMITS, &["limits.rate_limit_auth", "limits.rate_limit_upload"]),
    (WRITES, &["server.write_timeout"]),
    (
        NEVER,
        &[
            "database.uid_key",
            "auth.api_key_salt",
            "auth.token.serial_number",
            "server.default_country_code",
            "debug.expvar_path",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::{super::keys, *};

    #[test]
    fn no_key_is_both_built_and_unbuilt() {
        for path in paths() {
            assert!(keys::find(path).is_none(), "{path}");
            assert!(reason(path).is_some());
        }
    }
}
