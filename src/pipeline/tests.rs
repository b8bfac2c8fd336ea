use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;

/// Takes down what comes, and says at each number what is to become of it.
struct Taking<P> {
    found: Vec<u64>,
    plan: P,
    idle: Result<(), String>,
}

impl From<NoThread> for String {
    fn from(error: NoThread) -> Self {
        error.to_string()
    }
}

type Fate = Planned<u64, u64, u64>;

impl<P: FnMut(u64, usize) -> Fate> Steps for Taking<P> {
    type Prepared = u64;
    type Planned = u64;
    type Performed = u64;
    type Error = String;

    fn plan(&mut self, chunk: u64, under_way: usize) -> Result<Fate, String> {
        Ok((self.plan)(chunk, under_way))
    }

    fn finish(&mut self, chunk: u64) -> Result<(), String> {
        if chunk == 49 * 49 {
            return Err("49".to_owned());
        }
        self.found.push(chunk);
        Ok(())
    }

    fn idle(&mut self) -> Result<(), String> {
        self.idle.clone()
    }

    fn stopped(&self) -> bool {
        false
    }
}

fn jobs(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Squares the numbers below `count`, in chunks of `bytes`.
fn squares(
    threads: usize,
    count: u64,
    bytes: usize,
    plan: impl FnMut(u64, usize) -> Fate,
) -> (Result<bool, String>, Vec<u64>) {
    let mut taking = Taking {
        found: Vec::new(),
        plan,
        idle: Ok(()),
    };
    let chunks = (0..count).map(move |n| (n, bytes));
    let ended = run(jobs(threads), chunks, |n| n, |n| n * n, &mut taking);
    (ended, taking.found)
}

#[test]
fn order_is_kept_whatever_the_threads_and_the_weight() {
    let waits_at_tens = |n: u64, under_way: usize| match n {
        n if n % 10 == 0 && under_way > 0 => Planned::Wait(n),
        // Some need no performing.
        n if n % 3 == 0 => Planned::Done(n * n),
        n => Planned::Go(n),
    };
    for threads in [1, 3, 8] {
        for bytes in [1, room::MOST_BYTES / 3, room::MOST_BYTES + 1, usize::MAX] {
            let (ended, found) = squares(threads, 45, bytes, waits_at_tens);
            assert_eq!(ended, Ok(true));
            assert_eq!(found, (0..45).map(|n| n * n).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_run_ends_where_a_step_says() {
    for (chunk, fate) in [
        (30, Planned::Last as fn(u64) -> Fate),
        (31, |_| Planned::Stop),
    ] {
        let plan = |n, _| if n == chunk { fate(n) } else { Planned::Go(n) };
        let (ended, found) = squares(3, 1000, 1, plan);
        assert_eq!((ended, found.len()), (Ok(false), 31));
    }
    let (ended, found) = squares(3, u64::MAX, 1, |n, _| Planned::Go(n));
    assert_eq!((ended, found.len()), (Err("49".to_owned()), 49));
}

#[test]
fn a_step_can_end_a_run_that_waits_for_input() {
    let (never, waiting) = mpsc::channel::<()>();
    let chunks = std::iter::from_fn(move || waiting.recv().ok().map(|()| (1, 1)));
    let mut taking = Taking {
        found: Vec::new(),
        plan: |n, _| Planned::Go(n),
        idle: Err("no use".to_owned()),
    };
    let ended = run(jobs(2), chunks, |n| n, |n| n, &mut taking);
    assert_eq!(ended, Err("no use".to_owned()));
    drop(never);
}

/// Runs over chunks of `bytes` each; the most that were drawn and not finished yet.
fn most_ahead(threads: usize, bytes: usize) -> usize {
    let drawn = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&drawn);
    let chunks = (0..49).map(move |n| {
        counted.fetch_add(1, Ordering::SeqCst);
        (n, bytes)
    });
    let mut most = 0;
    let mut taking = Taking {
        found: Vec::new(),
        plan: |n: u64, _| {
            // Gives the drawing thread the time to draw all that it may.
            thread::sleep(Duration::from_millis(3));
            most = most.max(drawn.load(Ordering::SeqCst) - n as usize);
            Planned::Done(n)
        },
        idle: Ok(()),
    };
    assert_eq!(
        run(jobs(threads), chunks, |n| n, |n| n, &mut taking),
        Ok(true)
    );
    assert_eq!(taking.found.len(), 49);
    most
}

#[test]
fn chunks_wait_until_there_is_room() {
    // What is drawn before it is known to fit is one more.
    let light = most_ahead(8, 1);
    assert!((20..=25).contains(&light), "{light}");
    // Heavy ones are few, however many threads there are.
    for threads in [1, 8, 16] {
        let heavy = most_ahead(threads, room::MOST_BYTES / 2);
        assert!(heavy <= 3, "{heavy}");
        let alone = most_ahead(threads, room::MOST_BYTES + 1);
        assert!(alone <= 2, "{alone}");
    }
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn a_panic_is_passed_on() {
    let mut taking = Taking {
        found: Vec::new(),
        plan: |n, _| Planned::Go(n),
        idle: Ok(()),
    };
    let panics = |_: u64| -> u64 { panic!("on purpose") };
    let chunks = (0..u64::MAX).map(|n| (n, 1));
    let _ = run(jobs(1), chunks, |n| n, panics, &mut taking);
}

#[test]
#[should_panic(expected = "the thread that reads the input has panicked")]
fn an_input_that_breaks_off_is_not_at_its_end() {
    let mut taking = Taking {
        found: Vec::new(),
        plan: |n, _| Planned::Go(n),
        idle: Ok(()),
    };
    let chunks = (0..).map(|n: u64| match n {
        0 => (n, 1),
        _ => panic!("on purpose"),
    });
    let _ = run(jobs(1), chunks, |n| n, |n| n, &mut taking);
}
