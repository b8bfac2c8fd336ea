//! Keeping an open key out of reach of other programs of the same user.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};

/// The system refused a protection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {protection} for this process: {errno}")]
#[non_exhaustive]
pub struct HardenError {
    /// What was refused, as the rest of a sentence that begins with "could not".
    pub protection: &'static str,
    /// The system's reason.
    pub errno: Errno,
}

/// Forbids core dumps of this process and, on Linux, reading its memory.
///
/// To be called before the first secret is read. Afterwards no crash writes a key to disk, and no
/// other process of the same user can attach to this one or read `/proc/PID/mem`; only root can.
///
/// It holds for the rest of the process, and nothing here undoes it: secrets leave traces in
/// memory (stack, registers, freed pages that were not ours to wipe) after the key itself is
/// wiped, so there is no moment at which it would be safe again. Programs that this one starts,
/// such as age plugins, inherit the ban on core dumps, not the other.
///
/// # Errors
///
/// [`HardenError`] if the system refuses, which Linux does only inside some sandboxes.
pub fn harden() -> Result<(), HardenError> {
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )
    .map_err(|errno| HardenError {
        protection: "switch off core dumps",
        errno,
    })?;
    // Where cores are piped to a collector (systemd-coredump), the limit alone is not heeded.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|errno| HardenError {
            protection: "hide memory from other processes",
            errno,
        })?;
    Ok(())
}
