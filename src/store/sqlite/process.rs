//! Which process this is, and whether another one is still there.

use std::fs;

/// A process, told apart from later ones with the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// The machine, or the container: where its number means something.
    pub host: String,
    /// What changes when the machine starts anew.
    pub boot: String,
    pub pid: u32,
    /// When it began, in the machine's own count; empty where that is not known.
    pub begun: String,
}

impl Process {
    /// This one; on another host than it is, for tests of what passes between hosts.
    pub fn this(host: Option<String>) -> Process {
        let pid = std::process::id();
        Process {
            host: host.unwrap_or_else(this_host),
            boot: line("/proc/sys/kernel/random/boot_id"),
            pid,
            begun: begun(pid).unwrap_or_default(),
        }
    }

    /// Whether another one is there, if that can be known from here: a clock that jumps then makes nobody dead.
    pub fn knows_alive(&self, other: &Process) -> Option<bool> {
        if self.host != other.host || self.boot.is_empty() || other.begun.is_empty() {
            return None;
        }
        Some(self.boot == other.boot && begun(other.pid).as_ref() == Some(&other.begun))
    }
}

/// The host's name, with the set of process numbers where there are several on a host.
fn this_host() -> String {
    let name = line("/proc/sys/kernel/hostname");
    let name = if name.is_empty() { "localhost".to_owned() } else { name };
    match fs::read_link("/proc/self/ns/pid") {
        Ok(numbers) => format!("{name} {}", numbers.display()),
        Err(_) => name,
    }
}

/// The 22nd field of `/proc/PID/stat`; the second may hold spaces, but ends at the last parenthesis.
fn begun(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // One that has ended, and whose parent has not yet asked how.
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

fn line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn who_has_gone_is_known_to_be_gone() {
        let this = Process::this(None);
        assert_eq!(this.knows_alive(&this), Some(true));
        let later = Process {
            begun: "1".to_owned(),
            ..this.clone()
        };
        assert_eq!(this.knows_alive(&later), Some(false));
        let before = Process {
            boot: "another".to_owned(),
            ..this.clone()
        };
        assert_eq!(this.knows_alive(&before), Some(false));
        assert_eq!(this.knows_alive(&Process::this(Some("elsewhere".to_owned()))), None);
    }
}
