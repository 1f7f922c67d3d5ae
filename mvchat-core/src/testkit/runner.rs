//! Runs laws as named tests.

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

/// A law: a named check of something that is opened afresh for it.
pub struct Law<B: 'static> {
    pub(super) name: &'static str,
    pub(super) runtime: Runtime,
    pub(super) reopens: bool,
    pub(super) check: fn(B) -> BoxFuture<'static, ()>,
}

/// Which runtime a law needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runtime {
    /// One thread.
    Current,
    /// Several threads, because the law is about things that happen at once.
    Threads,
}

impl<B> Law<B> {
    /// Returns the law's name, which the contracts give.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns whether the law is about what is found when a store is opened again.
    pub fn reopens(&self) -> bool {
        self.reopens
    }

    /// Checks the law on a runtime of its own.
    ///
    /// # Panics
    /// If the law is broken.
    pub fn check<O>(&self, open: impl FnOnce() -> O)
    where
        O: Future<Output = B>,
    {
        let mut builder = match self.runtime {
            Runtime::Current => tokio::runtime::Builder::new_current_thread(),
            Runtime::Threads => tokio::runtime::Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(4).enable_all().build().expect("a runtime starts");
        runtime.block_on(async { (self.check)(open().await).await });
    }
}

// Derived ones would ask the same of what the law is checked on.
impl<B> Copy for Law<B> {}
impl<B> Clone for Law<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> fmt::Debug for Law<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Law({})", self.name)
    }
}

/// Names a law after its function; `threads` and `reopens` say what it needs.
macro_rules! law {
    ($check:ident) => { law!(@ $check, Current, false) };
    ($check:ident, threads) => { law!(@ $check, Threads, false) };
    ($check:ident, reopens) => { law!(@ $check, Current, true) };
    (@ $check:ident, $runtime:ident, $reopens:literal) => {
        $crate::testkit::Law {
            name: stringify!($check),
            runtime: $crate::testkit::Runtime::$runtime,
            reopens: $reopens,
            check: |bed| Box::pin($check(bed)),
        }
    };
}
pub(super) use law;

/// A test with its name.
pub(super) type Test = (&'static str, Arc<dyn Fn() + Send + Sync>);

/// Runs tests as the program's arguments say, in the manner of the standard harness (so that `cargo nextest`
/// can list them and run each by its name).
pub(super) fn main(tests: Vec<Test>) -> ExitCode {
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
