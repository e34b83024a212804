//! A command that ends with status 0.

use super::{Answer, LOOK, Place};
use crate::command::{Spec, look};
use crate::failure::Result;
use serde::{Deserialize, Serialize};

/// `#{ command: [program, argument, …] }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// It must only look: it is run many times.
    pub command: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What each line that it prints must be. Printing nothing is right, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each_line: Option<String>,
}

impl Command {
    pub(super) fn look(&self, place: &Place, stop: &dyn Fn() -> bool) -> Result<Answer> {
        run(&self.command, place, stop).map(|outcome| match outcome {
            Ok(printed) => match (&self.each_line, self.other_line(&printed)) {
                (_, Some(other)) => Answer::bad(format!("printed {other:?}")),
                (Some(line), None) => Answer::good(format!("printed nothing but {line:?}")),
                (None, None) => Answer::good("ended with status 0"),
            },
            Err(said) => Answer::bad(said),
        })
    }
}

impl Command {
    /// The first line that is not what each must be.
    fn other_line<'p>(&self, printed: &'p str) -> Option<&'p str> {
        let expected = self.each_line.as_ref()?.trim();
        printed.lines().map(str::trim).find(|line| *line != expected)
    }
}

/// What a command printed if it ended well, else one line about how it ended.
pub(super) fn run(
    arguments: &[String],
    place: &Place,
    stop: &dyn Fn() -> bool,
) -> Result<std::result::Result<String, String>> {
    let mut spec = Spec::new(arguments.iter().cloned(), &place.folder);
    spec.environment = place.environment.clone();
    spec.within = Some(LOOK);
    let looked = look(&spec, stop)?;
    if looked.exit.success() {
        return Ok(Ok(looked.stdout));
    }
    let last = |text: &str| text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned);
    let said = last(&looked.stderr).or_else(|| last(&looked.stdout));
    Ok(Err(said.map_or(looked.exit.to_string(), |said| format!("{}: {said}", looked.exit))))
}
