use super::*;
use crate::engine::metrics::Value;
use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, mpsc};

/// A job that notes its number when it is carried out.
fn noting(number: u32, noted: &mpsc::Sender<u32>) -> Job {
    let noted = noted.clone();
    Job::new("note", move || {
        let noted = noted.clone();
        async move { noted.send(number).await }
    })
}

/// A job that holds its worker until there is a permit.
fn blocking(gate: &Arc<Semaphore>) -> Job {
    let gate = gate.clone();
    Job::new("block", move || {
        let gate = gate.clone();
        async move { gate.acquire().await.map(|permit| permit.forget()) }
    })
}

fn small(workers: usize, waiting: usize) -> Jobs {
    Jobs::new(JobOptions { workers, waiting })
}

fn count(jobs: &Jobs, family: &str, labels: &[&str]) -> u64 {
    let families = jobs.metrics();
    let family = families.iter().find(|known| known.info.name == family).unwrap();
    match family.value(labels) {
        Some(Value::Counter(count)) => *count,
        Some(Value::Histogram(buckets)) => buckets.count(),
        _ => 0,
    }
}

#[tokio::test]
async fn jobs_of_a_priority_are_begun_in_their_order_and_the_urgent_first() {
    let (jobs, gate) = (small(1, 100), Arc::new(Semaphore::new(0)));
    let (noted, mut seen) = mpsc::channel(100);
    let first = jobs.submit(blocking(&gate)).unwrap();
    tokio::task::yield_now().await;
    for (number, priority) in
        [(1, Priority::Low), (2, Priority::Normal), (3, Priority::High), (4, Priority::High)]
    {
        jobs.submit(noting(number, &noted).priority(priority)).unwrap();
    }
    assert_eq!(jobs.waiting(Priority::High), 2);
    gate.add_permits(1);
    assert_eq!(first.await, JobEnd::Done);
    assert!(jobs.drain(Duration::from_secs(10)).await);
    let mut order = Vec::new();
    while let Ok(number) = seen.try_recv() {
        order.push(number);
    }
    assert_eq!(order, [3, 4, 2, 1]);
}

#[tokio::test]
async fn no_more_run_at_once_than_there_are_workers() {
    let (jobs, gate) = (small(3, 100), Arc::new(Semaphore::new(0)));
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    for _ in 0..20 {
        let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
        let job = Job::new("count", move || {
            let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let permit = gate.acquire().await;
                running.fetch_sub(1, Ordering::SeqCst);
                permit.map(|permit| permit.forget())
            }
        });
        jobs.submit(job).unwrap();
    }
    while most.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(20);
    assert!(jobs.drain(Duration::from_secs(10)).await);
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(count(&jobs, "mvchat_jobs_total", &["count", "done"]), 20);
    assert_eq!(count(&jobs, "mvchat_job_wait_seconds", &["normal"]), 20);
}

#[tokio::test]
async fn a_full_queue_refuses_and_what_it_has_is_done() {
    let (jobs, gate) = (small(1, 2), Arc::new(Semaphore::new(0)));
    let (noted, mut seen) = mpsc::channel(10);
    jobs.submit(blocking(&gate)).unwrap();
    tokio::task::yield_now().await;
    let kept = jobs.submit(noting(1, &noted)).unwrap();
    let taken_back = jobs.submit(noting(2, &noted)).unwrap();
    assert_eq!(jobs.submit(noting(3, &noted)).unwrap_err(), JobRefused::Full);
    jobs.submit(noting(4, &noted).priority(Priority::Low)).unwrap();
    taken_back.cancel();
    jobs.submit(noting(5, &noted)).expect("what was taken back leaves its place");
    assert_eq!(taken_back.await, JobEnd::Cancelled);
    gate.add_permits(1);
    assert_eq!(kept.await, JobEnd::Done);
    assert!(jobs.drain(Duration::from_secs(10)).await);
    let mut numbers = vec![seen.recv().await, seen.recv().await, seen.recv().await];
    numbers.sort_unstable();
    assert_eq!(numbers, [Some(1), Some(4), Some(5)]);
    assert_eq!(count(&jobs, "mvchat_jobs_refused_total", &["note"]), 1);
}

