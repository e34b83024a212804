//! What may come next in a line: for Tab, and for the hint behind the cursor.

use crate::script::repl::words::Callable;
use crate::script::text::tokens::{Sort, Token, tokens};
use std::collections::BTreeMap;

/// Words of the language that begin something.
const LANGUAGE: [&str; 17] = [
    "let", "const", "fn", "if", "else", "for", "in", "while", "loop", "switch", "try", "catch", "throw",
    "return", "import", "step", "parallel",
];

/// What can be written behind a number.
const UNITS: [&str; 11] = [
    "milliseconds",
    "seconds",
    "minutes",
    "hours",
    "days",
    "bytes",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "terabytes",
    "second",
];

/// Primitives whose text names a release.
const OF_RELEASES: [&str; 4] = ["checkout", "has_release", "release_notes", "releases_between"];

/// Everything that can be completed.
#[derive(Default)]
pub struct Words {
    /// Primitives, and functions that were typed.
    pub callables: Vec<Callable>,
    pub modules: BTreeMap<String, Vec<Callable>>,
    pub variables: Vec<String>,
    pub servers: Vec<String>,
    /// Functions of the language.
    pub natives: Vec<String>,
    /// Those that the servers' checkouts know.
    pub releases: Vec<String>,
    /// The steps in which the run stopped that is open here.
    pub steps: Vec<String>,
    /// Words of the prompt itself.
    pub commands: Vec<String>,
}

/// Where the word begins at the end of `text`, and what it may become; functions with their bracket.
pub fn complete(text: &str, words: &Words) -> (usize, Vec<String>) {
    let tokens = tokens(text);
    let (before, start, typed) = match tokens.split_last() {
        Some((Token { sort: Sort::Text { closed: false, .. }, place }, before)) => {
            return (place.start + 1, texts(&text[place.start + 1..], text, before, words));
        }
        Some((Token { sort: Sort::Comment { .. }, .. }, _)) => return (text.len(), Vec::new()),
        Some((Token { sort: Sort::Word, place }, before)) if place.end == text.len() => {
            (before, place.start, &text[place.clone()])
        }
        _ => (tokens.as_slice(), text.len(), ""),
    };
    let last = before.last().map(|token| &text[token.place.clone()]);
    let found: Vec<String> = match last {
        Some("::") => {
            let module = before.iter().rev().nth(1).map(|token| &text[token.place.clone()]);
            let functions = module.and_then(|module| words.modules.get(module));
            functions.into_iter().flatten().map(called).collect()
        }
        Some(".") => {
            let subject = before.iter().rev().nth(1);
            if subject.is_some_and(|token| token.sort == Sort::Number) {
                UNITS.map(str::to_owned).into()
            } else {
                let on_server = words.callables.iter().filter(|callable| callable.on_server).map(called);
                let is_server = subject.is_some_and(|token| {
                    let name = &text[token.place.clone()];
                    name == "server" || words.servers.iter().any(|server| server == name)
                });
                let natives = words.natives.iter().filter(|_| !is_server).map(|name| format!("{name}("));
                on_server.chain(natives).collect()
            }
        }
        Some("#{") => options(text, before, words),
        Some(",") if is_in_map(text, before) => options(text, before, words),
        None => anything(words).chain(words.commands.iter().cloned()).collect(),
        Some("help" | "doc") if before.len() == 1 => {
            let modules = words.modules.keys().cloned();
            words.callables.iter().map(|callable| callable.name.clone()).chain(modules).collect()
        }
        Some(_) => anything(words).collect(),
    };
    let mut found: Vec<String> = found.into_iter().filter(|word| word.starts_with(typed)).collect();
    found.sort();
    found.dedup();
    (start, found)
}

fn called(callable: &Callable) -> String {
    format!("{}(", callable.name)
}

fn anything(words: &Words) -> impl Iterator<Item = String> {
    let functions = ["this_server(", "linked_servers(", "server("].map(str::to_owned).into_iter();
    let modules = words.modules.keys().map(|name| format!("{name}::"));
    let names = words.variables.iter().chain(&words.servers).cloned();
    let language = LANGUAGE.map(str::to_owned).into_iter();
    words.callables.iter().map(called).chain(functions).chain(modules).chain(names).chain(language)
}

/// What a text that is open may become: a release, a server, a step, a module.
fn texts(typed: &str, text: &str, before: &[Token], words: &Words) -> Vec<String> {
    let word = |token: &Token| &text[token.place.clone()];
    let known = match before.last().map(word) {
        Some("import") => words.modules.keys().cloned().collect(),
        Some("skip") => words.steps.clone(),
        _ => match call_around(text, before) {
            Some(("skip", _)) => words.steps.clone(),
            Some(("server", _)) => words.servers.clone(),
            Some((name, _)) if OF_RELEASES.contains(&name) => words.releases.clone(),
            _ => Vec::new(),
        },
    };
    let fitting = known.into_iter().filter(|word| word.starts_with(typed));
    fitting.map(|word| format!("{word}\"")).collect()
}

/// The options of the call in whose map the cursor is.
fn options(text: &str, before: &[Token], words: &Words) -> Vec<String> {
    let map = open_bracket(text, before);
    let call = map.and_then(|map| call_around(text, &before[..map]));
    let callable = call.and_then(|(name, module)| find(words, name, module));
    let options = callable.into_iter().flat_map(|callable| &callable.options);
    options.map(|option| format!("{}: ", option.name)).collect()
}

