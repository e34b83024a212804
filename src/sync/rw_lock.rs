//! A lock for many readers or one writer that can always be locked.

use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};

/// The standard library's lock, which a panic doesn't poison, for the reasons of [`super::Mutex`].
#[derive(Debug, Default)]
pub struct RwLock<T: ?Sized>(std::sync::RwLock<T>);

impl<T: ?Sized> RwLock<T> {
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
