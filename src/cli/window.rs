//! Whether an update may begin now, by `window` and `closed` in `site.toml`, and whether it will be over in time.

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::reach::inquiry;
use crate::script::runbook::Runbook;
use crate::site::Site;
use crate::site::window::Moment;
use jiff::ZonedDateTime as Zoned;
use serde_json::{Value, json};

/// A runbook with this parameter installs a release.
const RELEASE: &str = "to";

/// Whether it installs a release, so that it waits for a window.
pub fn is_update(runbook: &Runbook) -> bool {
    runbook.parameters.iter().any(|parameter| parameter.name == RELEASE)
}

/// When a window would let an update begin, for people and as JSON; nothing if nothing is said of that.
pub fn opening(site: &Site, runbook: &Runbook) -> Option<(String, Value)> {
    if site.windows.is_none() || !is_update(runbook) {
        return None;
    }
    let now = Zoned::now();
    let json = |at: &Option<Zoned>| at.as_ref().map(|at| format!("{:.0}", at.timestamp()));
    Some(match site.windows.at(&now) {
        Moment::Open(closes) => {
            let text = match &closes {
                Some(at) => format!("open now, until {}, for {}", shown(at), until(&now, at)),
                None => "open now".to_owned(),
            };
            (text, json!({ "is_open": true, "closes": json(&closes) }))
        }
        Moment::Closed(opens) => {
            let text = match &opens {
                Some(at) => format!("closed now; the next one opens {}, in {}", shown(at), until(&now, at)),
                None => "closed now; none opens in the next two years".to_owned(),
            };
            (text, json!({ "is_open": false, "opens": json(&opens) }))
        }
    })
}

/// Refuses an update that is not to begin now, with [`Kind::Declined`]; `now` says that somebody wants it nevertheless.
pub fn check(context: &Context, site: &Site, servers: &[String], runbook: &Runbook, now: bool) -> Result<()> {
    if site.windows.is_none() || now || !is_update(runbook) {
        return Ok(());
    }
    let present = Zoned::now();
    // Whoever copies a command must get what was typed, with all its options.
    let anyway = "begin anyway: type the same command with `--now`";
    let refused = |message: String, opens: Option<Zoned>| {
        let opens = match opens {
            Some(at) => format!("the next window opens {}, in {}", shown(&at), until(&present, &at)),
            None => "no window opens in the next two years".into(),
        };
        Err(Failure::new(Kind::Declined, message)
            .why(format!("it is {}; {opens}", shown(&present)))
            .help(format!("wait for it, or {anyway}")))
    };
    let closes = match site.windows.at(&present) {
        Moment::Closed(opens) => {
            let keys = "`window` and `closed` in `site.toml`";
            return refused(format!("`{}` does not begin now, by {keys}", runbook.name), opens);
        }
        Moment::Open(None) => return Ok(()),
        Moment::Open(Some(closes)) => closes,
    };
    let reach = context.reach(site);
    let mut longest: Option<f64> = None;
    for name in servers {
        // A server that can't say it is met again by what follows.
        let took = inquiry::took(reach.as_ref(), site.server(name)?, &runbook.name).unwrap_or_default();
        longest = took.into_iter().chain(longest).reduce(f64::max);
    }
    let left = (closes.timestamp().as_second() - present.timestamp().as_second()).max(0) as f64;
    match longest {
        None => {
            eprintln!(
                "warning: the window closes {}, in {}, and how long `{}` takes is unknown: it was never done here",
                shown(&closes),
                until(&present, &closes),
                runbook.name
            );
            Ok(())
        }
        Some(longest) if longest > left => {
            let message = format!(
                "`{}` takes longer than the window is open: it took {} once, and the window closes in {}",
                runbook.name,
                length(longest),
                length(left)
            );
            let next = match site.windows.at(&closes) {
                Moment::Closed(next) => next,
                Moment::Open(_) => None,
            };
            refused(message, next)
        }
        Some(_) => Ok(()),
    }
}

/// An instant, as people read it.
pub fn shown(at: &Zoned) -> String {
    at.strftime("%a %F %H:%M %Z").to_string()
}

fn until(now: &Zoned, then: &Zoned) -> String {
    length((then.timestamp().as_second() - now.timestamp().as_second()) as f64)
}

/// A length of time, as people say it.
fn length(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil().max(0.0) as u64;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}
