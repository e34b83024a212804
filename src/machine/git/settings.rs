//! Settings that a text gives values: the file itself, an example of it, or a Makefile whose recipe prints it.

/// A setting that a text gives a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub value: Value,
    /// Whether a recipe prints it into the settings file.
    pub is_printed: bool,
}

/// What a setting gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// Random characters behind a text, as a Makefile makes its secrets.
    Random {
        before: String,
        characters: Vec<u8>,
        length: usize,
    },
    /// It is made by commands that are not understood, and is another one in each installation.
    Made,
}

/// More random characters than this are none of a setting.
const LONGEST: usize = 4096;

/// `NAME=value` at the beginning of a line, or of what a recipe prints into the settings file.
pub fn settings(text: &str) -> Vec<Setting> {
    let lines: Vec<&str> = text.lines().map(command).collect();
    let found = lines.iter().enumerate().filter_map(|(n, line)| {
        let (mut setting, is_open) = setting(line)?;
        if let Value::Text(before) = &setting.value {
            if is_open {
                setting.value = continued(before, &lines[n + 1..]);
            } else if before.contains(['$', '`']) {
                setting.value = Value::Made;
            }
        }
        Some(setting)
    });
    found.collect()
}

/// A line of a recipe without what make takes off it.
fn command(line: &str) -> &str {
    line.trim_start_matches(['\t', ' ', '@', '-'])
}

/// What a line prints, and the quote around it.
fn printed(line: &str) -> Option<(&str, Option<char>)> {
    let printed = line.strip_prefix("printf").or_else(|| line.strip_prefix("echo")).map(str::trim_start)?;
    let printed = printed.strip_prefix("-n").map_or(printed, str::trim_start);
    Some((printed, printed.chars().next().filter(|c| matches!(c, '"' | '\''))))
}

/// The setting of a line, and whether its value continues on other lines.
fn setting(line: &str) -> Option<(Setting, bool)> {
    let printed = printed(line);
    let text = printed.map_or(line, |(text, _)| text).trim_start_matches([' ', '"', '\'']);
    let (name, value) = text.split_once('=')?;
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(fits) {
        return None;
    }
    let value = match printed {
        Some((_, Some(quote))) => value.split(quote).next().unwrap_or_default(),
        _ => value,
    };
    // `printf` ends a line only where it is told to.
    let ends = value.ends_with("\\n") || !(line.starts_with("printf") || line.starts_with("echo -n"));
    let value = if printed.is_some() { value.trim_end_matches("\\n") } else { value };
    let value = Value::Text(value.to_owned());
    Some((Setting { name: name.to_owned(), value, is_printed: printed.is_some() }, !ends))
}

/// What a value becomes that begins so, by the lines that follow.
fn continued(before: &str, lines: &[&str]) -> Value {
    let mut random = None;
    for line in lines {
        // The end of its line, or what has nothing to do with it.
        if printed(line).is_some_and(|(text, _)| text.trim_start_matches(['"', '\'']).starts_with("\\n")) {
            break;
        }
        match (characters(line), random.is_some()) {
            (Some(found), false) => random = Some(found),
            _ => return Value::Made,
        }
    }
    match random {
        Some((characters, length)) if !before.contains(['$', '`', '%', '\\']) => {
            Value::Random { before: before.to_owned(), characters, length }
        }
        _ => Value::Made,
    }
}

/// The characters and their number of `LC_ALL=C tr -dc 'A-Z' </dev/urandom | head -c 48`.
fn characters(line: &str) -> Option<(Vec<u8>, usize)> {
    let rest = line.strip_prefix("LC_ALL=C").map_or(line, str::trim_start);
    let rest = rest.strip_prefix("tr -dc ").or_else(|| rest.strip_prefix("tr -cd "))?.trim_start();
    let (set, rest) = match rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => rest[1..].split_once(quote)?,
        None => rest.split_once(' ')?,
    };
    let rest = rest.trim_start().strip_prefix('<')?.trim_start().strip_prefix("/dev/urandom")?;
    let rest = rest.trim_start().strip_prefix('|')?.trim_start().strip_prefix("head -c")?.trim_start();
    let (length, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let length = length.parse().ok().filter(|length| (1..=LONGEST).contains(length))?;
    if !rest.trim_start().is_empty() && !rest.trim_start().starts_with('>') {
        return None;
    }
    Some((expand(set)?, length))
}

/// The characters of `A-Za-z0-9_`. None if there are others than those that every reader of such a file takes as they
/// are.
fn expand(set: &str) -> Option<Vec<u8>> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    let (mut all, bytes) = (Vec::new(), set.as_bytes());
    let mut at = 0;
    while at < bytes.len() {
        let first = bytes[at];
        let last = match bytes.get(at + 1..at + 3) {
            Some([b'-', last]) => {
                at += 2;
                *last
            }
            _ => first,
        };
        at += 1;
        all.extend(first..=last);
    }
    all.sort_unstable();
    all.dedup();
    (!all.is_empty() && all.iter().all(|c| plain(*c))).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let told = |setting: Setting| {
            let value = match setting.value {
                Value::Text(text) => format!("`{text}`"),
                Value::Random { before, characters, length } => {
                    format!("`{before}` and {length} of {}", String::from_utf8(characters).unwrap())
                }
                Value::Made => "made".into(),
            };
            format!("{} {value} {}", setting.name, setting.is_printed)
        };
        settings(text).into_iter().filter(|setting| setting.name != "LC_ALL").map(told).collect()
    }

    #[test]
    fn settings_are_found_in_recipes_and_examples() {
        let text =
            "\t@printf \"SERVICES=a b\\n\" >> x\nPLAIN=1\nlower=2\n\t@echo 'TOKEN='\nMADE=$$(secret)\n";
        let expected = ["SERVICES `a b` true", "PLAIN `1` false", "TOKEN `` true", "MADE made false"];
        assert_eq!(told(text), expected);
    }

    #[test]
    fn random_characters_behind_a_setting_are_understood_or_known_to_be_made() {
        let made =
            "\t@LC_ALL=C tr -dc 'a-c_' </dev/urandom | head -c 48 >> $(ENV_FILE)\n\t@printf \"\\n\" >> x\n";
        let open = "\t@printf \"KEY=hsvc_\" >> $(ENV_FILE)\n";
        assert_eq!(
            told(&format!("{open}{made}\t@printf \"NEXT=\\n\" >> x\n")),
            ["KEY `hsvc_` and 48 of _abc true", "NEXT `` true"]
        );
        for other in [
            "\t@openssl rand -hex 24 >> x\n\t@printf \"\\n\" >> x\n",
            "\t@LC_ALL=C tr -dc '[:alnum:]' </dev/urandom | head -c 48 >> x\n",
            "\t@LC_ALL=C tr -dc 'a-c' </dev/urandom | head -c 4 | base64 >> x\n",
            "\t@LC_ALL=C tr -dc 'a-c' </dev/urandom | head -c 99999 >> x\n",
            "",
        ] {
            assert_eq!(told(&format!("{open}{other}")), ["KEY made true"], "{other}");
        }
        assert_eq!(told(&format!("{open}{}\n{made}", made.lines().next().unwrap())), ["KEY made true"]);
    }
}
