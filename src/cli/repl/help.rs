//! `help` and `doc NAME`.

use super::command::WORDS;
use crate::cli::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::report::reference;
use crate::report::text::{cut, table};
use crate::script::reference::pages;
use crate::script::reference::search::{named, near};
use crate::script::repl::Repl;
use crate::script::repl::words::{self, Callable};

/// How much of a summary is listed.
const WIDTH: usize = 90;

/// Prints what can be typed, or the page of one thing.
pub fn show(context: &Context, repl: &Repl, about: Option<&str>) -> Result<()> {
    match about {
        None => overview(context, repl),
        Some(about) => page(context, repl, about)?,
    }
    Ok(())
}

fn overview(context: &Context, repl: &Repl) {
    let bold = |text: &str| context.style.bold(text);
    let words = WORDS.map(|(word, what)| vec![format!("  {word}"), what.to_owned()]);
    println!("{}\n{}", bold("words of this prompt"), table(&words));
    println!("{}\n{}", bold("primitives"), rows(&words::primitives()));
    println!("{}\n  {}\n", bold("modules (`help hoss` lists one)"), repl.modules().join(", "));
    let functions = repl.typed_functions();
    if !functions.is_empty() {
        println!("{}\n{}", bold("functions that were typed"), rows(&functions));
    }
    println!("{}\n  {}", bold("variables"), repl.variables().join(", "));
}

fn rows(callables: &[Callable]) -> String {
    let row = |callable: &Callable| vec![format!("  {}", callable.name), cut(&callable.summary, WIDTH)];
    table(&callables.iter().map(row).collect::<Vec<_>>())
}

fn page(context: &Context, repl: &Repl, about: &str) -> Result<()> {
    let bare = about.trim_end_matches("::");
    if let Some(typed) = repl.typed_functions().iter().find(|callable| callable.name == bare) {
        println!("{}\n\n{}", context.style.bold(&typed.usage), typed.summary);
        return Ok(());
    }
    let all = pages(repl.layers());
    let found = named(&all, bare, repl.layers().kinds());
    for found in &found {
        print!("{}", reference::page(found, &all, context.style));
    }
    if !found.is_empty() {
        return Ok(());
    }
    let near = near(&all, bare).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Err(Failure::new(Kind::Invalid, format!("nothing here is named `{about}`"))
        .help(format!("{near}`help` lists what there is")))
}
