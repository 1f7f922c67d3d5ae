//! Threads that hash.

use parking_lot::Mutex;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// The threads on which passwords are hashed, as many as ever hashed at once.
///
/// A hash takes megabytes for a moment. Allocators keep what is freed with the thread that freed it, so that a pool
/// with hundreds of threads, of which each gets its turn, comes to hold hundreds of times as much.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// Who has nothing to do; the last to finish is the first to go on. A thread ends when it is dropped from here.
    idle: Mutex<Vec<SyncSender<Job>>>,
}

impl Threads {
    /// Does some work on one of the threads and waits for it; `None` if there is no thread, or the work panicked.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let idle = self.idle.lock().pop();
        let thread = idle.map_or_else(start, Ok).ok()?;
        let (answer, result) = sync_channel(1);
        // Somebody waits: the answer has a place.
        let job = move || drop(answer.send(work()));
        thread.send(Box::new(job)).ok()?;
        let result = result.recv().ok()?;
        self.idle.lock().push(thread);
        Some(result)
    }
}

fn start() -> io::Result<SyncSender<Job>> {
    let (jobs, queue) = sync_channel::<Job>(1);
    let work = move || queue.into_iter().for_each(|job| job());
    thread::Builder::new().name("mvchat-password".to_owned()).spawn(work)?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other_has_the_same_thread() {
        let threads = Threads::default();
        let id = || thread::current().id();
        let first = threads.run(id).unwrap();
        assert_eq!((threads.run(id), threads.run(id)), (Some(first), Some(first)));
        assert_ne!(first, id());
    }

    #[test]
    fn a_panic_costs_one_thread() {
        let threads = Threads::default();
        assert_eq!(threads.run(|| -> u8 { panic!("as expected") }), None);
        assert_eq!(threads.run(|| 5), Some(5));
        assert_eq!(threads.idle.lock().len(), 1);
    }
}
