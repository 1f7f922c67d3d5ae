//! Defaults of the plug points.

mod memory;

pub use memory::MemoryStore;
