//! A lock on a file, which keeps other processes out, and other threads of this one.

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Deref;

/// A file that is locked until this is dropped.
///
/// Closing it would not be enough: a program that another thread is just starting has a copy of every open file until it
/// becomes that program, and with the copy it would keep the lock for a moment. The kernel frees it when the process dies,
/// however it does. What is to outlive the process with a child is no case for this: see the lock of a command.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Waits until nobody else has it.
    pub fn wait(file: File) -> io::Result<FileLock> {
        file.lock()?;
        Ok(FileLock(file))
    }

    /// Nothing if somebody has it.
    pub fn take(file: File) -> io::Result<Option<FileLock>> {
        taken(file.try_lock(), file)
    }

    /// Keeps out those who would take it, not those who share it too; nothing if somebody has taken it.
    pub fn share(file: File) -> io::Result<Option<FileLock>> {
        taken(file.try_lock_shared(), file)
    }
}

fn taken(tried: Result<(), TryLockError>, file: File) -> io::Result<Option<FileLock>> {
    match tried {
        Ok(()) => Ok(Some(FileLock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Deref for FileLock {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // It fails only for a file that is no file.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::FileLock;
    use std::fs::File;

    #[test]
    fn it_is_free_when_dropped_although_the_file_is_still_open_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::create(folder.path().join("lock")).unwrap();
        let lock = FileLock::take(open()).unwrap().unwrap();
        let copy = lock.try_clone().unwrap();
        assert!(FileLock::take(open()).unwrap().is_none() && FileLock::share(open()).unwrap().is_none());
        drop(lock);
        let shared = FileLock::share(open()).unwrap().unwrap();
        assert!(FileLock::share(open()).unwrap().is_some() && FileLock::take(open()).unwrap().is_none());
        drop(shared);
        FileLock::wait(open()).unwrap();
        drop(copy);
    }
}
