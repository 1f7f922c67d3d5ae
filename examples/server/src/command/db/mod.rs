//! `mvchat db`: what moves between stores.

mod copy;
mod progress;

pub use copy::CopyArgs;
