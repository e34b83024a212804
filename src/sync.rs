//! What keeps apart those who would change the same thing at once: threads of this process, and processes.

mod file_lock;
mod mutex;
mod rw_lock;

pub use file_lock::FileLock;
pub use mutex::Mutex;
pub use rw_lock::RwLock;
