//! Which targets a Makefile has, as far as its text alone shows it.
//!
//! Make itself is not asked: even `make -n` and `make -p` run what stands in `$(shell …)` and behind `+`. So a target is
//! called missing only if no reading of the text could make it; whatever make would put together says nothing.

mod release;

pub use release::AtRelease;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files as make would find them, by their paths from the folder of the Makefile on.
pub trait Files {
    /// The text of a file; nothing if it is not there.
    fn text(&self, path: &str) -> Option<String>;

    /// The names of what is in a folder.
    fn names(&self, folder: &str) -> Vec<String>;
}

/// The files of a folder on this machine.
pub struct Folder(pub PathBuf);

impl Files for Folder {
    fn text(&self, path: &str) -> Option<String> {
        let path = self.0.join(path);
        // A pipe, or a device, could be read for ever.
        std::fs::metadata(&path).ok().filter(|file| file.is_file() && file.len() <= LONGEST)?;
        let bytes = std::fs::read(path).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join(folder)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// What was looked for, and is not there.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// The name of the Makefile; nothing if there is none.
    pub makefile: Option<&'static str>,
    /// In the order in which they were asked for.
    pub targets: Vec<String>,
    /// The targets that it has, in alphabetical order.
    pub known: Vec<String>,
}

/// In the order in which make looks for them.
const NAMES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// In bytes. No Makefile is longer.
const LONGEST: u64 = 4 << 20;

/// More files than this include each other.
const MOST: usize = 100;

/// Those of the targets that make can't know. None of them if the text alone does not say which there are.
pub fn missing(files: &dyn Files, wanted: &[String]) -> Missing {
    let mut rules = Rules::default();
    let makefile = NAMES.into_iter().find_map(|name| Some((name, files.text(name)?)));
    let is_clear = makefile.as_ref().is_none_or(|(_, text)| rules.read(text, files).is_some());
    let is_missing = |target: &&String| {
        // Make takes a word with these for an option, or for a variable.
        let is_target = !target.is_empty() && !target.starts_with('-') && !target.contains('=');
        is_target && !rules.may_make(target) && !may_be_built(target, files)
    };
    let targets = wanted.iter().filter(|_| is_clear).filter(is_missing).cloned().collect();
    let known = rules.names.into_iter().filter(|name| !name.starts_with('.')).collect();
    Missing { makefile: makefile.map(|(name, _)| name), targets, known }
}

/// Whether it is a file, or make's own rules could make it of one.
fn may_be_built(target: &str, files: &dyn Files) -> bool {
    let (folder, name) = target.rsplit_once('/').unwrap_or((".", target));
    let source = |found: &String| {
        let of_name = found.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        of_name || *found == format!("s.{name}") || ["RCS", "SCCS"].contains(&found.as_str())
    };
    files.names(folder).iter().any(source)
}

#[derive(Default)]
struct Rules {
    names: BTreeSet<String>,
    /// What stands before the `%` of a pattern, and what behind it.
    patterns: Vec<(String, String)>,
    read: usize,
}

impl Rules {
    /// Adds what a text says. Nothing if it leaves open which targets there are.
    fn read(&mut self, text: &str, files: &dyn Files) -> Option<()> {
        self.read += 1;
        if self.read > MOST {
            return None;
        }
        let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
        for line in text.lines().filter(|line| !line.starts_with('\t')) {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next().unwrap_or_default() {
                "include" | "-include" | "sinclude" => {
                    for path in words {
                        self.include(path, files)?;
                    }
                    continue;
                }
                "vpath" | "load" | "-load" => return None,
                "ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif" => continue,
                _ => {}
            }
            self.line(line)?;
        }
        Some(())
    }

    fn include(&mut self, path: &str, files: &dyn Files) -> Option<()> {
        if path.contains(['$', '*', '?', '[', '~', '%']) {
            return None;
        }
        // One that is not there may be made by make itself, or by a target that runs before.
        self.read(&files.text(path)?, files)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        // These functions can write rules, and these variables change where they are looked for.
        if ["$(eval", "${eval", "$(guile"].iter().any(|word| line.contains(word))
            || ["VPATH", "MAKEFILES", "MAKEFLAGS", ".RECIPEPREFIX"].iter().any(|name| assigns(line, name))
        {
            return None;
        }
        let trimmed = line.trim();
        // A line that is only a variable may be a rule.
        if trimmed.starts_with('$') && !trimmed.contains([':', '=']) {
            return None;
        }
        let Some((names, rest)) = line.split_once(':') else { return Some(()) };
        let is_assignment = rest.trim_start_matches(':').starts_with('=') || names.contains('=');
        if is_assignment {
            return Some(());
        }
        if names.contains(['$', '*', '?', '[', '\\']) || names.trim() == ".DEFAULT" {
            return None;
        }
        let named = if names.trim() == ".PHONY" { rest } else { names };
        for name in named.split_whitespace() {
            match name.split_once('%') {
                Some((before, behind)) => self.patterns.push((before.into(), behind.into())),
                None => drop(self.names.insert(name.into())),
            }
        }
        Some(())
    }

