//! The threads that read.

use crate::queue::Queue;
use crate::snapshot::{Durable, Snapshot};
use sled::Tree;
use std::sync::Arc;

/// A read: looks at one state and answers by itself.
pub(crate) type Look = Box<dyn FnOnce(&Snapshot) + Send>;

/// Takes reads one by one, each with a state of its own.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) tree: Tree,
    pub(crate) looks: Arc<Queue<Look>>,
    pub(crate) durable: Arc<Durable>,
}

impl Reader {
    pub(crate) fn run(self) {
        while let Some(look) = self.looks.wait() {
            look(&self.durable.snapshot(&self.tree));
        }
    }
}
