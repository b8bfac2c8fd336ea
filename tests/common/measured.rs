//! What a process takes, as the system counts it while it runs.

use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

/// The time on a processor, and the most memory held, of a process that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub cpu: Duration,
    /// In bytes.
    pub peak: usize,
}

/// Watches a process to its end. What it prints must go where nobody has to read it meanwhile.
pub fn watch(child: &mut Child) -> Taken {
    let place = format!("/proc/{}", child.id());
    let mut taken = Taken {
        cpu: Duration::ZERO,
        peak: 0,
    };
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("{place}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        taken.peak = taken.peak.max(kilobytes.unwrap_or(0) * 1024);
        // The name of the program is in parentheses; user and system time are the 12th and 13th
        // field behind it, in hundredths of a second.
        let stat = fs::read_to_string(format!("{place}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .filter_map(|t| t.parse::<u64>().ok())
            .sum();
        taken.cpu = taken.cpu.max(Duration::from_millis(10 * ticks));
        sleep(Duration::from_millis(5));
    }
    taken
}
