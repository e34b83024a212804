//! The arguments of a `docker` command, taken apart.

/// Options that take a value, in any of the commands.
const VALUED: &[&str] =
    &["-f", "--filter", "--format", "--type", "-n", "--tail", "-t", "--time", "--since", "-s"];

/// A command's options and other words, taken apart.
pub struct Words {
    pub flags: Vec<String>,
    pub options: Vec<(String, String)>,
    pub names: Vec<String>,
}

impl Words {
    pub fn read(arguments: &[String]) -> Words {
        let mut words = Words { flags: vec![], options: vec![], names: vec![] };
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            match word.split_once('=').filter(|(name, _)| name.starts_with("--")) {
                Some((name, value)) => words.options.push((name.into(), value.into())),
                None if VALUED.contains(&word.as_str()) => {
                    words.options.push((word.clone(), rest.next().cloned().unwrap_or_default()));
                }
                None if word.starts_with("--") => words.flags.push(word.clone()),
                // `-aq` is `-a -q`.
                None if word.starts_with('-') => {
                    words.flags.extend(word.chars().skip(1).map(|c| format!("-{c}")))
                }
                None => words.names.push(word.clone()),
            }
        }
        words
    }

    pub fn flag(&self, names: &[&str]) -> bool {
        self.flags.iter().any(|flag| names.contains(&flag.as_str()))
    }

    pub fn option(&self, names: &[&str]) -> Option<&str> {
        self.options.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.as_str())
    }

    pub fn filters(&self) -> impl Iterator<Item = (&str, &str)> {
        let filters = self.options.iter().filter(|(name, _)| name == "--filter" || name == "-f");
        filters.filter_map(|(_, filter)| filter.split_once('='))
    }
}
