//! A call as whoever performs it gets it.

use super::{AnyPrimitive, Host, Probe};
use crate::data::{self, Arguments};
use crate::failure::Result;
use crate::person::{Answer, Question};
use crate::site::Server;
use serde_json::Value;
use std::cell::OnceCell;

/// A call whose arguments its primitive has accepted: all that can be done with it.
pub trait Accepted {
    /// Learns what becomes secret by the call, before it is written down.
    fn learn(&self, server: &Server);
    fn perform(&self, host: &Host) -> Result<Value>;
    fn predict(&self, host: &Host) -> Result<Value>;
    fn question(&self) -> Result<Question>;
    fn answered(&self, answer: &Answer) -> Result<Value>;
    /// What to do with a call that was cut off.
    fn after_crash(&self, host: &Host) -> Result<Probe<Value>>;
}

/// A primitive with the arguments of a call: as plain data for those who compare it, write it down or pass it on, and as
/// the primitive takes them for who performs it. They are taken when that is needed first, once.
pub struct Given<'a> {
    pub primitive: &'a dyn AnyPrimitive,
    pub arguments: &'a Arguments,
    accepted: OnceCell<Result<Box<dyn Accepted>>>,
}

impl<'a> Given<'a> {
    pub fn new(primitive: &'a dyn AnyPrimitive, arguments: &'a Arguments) -> Given<'a> {
        Given { primitive, arguments, accepted: OnceCell::new() }
    }

    /// Fails with [`Kind::Invalid`](crate::failure::Kind) if the arguments are not of the primitive's form.
    pub fn accepted(&self) -> Result<&dyn Accepted> {
        let accepted = self.accepted.get_or_init(|| self.primitive.accept(self.arguments));
        accepted.as_deref().map_err(Clone::clone)
    }

    /// Whether all arguments are known; in a plan some may not be.
    pub fn is_known(&self) -> bool {
        !self.arguments.values().any(|argument| data::contains(argument, data::UNKNOWN))
    }
}
