//! A failure as a person reads it.

use super::text::Style;
use crate::failure::Failure;
use crate::secret;

/// `error:`, the place, the reasons, and the help, each on lines of their own.
pub fn render(failure: &Failure, style: Style) -> String {
    let message = failure.message.trim_end().replace('\n', "\n       ");
    let mut text = format!("{} {message}\n", style.bad("error:"));
    let mut line = |name: &str, content: &str| {
        for (n, part) in content.lines().enumerate() {
            text += &format!("  {} {part}\n", style.dim(if n == 0 { name } else { "    " }));
        }
    };
    if let Some(at) = &failure.at {
        line("at  ", at);
    }
    for why in &failure.why {
        line("why ", why);
    }
    if let Some(help) = &failure.help {
        line("help", help);
    }
    secret::show(&text).into_owned()
}
