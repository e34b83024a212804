//! Processes of a practice world.

use serde::{Deserialize, Serialize};

/// A process as the kernel knows it: a number alone may be given to another process later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    /// In clock ticks since boot, from `/proc/PID/stat`.
    pub start: u64,
}

impl Process {
    /// The process with this number, unless there is none or it is a zombie.
    pub fn look(pid: u32) -> Option<Process> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold anything; the state follows it.
        let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
        (fields.first()? != &"Z").then_some(Process { pid, start: fields.get(19)?.parse().ok()? })
    }

    pub fn alive(self) -> bool {
        Process::look(self.pid) == Some(self)
    }
}
