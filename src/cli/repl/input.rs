//! Where lines come from.

use super::complete::Words;
use super::line::{Input, Line};
use super::prompt::Prompt;
use super::work::Work;
use crate::cli::context::Context;
use crate::failure::{Context as _, Kind, Result};
use crate::script::repl::Repl;
use crate::script::repl::words::{functions, primitives};
use crate::site::Server;
use std::io::{BufRead, IsTerminal};

/// The terminal if there is one, else standard input.
pub fn of(context: &Context, repl: &Repl, work: &Work) -> Result<Box<dyn Input>> {
    if !context.is_interactive() || !std::io::stdout().is_terminal() {
        return Ok(Box::new(Piped));
    }
    let (layers, site) = (repl.layers().clone(), work.site().clone());
    let (modules, natives, steps) = (repl.modules(), repl.natives(), work.open_steps());
    let find = move |words: &mut Words| {
        words.callables.splice(0..0, primitives());
        words.modules = modules.iter().map(|module| (module.clone(), functions(&layers, module))).collect();
        words.servers = site.servers.keys().cloned().collect();
        words.natives.clone_from(&natives);
        words.releases = site.servers.values().flat_map(releases).collect();
        words.steps.clone_from(&steps);
        let commands = super::command::WORDS.iter().filter_map(|(word, _)| word.split(' ').next());
        words.commands = commands.map(str::to_owned).collect();
    };
    Ok(Box::new(Prompt::new(context, Box::new(find))?))
}

/// The releases that the checkout of a server knows, if it is here.
fn releases(server: &Server) -> Vec<String> {
    let here = server.ssh.is_none().then(|| server.open_checkout()).and_then(Result::ok);
    let releases = here.and_then(|checkout| checkout.releases().ok()).unwrap_or_default();
    releases.iter().map(|release| release.tag().to_owned()).collect()
}

/// Standard input, without prompts.
struct Piped;

impl Input for Piped {
    fn read(&mut self, repl: &Repl) -> Result<Line> {
        let mut text = String::new();
        loop {
            let read = std::io::stdin().lock().read_line(&mut text);
            let read = read.or_fail(Kind::Invalid, || "standard input can't be read as text".into())?;
            match read {
                0 if text.trim().is_empty() => return Ok(Line::End),
                0 => return Ok(Line::Text(text)),
                _ if super::command::parse(&text, &repl.variables()).is_none()
                    && repl.is_unfinished(&text) => {}
                _ => return Ok(Line::Text(text)),
            }
        }
    }

    fn remember(&mut self, _: &str) {}

    fn is_person(&self) -> bool {
        false
    }
}
