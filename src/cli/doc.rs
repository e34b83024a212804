//! `banister doc`.

use super::arguments::Cli;
use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::report::reference as report;
use crate::script::layers::Layers;
use crate::script::layers::kinds::Kinds;
use crate::script::reference::search::{named, near, search};
use crate::script::reference::{Page, pages};
use crate::site::Site;
use clap::CommandFactory;
use serde_json::json;
use std::sync::Arc;

/// Prints the page of this name, or what has these words, or the list of all.
pub fn doc(context: &Context, words: &[String]) -> Result<u8> {
    // A site with a mistake in it has no less need to be read about.
    let site = match context.site_if_any() {
        Err(failure) if context.given_site.is_some() => return Err(failure),
        site => site.ok().flatten(),
    };
    let servers = site.as_ref().map(|site| context.servers(site)).transpose()?.unwrap_or_default();
    let layers = Arc::new(Layers::of_site(site.as_ref().map(Site::folder), Kinds::of(servers)));
    let all = pages(&layers);
    let exact = match words {
        [] => return list(context, &all),
        [name] => named(&all, name, layers.kinds()),
        _ => Vec::new(),
    };
    if exact.is_empty()
        && let [name] = words
        && let Some(about) = command(name)
    {
        return say_command(context, name, &about);
    }
    let found = if exact.is_empty() { search(&all, words) } else { exact.clone() };
    if found.is_empty() {
        return Err(unknown(&all, words));
    }
    if context.json {
        println!("{}", json!(found));
    } else if exact.is_empty() {
        print!("{}", report::found(&found));
        println!("\nRead one with `banister doc NAME`.");
    } else {
        let shown: Vec<String> = exact.iter().map(|page| report::page(page, &all, context.style)).collect();
        print!("{}", shown.join("\n\n"));
    }
    Ok(0)
}

/// What a command of this name does, in its first words.
fn command(name: &str) -> Option<String> {
    let all = Cli::command();
    let found = all.get_subcommands().find(|command| command.get_name() == name && !command.is_hide_set())?;
    Some(found.get_about().map(ToString::to_string).unwrap_or_default())
}

/// Says where a command is described: its options are there as well.
fn say_command(context: &Context, name: &str, about: &str) -> Result<u8> {
    let help = format!("banister {name} --help");
    match context.json {
        true => println!("{}", json!([{ "name": name, "sort": "command", "sentence": about, "help": help }])),
        false => println!("`banister {name}` is a command: {about}\n\nRead about its options with `{help}`."),
    }
    Ok(0)
}

/// Prints all pages of what the program brings, whatever site is here.
pub fn markdown(context: &Context) -> Result<u8> {
    let all = pages(&Arc::new(Layers::of_site(None, "")));
    let text = crate::report::markdown::markdown(&all);
    match context.json {
        true => println!("{}", json!({ "markdown": text })),
        false => print!("{text}"),
    }
    Ok(0)
}

fn list(context: &Context, all: &[Page]) -> Result<u8> {
    if context.json {
        println!("{}", json!(all));
        return Ok(0);
    }
    print!("{}", report::list(all, context.style));
    println!(
        "\nRead one with `banister doc NAME`, search with `banister doc WORD`. What a kind of servers must \
         offer: `banister doc kind`. The examples speak of a practice server at release 0.2.10."
    );
    Ok(0)
}

fn unknown(all: &[Page], words: &[String]) -> Failure {
    let typed = words.join(" ");
    let message = match words {
        [_] => format!("no page is named `{typed}`, and none contains that word"),
        _ => format!("no page has all of these words: `{typed}`"),
    };
    let near = near(all, &typed).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Failure::new(Kind::Invalid, message).help(format!("{near}List them with `banister doc`"))
}
