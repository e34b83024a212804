//! What a plan says: an outline of what a run would do, with an arm for each way that a run may go.

pub mod explore;
pub mod fold;

use crate::data::Arguments;
use crate::failure::Failure;
use crate::reach::facts::Fact;
use crate::secret::stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A plan of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub runbook: String,
    #[serde(with = "stored::fields")]
    pub parameters: Arguments,
    pub servers: Vec<String>,
    pub items: Vec<Item>,
    /// How many ways a run may go, and whether each combination of answers was gone through.
    pub ways: usize,
    pub whole: bool,
    /// The failure that ends every way, if there is none that ends well.
    #[serde(default, with = "stored::maybe_failure")]
    pub failure: Option<Failure>,
    /// The failure that ends every rollback, if there is none that ends well.
    #[serde(default, with = "stored::maybe_failure")]
    pub rollback_failure: Option<Failure>,
    pub warnings: Vec<String>,
    /// What was looked at, and what the plan rests on.
    pub facts: Vec<Fact>,
    /// SHA-256 of each script, by `runbooks/update.rhai`.
    pub scripts: BTreeMap<String, String>,
}

/// One line of the outline, or a place where ways part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// How many steps are around it.
    pub depth: usize,
    /// Its place in a script, as `update.rhai:12`.
    pub at: String,
    #[serde(flatten)]
    pub what: What,
}

/// What an item says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum What {
    /// A step; what is in it follows, one deeper.
    Step {
        name: String,
        /// `bundled`, or the path of the site's file that has or changes it.
        #[serde(default)]
        source: String,
    },
    /// A call that would change something.
    Change {
        call: String,
    },
    /// A call that would ask a person.
    Ask {
        call: String,
    },
    /// A look that only a run can make, because what it looks at is changed before.
    Look {
        call: String,
    },
    Note {
        text: String,
    },
    /// A longer text that would be shown.
    Text {
        title: String,
        text: String,
    },
    Warning {
        text: String,
    },
    /// Ways part here: a run takes one of the arms, and nobody can know which.
    Fork {
        question: String,
        arms: Vec<Arm>,
    },
    /// The run would stop here.
    Stop {
        failure: Failure,
    },
    /// The plan can say no more: it depends on what only a run can know.
    Depends {
        on: String,
    },
    /// What follows is done only if a step fails, or when asked for.
    WayBack,
}

impl Item {
    /// The depth of the outermost item that it holds: an arm may continue with steps around the one in which ways part.
    pub fn outermost(&self) -> usize {
        match &self.what {
            What::Fork { arms, .. } => {
                let items = arms.iter().flat_map(|arm| &arm.items);
                items.map(Item::outermost).fold(self.depth, usize::min)
            }
            _ => self.depth,
        }
    }
}

/// One way on from a fork.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    pub answer: String,
    pub items: Vec<Item>,
}

impl Plan {
    /// How many items are of a sort, before a rollback; where ways part, on the way that has most.
    pub fn count(&self, is: fn(&What) -> bool) -> usize {
        fn within(items: &[Item], is: fn(&What) -> bool) -> usize {
            let each = |item: &Item| match &item.what {
                What::Fork { arms, .. } => {
                    arms.iter().map(|arm| within(&arm.items, is)).max().unwrap_or_default()
                }
                what => usize::from(is(what)),
            };
            items.iter().take_while(|item| item.what != What::WayBack).map(each).sum()
        }
        within(&self.items, is)
    }
}
