//! A process and all that it starts, which end together.
//!
//! On Unix it leads a process group of its own. When a [`Group`] is dropped, what is left of it is asked to end
//! (`SIGTERM`) and after a grace made to (`SIGKILL`). A process that leaves the group on purpose, as daemons do, is not
//! followed.
//!
//! A process that is killed drops nothing, so what lives longer than a call is given a [guard](Group::guard).

#![allow(clippy::disallowed_methods, reason = "the guard of a group is a process")]

use std::io;
#[cfg(unix)]
use std::process::Stdio;

use tokio::process::{Child, Command};

/// A running process with its group.
pub(super) struct Group {
    /// The process that leads it; taken when the group is dropped.
    leader: Option<Child>,
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
    #[cfg(unix)]
    guard: Option<Child>,
}

impl Group {
    pub fn start(mut command: Command) -> io::Result<Group> {
        #[cfg(unix)]
        {
            let leader = command.process_group(0).spawn()?;
            let id = leader
                .id()
                .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
            Ok(Group {
                leader: Some(leader),
                id,
                guard: None,
            })
        }
        #[cfg(not(unix))]
        {
            let leader = command.kill_on_drop(true).spawn()?;
            Ok(Group { leader: Some(leader) })
        }
    }

    /// Has the group end with this process, in whatever way that ends.
    ///
    /// A shell joins the group and waits for the end of a pipe which this process holds and never writes to. Where there
    /// is no shell, or other systems than Unix, the group finds out by itself that nobody writes to its input any more.
    #[cfg_attr(not(feature = "mcp"), expect(dead_code, reason = "only MCP servers outlive a call"))]
    pub fn guard(&mut self) {
        #[cfg(unix)]
        {
            let mut shell = Command::new("/bin/sh");
            shell
                .args(["-c", "read -r _; kill -s KILL 0"])
                .env_clear()
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let id = self.id.map(|id| id.as_raw_nonzero().get());
            self.guard = id.and_then(|id| shell.process_group(id).spawn().ok());
        }
    }

    /// The process that leads the group; `None` only once the group is being dropped.
    pub fn leader(&mut self) -> Option<&mut Child> {
        self.leader.as_mut()
    }
}

#[cfg(unix)]
mod end {
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
    use tokio::process::Child;
    use tokio::runtime::Handle;
    use tokio::time::{Instant, sleep};

    /// How long a group has to end by itself once it was asked to.
    const GRACE: Duration = Duration::from_secs(2);
    const LOOK: Duration = Duration::from_millis(10);

    impl Drop for super::Group {
        fn drop(&mut self) {
            let (Some(leader), Some(id)) = (self.leader.take(), self.id) else {
                return;
            };
            if is_gone(id) {
                return;
            }
            // Who cannot be signalled is no longer there, or not ours.
            let _ = kill_process_group(id, Signal::TERM);
            let remains = Remains {
                leader,
                guard: self.guard.take(),
                id,
                gone: false,
            };
            // Without a runtime nobody could wait, and the drop of `remains` is what ends them.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(remains.end());
            }
        }
    }

    /// A group that has been asked to end. It is made to when this is dropped, be it by a runtime that shuts down.
    struct Remains {
        leader: Child,
        guard: Option<Child>,
        id: Pid,
        gone: bool,
    }

    impl Remains {
        async fn end(mut self) {
            let until = Instant::now() + GRACE;
            while Instant::now() < until {
                // A process that nobody has waited for would keep its group alive.
                let _ = self.leader.try_wait();
                let _ = self.guard.as_mut().map(Child::try_wait);
                if is_gone(self.id) {
                    self.gone = true;
                    return;
                }
                sleep(LOOK).await;
            }
        }
    }

    impl Drop for Remains {
        fn drop(&mut self) {
            if !self.gone {
                let _ = kill_process_group(self.id, Signal::KILL);
            }
        }
    }

    fn is_gone(id: Pid) -> bool {
        test_kill_process_group(id) == Err(Errno::SRCH)
    }
}