fn is_in_map(text: &str, before: &[Token]) -> bool {
    open_bracket(text, before).is_some_and(|at| &text[before[at].place.clone()] == "#{")
}

/// The innermost bracket that is open, by its number.
fn open_bracket(_text: &str, before: &[Token]) -> Option<usize> {
    let mut closed = 0usize;
    before.iter().enumerate().rev().find_map(|(n, token)| match token.sort {
        Sort::Close => {
            closed += 1;
            None
        }
        Sort::Open if closed > 0 => {
            closed -= 1;
            None
        }
        Sort::Open => Some(n),
        _ => None,
    })
}

/// The function, with its module, whose round bracket is the innermost that is open.
fn call_around<'a>(text: &'a str, before: &[Token]) -> Option<(&'a str, Option<&'a str>)> {
    let open = open_bracket(text, before)?;
    let word = |n: usize| before.get(n).map(|token| &text[token.place.clone()]);
    let name = open.checked_sub(1).filter(|n| word(open) == Some("(") && before[*n].sort == Sort::Word)?;
    let module = name.checked_sub(2).filter(|_| word(name - 1) == Some("::")).and_then(word);
    Some((word(name)?, module))
}

fn find<'a>(words: &'a Words, name: &str, module: Option<&str>) -> Option<&'a Callable> {
    let among = match module {
        Some(module) => words.modules.get(module)?,
        None => &words.callables,
    };
    among.iter().find(|callable| callable.name == name)
}

/// What is to be said behind the end of `text`: the signature of the call that is being typed.
pub fn hint(text: &str, words: &Words) -> Option<String> {
    let tokens = tokens(text);
    let mut before = tokens.as_slice();
    // Also within the map or the array that is an argument.
    while let Some(open) = open_bracket(text, before) {
        if let Some((name, module)) = call_around(text, before)
            && let Some(callable) = find(words, name, module)
        {
            return Some(format!("   {}", callable.usage));
        }
        before = &before[..open];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::repl::words::primitives;

    fn words() -> Words {
        let backup = Callable {
            name: "back_up".into(),
            usage: "back_up(server, label)".into(),
            summary: String::new(),
            on_server: true,
            options: Vec::new(),
        };
        Words {
            callables: primitives(),
            modules: [("hoss".to_owned(), vec![backup])].into(),
            variables: vec!["update".into(), "web".into()],
            servers: vec!["web".into(), "lab-1".into()],
            natives: vec!["push".into()],
            releases: vec!["0.2.10".into(), "0.2.11".into()],
            steps: vec!["Build".into()],
            commands: vec!["resume".into(), "roll_back".into()],
        }
    }

    fn completed(text: &str) -> Vec<String> {
        complete(text, &words()).1
    }

    #[test]
    fn each_place_has_its_own_words() {
        assert_eq!(complete("hoss::ba", &words()), (6, vec!["back_up(".to_owned()]));
        assert_eq!(completed("let x = hos"), ["hoss::"]);
        assert_eq!(completed("web.installed_r"), ["installed_release("]);
        assert!(completed("web.pu").iter().all(|word| word != "push("), "a server is no array");
        assert!(completed("update.pu").contains(&"push(".to_owned()));
        assert_eq!(completed("5.mi"), ["milliseconds", "minutes"]);
        assert_eq!(completed("res"), ["resume"]);
        assert_eq!(completed("upd"), ["update"]);
        assert!(completed("note(res").is_empty(), "words of the prompt stand alone");
    }

    #[test]
    fn options_are_those_of_the_call() {
        assert_eq!(completed("web.make(\"x\", #{}, #{ wi"), ["within: "]);
        let all = completed("wait_healthy(web, #{ checks: [#{ http: \"x\" }], ");
        assert!(all.contains(&"within: ".to_owned()) && all.contains(&"stable: ".to_owned()), "{all:?}");
        assert!(completed("let x = #{ wi").is_empty());
    }

    #[test]
    fn texts_name_releases_servers_and_steps() {
        assert_eq!(
            complete("web.checkout(\"0.2.1", &words()),
            (14, vec!["0.2.10\"".to_owned(), "0.2.11\"".into()])
        );
        assert_eq!(completed("server(\"la"), ["lab-1\""]);
        assert_eq!(completed("skip \"B"), ["Build\""]);
        assert_eq!(completed("import \"h"), ["hoss\""]);
        assert!(completed("note(\"0.2.1").is_empty());
        assert!(completed("web.make(\"x\") // web.").is_empty());
    }

    #[test]
    fn the_hint_is_the_signature_of_the_call_that_is_typed() {
        let said = |text: &str| hint(text, &words()).unwrap_or_default();
        assert!(said("web.make(").contains("make(server, target: text"), "{}", said("web.make("));
        assert!(said("web.make(\"x\", #{ a: [").contains("make(server"));
        assert_eq!(said("hoss::back_up(web, "), "   back_up(server, label)");
        assert_eq!(said("web.make(\"x\")"), "");
        assert_eq!(said("1 + (2"), "");
    }
}
