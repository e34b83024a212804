//! The update of linked practice servers, killed all along its journal, in a long run at every record: the end is that of
//! an update that is not killed, and no make target runs twice.
//!
//! A world is not made for each record: a part of the records is gone through in one world, killed at each of them, and
//! gone on with from there to the next. Every kill finds what those before it left.

use crate::linked::servers;
use crate::linked::sweep;
use crate::support;
use crate::sweep::round::Thin;

use servers::Servers;
use support::awkward::Awkward;

#[test]
fn an_update_of_linked_servers_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    sweep::killed("linked servers", &Awkward::tidy(), Servers::within, Thin::tidy());
}
