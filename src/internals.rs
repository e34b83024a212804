//! What the tests and benchmarks of this repository reach of the modules that nobody else is meant to use. It may change with
//! every commit; a program of your own uses what stands beside it.

pub mod book {
    pub use crate::book::End;
}
pub mod command {
    pub use crate::command::{
        Attention, Exit, Followed, From, Spec, State, Survivor, cancel, follow, log, look,
        processes_with_mark, start, state, supervise_with, tail, void,
    };
}
pub mod event {
    pub use crate::event::{Event, RunState};
}
pub mod journal {
    pub use crate::journal::{Call, Entry, Header, Outcome, Record, VERSION};
    pub mod file {
        pub use crate::journal::file::{JournalFile, read};
    }
    pub mod index {
        pub use crate::journal::index::Index;
    }
    pub mod run {
        pub use crate::journal::run::{OpenRun, Summary, folder};
    }
}
pub mod key {
    pub use crate::key::{Key, KeyBuf};
}
pub mod kind {
    pub use crate::kind::{Archive, Facts, documented};
}
pub mod lock {
    pub use crate::lock::Holder;
}
pub mod machine {
    pub mod archive {
        pub use crate::machine::archive::{
            About, Content, Created, Keys, Manifest, Member, Own, Sort, Watch, as_tar, below, create,
            digests, estimate, is_readable, sweep, try_keys, unpack, verify, verify_until,
        };
    }
    pub mod backup {
        pub use crate::machine::backup::{Access, Card, Fit, Keep, Level, Order, Unpacked, take};
        pub mod prune {
            pub use crate::machine::backup::prune::look;
        }
    }
    pub mod client {
        pub use crate::machine::client::{
            Answer, Asked, Client, Credential, Form, Limits, Method, Question, Unknown,
        };
        pub mod url {
            pub use crate::machine::client::url::Url;
        }
    }
    pub mod compose {
        pub use crate::machine::compose::Project;
    }
    pub mod env_file {
        pub use crate::machine::env_file::{Dialect, EnvFile};
    }
    pub mod exclude {
        pub use crate::machine::exclude::Exclude;
    }
    pub mod files {
        pub use crate::machine::files::sha256;
    }
    pub mod git {
        pub use crate::machine::git::{Checkout, Moved, Target};
    }
    pub mod health {
        pub use crate::machine::health::{Check, Place, Report, round, wait};
    }
    pub mod http {
        pub use crate::machine::http::{Request, Response};
    }
    pub mod part {
        pub use crate::machine::part::Part;
    }
    pub mod registry {
        pub use crate::machine::registry::{
            Digest, Image, Login, Manifest, Platform, Registry, RunHelper, Tags, login,
        };
    }
    pub mod restic {
        pub use crate::machine::restic::{Location, Password, Repository};
    }
}
pub mod person {
    pub use crate::person::{Answer, Form, Person, Question};
}
pub mod practice {
    pub use crate::practice::{FAULTS, Fault, Linked, Practice, Process, Reach, Rows, Size, TraceLine};
}
pub mod primitive {
    pub use crate::primitive::given::Given;
}
pub mod primitives {
    pub use crate::primitives::{ALL, all, find};
}
pub mod reach {
    pub use crate::reach::{Held, Reach};
    pub mod agent {
        pub use crate::reach::agent::serve;
    }
    pub mod frozen {
        pub use crate::reach::frozen::Frozen;
    }
    pub mod here {
        pub use crate::reach::here::Here;
    }
    pub mod inquiry {
        pub use crate::reach::inquiry::Inquiry;
    }
    pub mod planner {
        pub use crate::reach::planner::Planner;
    }
    pub mod wire {
        pub use crate::reach::wire::{Attempt, Hello, Reply, Request, Said, Speaks, Task, Welcome, What};
    }
}
pub mod script {
    pub mod check {
        pub use crate::script::check::{Check, Finding, Severity, check};
        pub mod contract {
            pub use crate::script::check::contract::{CONTRACT, offers};
        }
    }
    pub mod layers {
        pub use crate::script::layers::kinds::Kinds;
        pub use crate::script::layers::{Folder, Layers, Text};
    }
    pub mod plan {
        pub mod explore {
            pub use crate::script::plan::explore::explore;
        }
    }
    pub mod repl {
        pub use crate::script::repl::Repl;
    }
    pub mod runbook {
        pub use crate::script::runbook::{OnFailure, Runbook};
    }
}
pub mod secret {
    pub use crate::secret::{
        Sameness, decode, encode, exact_of, forget_all, in_failure, is_weak, keep, know, lost_in,
        named_like_a_secret, needs_encoding, put_together, same, show, show_without_named,
    };
}
pub mod session {
    pub use crate::session::{Direction, Parts, Session, has_changed, header};
}
pub mod site {
    pub use crate::site::{Server, Site};
}
pub mod stop {
    pub use crate::stop::{Asked, Stop};
}
