use mvchat_server::config::{Config, Environment, Origin};
use std::path::Path;

/// A secret that no message about a configuration may show.
const SECRET: &str = "canary-7c1f";

/// The reference server's configuration file.
///
/// * Reading it twice says the same.
/// * Every problem and warning names a line that the file has, and shows nothing that came from the environment.
/// * What is accepted is written as a file that is read as the same, without a warning.
/// * A server that accepts it is not reachable from other machines without TLS in front.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("mvchat.yml");
    let environment = Environment::from([("SECRET", SECRET), ("EMPTY", "")]);
    let read = Config::read(path, text, &environment);
    assert_eq!(read, Config::read(path, text, &environment));
    // The end of the file is a line, too.
    let lines = text.split(['\n', '\r']).count() + 1;
    let check = |origin: &Origin, message: &str| {
        assert!(
            matches!(origin, Origin::File { line, .. } if (1..=lines).contains(line)),
            "{origin}: {message}"
        );
        assert!(!message.is_empty() && !message.contains(SECRET), "{message}");
    };
    let (config, warnings) = match read {
        Ok(read) => read,
        Err(problems) => {
            assert!(!problems.is_empty());
            return problems.iter().for_each(|problem| check(&problem.origin, &problem.message));
        }
    };
    warnings.iter().for_each(|warning| check(&warning.origin, &warning.message));
    let server = &config.server;
    assert!(
        server.listen.ip().to_canonical().is_loopback() || server.behind_proxy || server.use_x_forwarded_for
    );
    let written = config.to_yaml();
    let again = Config::read(path, &written, &Environment::default());
    let (again, warnings) = again.unwrap_or_else(|problems| panic!("{written}\n{problems:?}"));
    assert_eq!((again, warnings), (config, Vec::new()), "{written}");
}
