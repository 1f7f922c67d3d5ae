//! `mvchat db`: what moves between stores.

mod copy;
mod import;
mod progress;

pub use copy::CopyArgs;
pub use import::ImportArgs;
