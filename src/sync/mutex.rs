//! A mutex that can always be locked.

use std::sync::{MutexGuard, PoisonError, TryLockError};

/// The standard library's mutex, which a panic doesn't poison. Nothing here is left half-changed by one that a later look
/// would be misled by, and the panic itself is reported where it is caught: a second one, about a mutex, would only hide
/// it, and what still has to be put in order after it (a terminal's modes, a server's lock) needs what is in here.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Mutex<T> {
        Mutex(std::sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing if somebody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mutex;

    #[test]
    fn a_panic_leaves_it_as_it_was() {
        let mutex = Mutex::new(1);
        std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                *mutex.lock() = 2;
                let _held = mutex.lock();
                assert!(mutex.try_lock().is_none());
                panic!("it is held");
            });
            panics.join().unwrap_err();
        });
        assert_eq!(mutex.try_lock().map(|value| *value), Some(2));
        assert_eq!(*mutex.lock(), 2);
    }
}
