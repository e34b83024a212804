//! The commands that `site.toml` has before and after steps. They belong to the scripts: a run keeps them with these.

use super::{Layers, Text};
use crate::failure::{Context, Kind, Result};
use crate::site::hooks::{When, means};
use crate::site::spot::{line_and_column, spot};
use crate::site::{FILE, Server, Site};
use serde::{Deserialize, Serialize};

/// One command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    pub server: String,
    pub when: When,
    /// The name of its step, in which `*` is any text.
    pub step: String,
    pub command: Vec<String>,
    /// Its place, as `site.toml:12`.
    pub at: String,
}

impl Hook {
    /// Whether it belongs to a step of a server.
    pub fn is_of(&self, server: &str, step: &str) -> bool {
        self.server == server && means(&self.step, step)
    }
}

/// The name under which a run keeps them.
pub(super) const KEPT: &str = "hooks.json";

impl Layers {
    /// With the commands of a site's servers.
    pub fn with_hooks(self, site: &Site) -> Layers {
        let text = std::fs::read_to_string(&site.file).unwrap_or_default();
        let hooks: Vec<Hook> = site.servers.values().flat_map(|server| of_server(server, &text)).collect();
        if !hooks.is_empty() {
            let kept = serde_json::json!(hooks).to_string();
            let source = site.file.display().to_string();
            self.used.lock().insert(KEPT.to_owned(), Text::new(source, kept));
        }
        self
    }

    /// Those commands; of a run, as they were when it began.
    pub fn hooks(&self) -> Result<Vec<Hook>> {
        let kept = match self.bundled {
            true => self.used.lock().get(KEPT).cloned(),
            false => self.own(KEPT)?,
        };
        let read = |text: Text| {
            serde_json::from_str(&text.text)
                .or_fail(Kind::Invalid, || format!("can't read the hooks in `{}`", text.source))
        };
        kept.map_or(Ok(Vec::new()), read)
    }
}

fn of_server(server: &Server, text: &str) -> Vec<Hook> {
    let hooks = server.hooks.all().flat_map(|(when, step, commands)| {
        let line = spot(text, &server.name, &["hooks", when.word(), step])
            .map(|place| format!(":{}", line_and_column(text, place.start).0));
        let at = format!("{FILE}{}", line.unwrap_or_default());
        let hook = move |command: &Vec<String>| Hook {
            server: server.name.clone(),
            when,
            step: step.to_owned(),
            command: command.clone(),
            at: at.clone(),
        };
        commands.0.iter().map(hook)
    });
    hooks.collect()
}