    fn may_make(&self, target: &str) -> bool {
        let fits = |(before, behind): &(String, String)| {
            target.len() > before.len() + behind.len()
                && target.starts_with(before.as_str())
                && target.ends_with(behind.as_str())
        };
        // Without a slash in it, a pattern is compared with the last part of a path alone.
        let last = Path::new(target).file_name().and_then(|name| name.to_str());
        let fits_last = |(before, behind): &(String, String)| {
            last.is_some_and(|last| last.starts_with(before.as_str()) && last.ends_with(behind.as_str()))
        };
        self.names.contains(target.trim_start_matches("./"))
            || self.names.contains(target)
            || self.names.contains(&format!("./{target}"))
            || self.patterns.iter().any(|pattern| fits(pattern) || fits_last(pattern))
    }
}

/// Whether a line gives this variable a value.
fn assigns(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").or(line.strip_prefix("override ")).unwrap_or(line);
    line.trim_start()
        .strip_prefix(name)
        .is_some_and(|rest| rest.trim_start().trim_start_matches([':', '+', '?', '!']).starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::{Files, missing};

    struct Held(&'static [(&'static str, &'static str)]);

    impl Files for Held {
        fn text(&self, path: &str) -> Option<String> {
            self.0.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
        }

        fn names(&self, _: &str) -> Vec<String> {
            self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
        }
    }

    fn lacks(files: &'static [(&'static str, &'static str)], target: &str) -> bool {
        !missing(&Held(files), &[target.to_owned()]).targets.is_empty()
    }

    #[test]
    fn a_target_is_missing_only_if_nothing_could_make_it() {
        let clear: [&[(&str, &str)]; 9] = [
            &[],
            &[("Makefile", "up: build\n\tupp: no rule\nbuild:\n")],
            &[("Makefile", "# upp:\nup: # upp:\nUP = a:b\nUPP := 1\nUPP ::= 1\n")],
            &[("Makefile", "include more.mk\n"), ("more.mk", "up:\n")],
            &[("Makefile", "-include a.mk b.mk\n"), ("a.mk", "up:\n"), ("b.mk", "include a.mk\n")],
            &[("GNUmakefile", "up:\n"), ("Makefile", "upp:\n")],
            &[("makefile", "up:\n"), ("Makefile", "upp:\n")],
            &[("Makefile", "%.o: %.c\n\tcc\ndeploy-%:\n\ttrue\n")],
            &[("Makefile", "ifeq ($(X),a:b)\nup:\nelse\nstart:\nendif\n"), ("uppish", "")],
        ];
        for files in clear {
            assert!(lacks(files, "upp"), "{files:?}");
        }
        let open: [&[(&str, &str)]; 19] = [
            &[("Makefile", "upp:\n")],
            &[("Makefile", "up upp: build ; true\n")],
            &[("Makefile", "up \\\n  upp: build\n")],
            &[("Makefile", ".PHONY: up upp\n")],
            &[("Makefile", "upp:: build\n")],
            &[("Makefile", "include more.mk\n"), ("more.mk", "upp:\n")],
            &[("Makefile", "-include made-later.mk\n")],
            &[("Makefile", "include $(HOME)/more.mk\n")],
            &[("Makefile", "-include *.mk\n")],
            &[("Makefile", "%:\n\ttrue\n")],
            &[("Makefile", "u%: build\n\ttrue\n")],
            &[("Makefile", "$(NAMES):\n\ttrue\n")],
            &[("Makefile", "$(eval $(call RULES,a))\n")],
            &[("Makefile", "$(RULES)\n")],
            &[("Makefile", ".DEFAULT:\n\ttrue\n")],
            &[("Makefile", "export MAKEFLAGS += -f other\n")],
            &[("Makefile", ".RECIPEPREFIX = >\n")],
            &[("Makefile", "up:\n"), ("upp", "")],
            &[("Makefile", "up:\n"), ("upp.sh", "")],
        ];
        for files in open {
            assert!(!lacks(files, "upp"), "{files:?}");
        }
        assert!(!lacks(&[("Makefile", "up:\n")], "-k") && !lacks(&[("Makefile", "up:\n")], "A=1"));
    }
}
