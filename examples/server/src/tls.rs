//! TLS, with certificates that may change while the server runs.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        version::{TLS12, TLS13},
    },
};
use zeroize::Zeroizing;

use crate::signal::Hangup;

/// How often it is looked whether the files have changed.
const EVERY: Duration = Duration::from_secs(10);
/// A chain of certificates is a page or two.
const LARGEST: u64 = 1 << 20;

/// What was read last, as a digest of both files.
type Known = [u8; 32];

/// A certificate and its key, from files, for whoever connects from now on.
///
/// TLS 1.2 and 1.3, and nothing but HTTP/1.1 within. The provider of the cryptography is this server's own choice and
/// not the process's.
pub struct Tls {
    certificates: PathBuf,
    key: PathBuf,
    current: watch::Sender<(Known, Arc<ServerConfig>)>,
}

impl Tls {
    /// Reads the chain of certificates and the key, both in PEM.
    ///
    /// # Errors
    /// With the file that can't be used; a key that others may read is none.
    pub fn load(certificates: &Path, key: &Path) -> io::Result<Self> {
        let current = watch::Sender::new(read(certificates, key)?);
        Ok(Self { certificates: certificates.to_owned(), key: key.to_owned(), current })
    }

    /// Returns what shakes hands with the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.borrow().1.clone())
    }

    /// Reads the files again and tells whether they have changed. What can't be used changes nothing.
    ///
    /// # Errors
    /// As [`load`](Tls::load).
    pub fn reload(&self) -> io::Result<bool> {
        let new = read(&self.certificates, &self.key)?;
        Ok(self.current.send_if_modified(|current| {
            let changed = current.0 != new.0;
            *current = new;
            changed
        }))
    }

    /// Looks after the files until dropped: every ten seconds, and at each SIGHUP.
    pub(crate) async fn keep(&self, mut hangup: Hangup) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut said = String::new();
        loop {
            tokio::select! { biased;
                () = hangup.next() => said.clear(),
                _ = ticks.tick() => {}
            }
            match self.reload() {
                Ok(false) => said.clear(),
                Ok(true) => {
                    said.clear();
                    tracing::info!("the certificate was read again");
                }
                Err(error) => {
                    // While somebody replaces two files, they don't fit for a moment; and one word is enough.
                    let why = error.to_string();
                    if why != said {
                        tracing::warn!(error = %why, "the certificate stays as it was");
                        said = why;
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificates", &self.certificates).finish_non_exhaustive()
    }
}

fn read(certificates: &Path, key: &Path) -> io::Result<(Known, Arc<ServerConfig>)> {
    let chain_pem = contents(certificates)?;
    let key_pem = Zeroizing::new(contents(key)?);
    guarded(key)?;
    let chain = CertificateDer::pem_slice_iter(&chain_pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| unusable(certificates, &error))?;
    if chain.is_empty() {
        return Err(unusable(certificates, &"no certificate in it"));
    }
    let secret = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|error| unusable(key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(io::Error::other)?;
    let config = builder.with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|error| unusable(key, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let known = Sha256::new().chain_update(&chain_pem).chain_update(&*key_pem).finalize();
    Ok((known.into(), Arc::new(config)))
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let read = fs::metadata(path).and_then(|file| match file.len() {
        0..=LARGEST => fs::read(path),
        _ => Err(io::Error::other("larger than 1 MiB")),
    });
    read.map_err(|error| unusable(path, &error))
}

/// Refuses a key that everybody on the machine may read.
fn guarded(key: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(key)?.permissions().mode();
        if mode & 0o007 != 0 {
            return Err(unusable(key, &"others may read it: take that away with chmod o-rwx"));
        }
    }
    #[cfg(not(unix))]
    let _ = key;
    Ok(())
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> io::Error {
    io::Error::other(format!("cannot use {} for TLS: {why}", path.display()))
}
