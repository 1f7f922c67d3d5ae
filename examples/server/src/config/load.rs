//! Puts defaults, preset, file, environment and flags together.

use std::{collections::BTreeMap, path::Path};

use super::{
    Config, Environment, Origin, Preset, Problem, Warning,
    file::{self, Contents, Setting},
    keys::{self, KEYS, LISTEN, PRESET},
    suggest,
    value::Value,
};

/// The variable that names the configuration file.
const FILE_VARIABLE: &str = "MVCHAT_CONFIG";
/// A configuration is a page or two; whatever is larger is not one.
const LONGEST_FILE: u64 = 1 << 20;

/// What the command line gives, before it is read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Flags {
    /// The path of the configuration file.
    pub config: Option<std::path::PathBuf>,
    /// Path of the key, flag with its dashes, and value.
    pub settings: Vec<(&'static str, &'static str, String)>,
}

/// What a configuration says without effect.
pub type Warnings = Vec<Warning>;

impl Config {
    /// Reads the configuration; nothing but the file is touched. An empty variable counts as unset.
    ///
    /// # Errors
    /// Every problem found: what keeps a file from being understood first, then wrong values from the
    /// weakest layer to the strongest.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<(Self, Warnings), Vec<Problem>> {
        Self::of(contents(flags, environment), flags, environment)
    }

    /// Reads a configuration file's text, as if it were the file at `path`, without flags.
    ///
    /// # Errors
    /// Every problem found, as [`load`](Config::load) does.
    pub fn read(
        path: &Path,
        text: &str,
        environment: &Environment,
    ) -> Result<(Self, Warnings), Vec<Problem>> {
        Self::of(file::read(path, text, environment), &Flags::default(), environment)
    }

    fn of(
        contents: Contents,
        flags: &Flags,
        environment: &Environment,
    ) -> Result<(Self, Warnings), Vec<Problem>> {
        let Contents { mut settings, mut warnings, mut problems } = contents;
        for key in &KEYS {
            let origin = Origin::Variable(key.variable());
            match environment.get(&key.variable()) {
                Ok(None | Some("")) => {}
                Ok(Some(text)) => settings.push(Setting { key, value: Value::raw(text), origin }),
                Err(message) => problems.push(Problem { origin, message }),
            }
        }
        for (path, flag, text) in &flags.settings {
            if let Some(key) = keys::find(path) {
                settings.push(Setting { key, value: Value::raw(text), origin: Origin::Flag(flag) });
            }
        }
        warnings.extend(misspelt_variables(environment));

        let mut config = Self::of_preset(preset(&settings));
        let mut origins = BTreeMap::new();
        for Setting { key, value, origin } in settings {
            match (key.set)(&mut config, &value) {
                Ok(()) => drop(origins.insert(key.path, origin)),
                Err(complaint) => {
                    // A variable or flag is named by its origin already; in a file the line alone says little.
                    let message = match origin {
                        Origin::File { .. } => format!("{}: {complaint}", key.path),
                        _ => complaint,
                    };
                    problems.push(Problem { origin, message });
                }
            }
        }
        problems.extend(exposed(&config, &origins));
        problems.extend(config.server.tls.problems(&origins));
        problems.extend(config.auth.problems(&origins));
        problems.extend(config.mail.problems(&origins));
        if problems.is_empty() { Ok((config, warnings)) } else { Err(problems) }
    }
}

/// Reads the file, if one is named.
fn contents(flags: &Flags, environment: &Environment) -> Contents {
    let named = match &flags.config {
        Some(path) => Ok(Some((path.as_path(), Origin::Flag("--config")))),
        None => environment.get(FILE_VARIABLE).map(|value| {
            let path = value.filter(|path| !path.is_empty())?;
            Some((Path::new(path), Origin::Variable(FILE_VARIABLE.to_owned())))
        }),
    };
    let failed =
        |origin, message| Contents { problems: vec![Problem { origin, message }], ..Contents::default() };
    let (path, origin) = match named {
        Ok(Some(named)) => named,
        Ok(None) => return Contents::default(),
        Err(message) => return failed(Origin::Variable(FILE_VARIABLE.to_owned()), message),
    };
    match text(path) {
        Ok(text) => file::read(path, &text, environment),
        Err(error) => failed(origin, format!("cannot read {}: {error}", path.display())),
    }
}

fn text(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind, Read};
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(Error::new(ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(text)
}

/// The preset in force: the strongest readable one. A wrong one is reported when it is applied like any key.
fn preset(settings: &[Setting]) -> Preset {
    let mut probe = Config::default();
    for setting in settings.iter().filter(|setting| setting.key.path == PRESET) {
        // A failed reading leaves the probe as it was.
        let _ = (setting.key.set)(&mut probe, &setting.value);
    }
    probe.preset
}

/// A server without TLS must not be reachable from other machines by accident.
fn exposed(config: &Config, origins: &BTreeMap<&str, Origin>) -> Option<Problem> {
    let address = config.server.listen;
    let behind_proxy = config.server.behind_proxy || config.server.use_x_forwarded_for;
    if address.ip().to_canonical().is_loopback() || behind_proxy || config.server.tls.is_on() {
        return None;
    }
    // The default is loopback, so somebody has given the address.
    let origin = origins.get(LISTEN)?.clone();
    Some(Problem {
        origin,
        message: format!(
            "refusing to listen on {address}: other machines could reach it without TLS. Listen on 127.0.0.1, \
             give `server.tls`, or put a proxy that ends TLS in front and say so with --behind-proxy or \
             `server.behind_proxy: true`"
        ),
    })
}

/// Warns about variables that look like ours but for a slip of the finger.
fn misspelt_variables(environment: &Environment) -> Vec<Warning> {
    let mut known: Vec<String> = KEYS.iter().map(keys::Key::variable).collect();
    known.push(FILE_VARIABLE.to_owned());
    known.push(super::RING_VARIABLE.to_owned());
    let ours =
        environment.names().filter(|name| name.starts_with("MVCHAT_") && !known.iter().any(|k| k == name));
    let near = ours.filter_map(|name| {
        // Only what follows the prefix tells names apart.
        let tails = known.iter().filter_map(|known| known.strip_prefix("MVCHAT_"));
        let meant = suggest::nearest(&name["MVCHAT_".len()..], tails)?;
        let message = format!("unknown variable, without effect; did you mean MVCHAT_{meant}?");
        Some(Warning { origin: Origin::Variable(name.to_owned()), message })
    });
    near.collect()
}
