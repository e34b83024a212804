//! One look at all checks at the same time.

use super::asked::Asked;
use super::{Answer, Check, Place};
use crate::failure::{Failure, Kind, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How often `stop` is asked.
const TICK: Duration = Duration::from_millis(50);

/// Looks at all checks, each in a thread of its own; the answers stand in their order. Docker is asked once for all.
///
/// Fails with [`Kind::Interrupted`] as soon as `stop` says so, not waiting for answers; and with [`Kind::Invalid`] if
/// a check itself is wrong.
pub fn round(checks: &[Check], place: &Arc<Place>, stop: &dyn Fn() -> bool) -> Result<Vec<Answer>> {
    answers(checks, &Arc::new(Asked::new(place)), place, stop)
}

/// The same; what Docker said is left in `asked`.
pub(super) fn answers(
    checks: &[Check],
    asked: &Arc<Asked>,
    place: &Arc<Place>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Answer>> {
    let over = Arc::new(AtomicBool::new(false));
    let (send, receive) = mpsc::channel();
    for (index, check) in checks.iter().enumerate() {
        let (check, place, over, send) = (check.clone(), place.clone(), over.clone(), send.clone());
        let asked = Arc::clone(asked);
        let look = move || {
            let answer = check.look(&place, &asked, &|| over.load(Ordering::Relaxed));
            // Nobody hears it after an interruption.
            let _ = send.send((index, answer));
        };
        std::thread::Builder::new()
            .name("health check".into())
            .spawn(look)
            .map_err(|error| Failure::new(Kind::Refused, "a thread can't be started").why(error))?;
    }
    drop(send);

    let mut answers = vec![None; checks.len()];
    loop {
        match receive.recv_timeout(TICK) {
            Ok((index, answer)) => answers[index] = Some(answer),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) if stop() => {
                over.store(true, Ordering::Relaxed);
                return Err(Failure::new(Kind::Interrupted, "interrupted"));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    let lost = || Err(Failure::new(Kind::Bug, "a health check ended without an answer"));
    answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
}
