//! What does not hold in an awkward world yet. The list only gets shorter: a test fails once something in it holds.

use super::{Awkward, Thing};
use Sweep::*;
use Thing::*;

/// What is killed all along, or gone through, in each world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    Update,
    Backup,
    Restore,
    WayBack,
    Rollback,
    Linked,
    Ssh,
    /// An update of a server of the kind `plain`.
    Plain,
    /// Its restore.
    PlainRestore,
    Repl,
    Demo,
}

impl Sweep {
    pub const ALL: [Sweep; 11] =
        [Update, Backup, Restore, WayBack, Rollback, Linked, Ssh, Plain, PlainRestore, Repl, Demo];

    /// Whether a thing can be met there at all.
    pub fn meets(self, thing: Thing) -> bool {
        match thing {
            NoisyShell | SlowShell => self == Ssh,
            // Ssh looks the user up in the list of users, and the other end is root's.
            UnknownUser | Nobody => self != Ssh,
            // A demo makes its world itself, as it was at its first day.
            Settings | Latin1 | SecretWords | Tags | MovingTag | Neighbour => self != Demo,
            Links | Socket | Mount | Sqlite => self != Demo,
            _ => true,
        }
    }

    /// A world with all that can be met there and holds.
    pub fn awkward(self) -> Awkward {
        let holds =
            |thing: &Thing| self.meets(*thing) && thing.is_possible() && not_yet(*thing, self).is_none();
        // A world has one user, and the stranger one is seen first.
        Awkward::of(Thing::ALL.into_iter().filter(holds))
    }
}

pub struct NotYet {
    pub thing: Thing,
    /// Where it does not hold. The first is the one that is tried again and again.
    pub sweeps: &'static [Sweep],
    /// What is said there where it is tried. None: it is not tried, as it only fails at times or takes long.
    pub says: Option<&'static str>,
    pub reason: &'static str,
}

/// Why a thing does not hold there yet, if it does not.
pub fn not_yet(thing: Thing, sweep: Sweep) -> Option<&'static str> {
    let found = NOT_YET.iter().find(|entry| entry.thing == thing && entry.sweeps.contains(&sweep));
    found.map(|entry| entry.reason)
}

/// All that there is.
pub const NOT_YET: &[NotYet] = &[];
