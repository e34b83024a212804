//! The texts that belong together: one, and all that it imports, each parsed once.

use super::finding::Finding;
use super::program::Program;
use super::syntax;
use crate::failure::Failure;
use crate::script::layers::{APART, Folder, Layers, Text};
use crate::script::text::source;
use std::collections::{BTreeMap, BTreeSet};

/// They are named by their number.
pub struct Files<'a> {
    pub layers: &'a Layers,
    /// The modules that `import "kind"` may mean, and whose releases `import "releases"` may be about.
    kinds: Vec<String>,
    pub files: Vec<File>,
    /// What each path of an `import` means: nothing, a file, or one for each kind.
    modules: BTreeMap<String, Module>,
}

/// A text.
pub struct File {
    pub text: Text,
    /// Absent if it does not parse.
    pub program: Option<Program>,
    /// Where the parser stopped: at what is no Rhai, or at the first unknown name.
    pub stopped: Option<Finding>,
}

/// What an `import` brings.
#[derive(Clone, Default)]
pub struct Module {
    /// The numbers of the files. Of `kind` there are several, and what is asked of it must be in each.
    pub files: Vec<usize>,
    /// The names that no file is there for.
    pub missing: Vec<String>,
    /// Why a file can't be read.
    pub failure: Option<Failure>,
}

impl<'a> Files<'a> {
    pub fn new(layers: &'a Layers, kinds: &[String]) -> Files<'a> {
        Files { layers, kinds: kinds.to_vec(), files: Vec::new(), modules: BTreeMap::new() }
    }

    /// Adds a text and what it imports, and gives its number.
    pub fn add(&mut self, text: Text) -> usize {
        if let Some(there) = self.files.iter().position(|file| file.text.source == text.source) {
            return there;
        }
        let (program, error) = Program::parse(&text);
        let stopped = error.map(|error| syntax::finding(&error, &text));
        let paths: Vec<String> = program.iter().flat_map(|program| &program.imports).cloned().collect();
        self.files.push(File { text, program, stopped });
        let number = self.files.len() - 1;
        paths.into_iter().for_each(|path| self.import(path));
        number
    }

    fn import(&mut self, path: String) {
        if self.modules.contains_key(&path) {
            return;
        }
        // Those that import each other find it here already.
        self.modules.insert(path.clone(), Module::default());
        if path == APART {
            return;
        }
        let is_of_kinds = matches!(path.as_str(), "kind" | "releases");
        let names = if is_of_kinds { self.kinds.clone() } else { vec![path.clone()] };
        let mut module = Module::default();
        for name in names {
            let found = match path.as_str() {
                "releases" => self.layers.releases(std::slice::from_ref(&name)).map(Some),
                _ => self.layers.module(&name),
            };
            match found {
                Ok(Some(text)) => module.files.push(self.add(text)),
                Ok(None) => module.missing.push(name),
                Err(failure) => module.failure = Some(failure),
            }
        }
        self.modules.insert(path, module);
    }

    /// What an `import` of this path brings.
    pub fn module(&self, path: &str) -> Module {
        self.modules.get(path).cloned().unwrap_or_default()
    }

    /// Whether a text is that of a kind: one of those of the servers, or one with a `kind.toml`.
    pub fn is_kind(&self, number: usize) -> bool {
        let name = source::module_name(&self.files[number].text.source);
        self.module("kind").files.contains(&number) || self.layers.is_kind(name)
    }

    /// How many files the texts are made of; a site's that lies on a bundled one is none beside it.
    pub fn count(&self) -> usize {
        let name = |file: &str| file.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        let mut all = BTreeSet::new();
        for file in &self.files {
            let parts = source::files(&file.text.source);
            let lowest = |part: &&&str| {
                part.starts_with(source::BUNDLED)
                    || !parts
                        .iter()
                        .any(|other| other.starts_with(source::BUNDLED) && name(other) == name(part))
            };
            all.extend(parts.iter().filter(lowest).map(|part| part.to_string()));
        }
        all.len()
    }

    /// Whether all of it was found and is the program's own. The bundled scripts are looked through when the program is
    /// made, and not again at each command.
    pub fn are_bundled(&self) -> bool {
        let is_bundled = |file: &File| {
            let parts = source::files(&file.text.source);
            file.stopped.is_none() && parts.iter().all(|part| part.starts_with(source::BUNDLED))
        };
        let is_found = |module: &Module| module.missing.is_empty() && module.failure.is_none();
        self.files.iter().all(is_bundled) && self.modules.values().all(is_found)
    }

    /// The names that can be imported.
    pub fn importable(&self) -> Vec<String> {
        let lists = [Folder::Stdlib, Folder::Runbooks].map(|folder| self.layers.list(folder));
        let names = lists.into_iter().flatten().map(|(name, _)| name).chain(["kind".to_owned()]);
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The way from a file back to `home` along imports, as the names of the files.
    pub fn way_back(&self, from: usize, home: usize, passed: &mut Vec<usize>) -> Option<Vec<usize>> {
        if from == home {
            return Some(vec![home]);
        }
        if passed.contains(&from) {
            return None;
        }
        passed.push(from);
        let program = self.files[from].program.as_ref()?;
        let targets: Vec<usize> = program.imports.iter().flat_map(|path| self.module(path).files).collect();
        targets.into_iter().find_map(|target| {
            let mut way = self.way_back(target, home, passed)?;
            way.insert(0, from);
            Some(way)
        })
    }
}
