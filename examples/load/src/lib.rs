//! Load on an mvchat server: what `mvchat bench` runs.
//!
//! People with the native client machine do what people do in a chat, by a schedule that does not wait for the server
//! (open loop), and every latency is counted from the instant at which the schedule wanted something to happen. A
//! server that stalls is therefore charged with everything that was due meanwhile (no coordinated omission). How late
//! the generator itself was is a figure of its own.
//!
//! Every run checks what it measures: each message that was acknowledged has to arrive at everybody once and in order,
//! and what is refused, lost or repeated is counted and shown.
//!
//! Beside the server stand *floors*: programs that do only the part which nobody can leave out, such as passing ready
//! frames on. Figures of one machine are only good as ratios to floors of the same run.
//!
//! ```text
//! scenario/*   what people do           floor/*    the least that has to be done
//! crowd/*      more people than one process may have connections: several servers and generators
//! speaker dweller returner   habits     bare       a connection without a machine
//! member       the client machine       target     the server: a child process, or an address
//! driver       one task per connection  meter      what processes use, by procfs
//! outcome      figures of one run       suite      rounds and medians; report/* shows them
//! peer/*       the same beside another messenger
//! ```

mod args;
mod bare;
mod board;
mod command;
mod crowd;
mod database;
mod driver;
mod dweller;
mod floor;
mod folder;
mod latency;
mod ledger;
mod machine;
mod marker;
mod member;
mod meter;
mod outcome;
mod own;
mod peer;
mod people;
mod progress;
mod report;
mod returner;
mod run;
mod scenario;
mod speaker;
mod suite;
mod target;
mod wire;

pub use args::{BenchArgs, BenchCommand, CommonArgs};
pub use command::run;
pub use floor::rows::{Rows, Shape};
pub use latency::Latency;
pub use machine::Machine;
pub use outcome::{Figure, Outcome};
pub use report::Report;

/// Why a run could not be made.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;
/// What comes of something that can go wrong.
pub type Tried<T> = Result<T, Problem>;