#[tokio::test]
async fn a_job_that_panics_or_fails_harms_no_other() {
    let jobs = small(1, 100);
    let (noted, mut seen) = mpsc::channel(10);
    let panics =
        jobs.submit(Job::new("bad", || async { panic!("as expected") as Result<(), Infallible> })).unwrap();
    // Before there is a future at all.
    let early = jobs
        .submit(Job::new("bad", || -> std::future::Ready<Result<(), Infallible>> { panic!("as expected") }));
    let fails = jobs.submit(Job::new("bad", || async { Err("as expected") })).unwrap();
    let good = jobs.submit(noting(1, &noted)).unwrap();
    assert_eq!((panics.await, early.unwrap().await), (JobEnd::Panicked, JobEnd::Panicked));
    assert_eq!((fails.await, good.await), (JobEnd::Failed, JobEnd::Done));
    assert_eq!(seen.recv().await, Some(1));
    assert_eq!(count(&jobs, "mvchat_jobs_total", &["bad", "panicked"]), 2);
    assert_eq!(count(&jobs, "mvchat_jobs_total", &["bad", "failed"]), 1);
}

/// Panics where it is dropped: nothing in an attempt catches that.
struct Trap;

impl Drop for Trap {
    fn drop(&mut self) {
        panic!("as expected");
    }
}

#[tokio::test]
async fn a_worker_that_is_lost_leaves_its_place_to_another() {
    let jobs = small(1, 100);
    let (noted, mut seen) = mpsc::channel(10);
    let mut traps = vec![Trap];
    let doomed = Job::new("doomed", move || {
        let trap = traps.pop();
        async move {
            let _trap = trap;
            pending::<Result<(), Infallible>>().await
        }
    });
    let doomed = jobs.submit(doomed).unwrap();
    tokio::task::yield_now().await;
    jobs.submit(noting(1, &noted)).unwrap();
    doomed.cancel();
    assert_eq!(seen.recv().await, Some(1));
    jobs.submit(noting(2, &noted)).unwrap();
    assert_eq!(seen.recv().await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_after_pauses_that_double() {
    let jobs = small(1, 100);
    let begun = Instant::now();
    let (tried, mut times) = mpsc::channel(10);
    let job = Job::new("again", move || {
        let tried = tried.clone();
        async move {
            tried.send(begun.elapsed().as_millis()).await.unwrap();
            Err::<(), _>("as expected")
        }
    });
    let end = jobs.submit(job.attempts(3, Duration::from_millis(100))).unwrap();
    let (noted, mut seen) = mpsc::channel(1);
    jobs.submit(noting(1, &noted)).unwrap();
    assert_eq!(seen.recv().await, Some(1), "the pause takes no worker");
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(end.await, JobEnd::Failed);
    let times = [times.recv().await.unwrap(), times.recv().await.unwrap(), times.recv().await.unwrap()];
    assert_eq!(times[0], 0);
    assert!((100..110).contains(&times[1]) && (300..320).contains(&times[2]), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_under_way_is_cancelled_where_it_waits() {
    let jobs = small(1, 100);
    let end = jobs.submit(Job::new("long", pending::<Result<(), Infallible>>)).unwrap();
    tokio::task::yield_now().await;
    end.cancel();
    assert_eq!(end.await, JobEnd::Cancelled);
    assert!(jobs.drain(Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_it_has_hurries_and_cancels_the_rest() {
    let jobs = small(1, 100);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let job = Job::new("again", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Err::<(), _>("as expected") }
    });
    let again = jobs.submit(job.attempts(u32::MAX, Duration::from_secs(3_600))).unwrap();
    let (noted, mut seen) = mpsc::channel(1);
    jobs.submit(noting(1, &noted)).unwrap();
    assert_eq!(seen.recv().await, Some(1));
    let stuck = jobs.submit(Job::new("stuck", pending::<Result<(), Infallible>>)).unwrap();
    let behind = jobs.submit(noting(2, &noted)).unwrap();
    let begun = Instant::now();
    assert!(!jobs.drain(Duration::from_secs(5)).await);
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!((stuck.await, behind.await), (JobEnd::Cancelled, JobEnd::Cancelled));
    assert_eq!(again.await, JobEnd::Cancelled, "its last attempt was behind what was stuck");
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
    assert_eq!(jobs.submit(noting(3, &noted)).unwrap_err(), JobRefused::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_drain_makes_a_last_attempt_at_once() {
    let jobs = small(1, 100);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let job = Job::new("again", move || {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move { if number == 0 { Err("as expected") } else { Ok(()) } }
    });
    let end = jobs.submit(job.attempts(9, Duration::from_secs(3_600))).unwrap();
    while attempts.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    assert!(jobs.drain(Duration::from_secs(5)).await);
    assert_eq!((end.await, attempts.load(Ordering::SeqCst)), (JobEnd::Done, 2));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[test]
fn without_a_runtime_nothing_is_taken() {
    let jobs = small(1, 1);
    let job = Job::new("none", || async { Ok::<_, Infallible>(()) });
    assert_eq!(jobs.submit(job).unwrap_err(), JobRefused::Closed);
}
