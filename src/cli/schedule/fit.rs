//! Whether a schedule fits the times at which the site lets updates begin.

use super::{calendar, timer};
use crate::cli::window::shown;
use crate::failure::{Failure, Kind, Result};
use crate::site::window::{Moment, Windows};
use jiff::ZonedDateTime as Zoned;

/// So many of the times to come are looked at: a week of every five minutes, as windows come again each week.
const COUNT: usize = 7 * 24 * 12;

/// What a person must know of a schedule of updates; nothing if each of the next times is in a window, or nobody knows them.
///
/// Fails with [`Kind::Invalid`] if none is.
pub fn check(windows: &Windows, every: &str, now: &Zoned) -> Result<Option<String>> {
    if windows.is_none() {
        return Ok(None);
    }
    let known = calendar::upcoming(every, now, COUNT).or_else(|| timer::upcoming(every, COUNT));
    let Some(times) = known.filter(|times| !times.is_empty()) else { return Ok(None) };
    let closed: Vec<&Zoned> = times.iter().filter(|at| matches!(windows.at(at), Moment::Closed(_))).collect();
    let Some(first) = closed.first() else { return Ok(None) };
    let outside = format!("{} is outside of `window` and `closed` in `site.toml`", shown(first));
    if closed.len() < times.len() {
        let count = format!("{} of the next {} times are", closed.len(), times.len());
        return Ok(Some(format!("{outside}, as {count}: a run does not begin then, and that is reported")));
    }
    let opens = match windows.at(now) {
        Moment::Open(_) => "a window is open now".to_owned(),
        Moment::Closed(Some(at)) => format!("the next window opens {}", shown(&at)),
        Moment::Closed(None) => "no window opens in the next two years".to_owned(),
    };
    Err(Failure::new(Kind::Invalid, format!("`{every}` is never in a window: no update would begin"))
        .why(format!("{outside}; {opens}"))
        .help("give `--every` a time within a window, or end the command with `-- --now` so that its runs begin nevertheless"))
}
