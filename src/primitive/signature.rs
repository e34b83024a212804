//! A primitive's signature, as its documentation writes it: `make(server, target: text, #{ within: duration = 2.hours })`.

/// What a call looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// In order. Those with a default may be left out.
    pub positional: Vec<Parameter>,
    /// Given by name in the map that ends the call.
    pub options: Vec<Parameter>,
}

/// A parameter or an option.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    /// `server`, `text`, `number`, `bool`, `array`, `map`, `duration`, `size`, `secret`, or nothing for any.
    pub of: String,
    /// As a script would write it.
    pub default: Option<String>,
}

impl Signature {
    /// Reads a signature; the text is our own, so that what is not well formed is a bug that a test finds.
    pub fn read(text: &str) -> Option<Signature> {
        let inside = text.trim().split_once('(')?.1.strip_suffix(')')?;
        let mut signature = Signature { positional: Vec::new(), options: Vec::new() };
        for part in split(inside) {
            match part.strip_prefix("#{").and_then(|options| options.strip_suffix('}')) {
                Some(options) => signature.options = split(options).map(parameter).collect(),
                None => signature.positional.push(parameter(part)),
            }
        }
        Some(signature)
    }

    /// The fewest and the most arguments of a call, options counted as one.
    pub fn arity(&self) -> (usize, usize) {
        let needed = self.positional.iter().filter(|parameter| parameter.default.is_none()).count();
        (needed, self.positional.len() + usize::from(!self.options.is_empty()))
    }

    /// Whether a map is the options, as the argument number `n` (from 0) of `given`: it is if it comes last, unless a
    /// parameter there takes a map itself.
    pub fn options_at(&self, n: usize, given: usize) -> bool {
        let parameter = self.positional.get(n);
        let takes_map = parameter.is_some_and(|parameter| parameter.of == "map" || parameter.of.is_empty());
        n + 1 == given && !self.options.is_empty() && !takes_map
    }
}

/// Splits at commas that stand in no brackets.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn parameter(text: &str) -> Parameter {
    let (declared, default) = match text.split_once('=') {
        Some((declared, default)) => (declared.trim(), Some(default.trim().to_owned())),
        None => (text, None),
    };
    let (name, of) = declared.split_once(':').unwrap_or((declared, ""));
    let of = if name == "server" { "server" } else { of.trim() };
    Parameter { name: name.trim().into(), of: of.into(), default }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_names_parameters_options_and_defaults() {
        let text = "make(server, target: text, variables: map = #{}, #{ within: duration = 2.hours, quiet = false })";
        let signature = Signature::read(text).unwrap();
        assert_eq!(signature.arity(), (2, 4));
        assert_eq!(signature.positional[2].default.as_deref(), Some("#{}"));
        assert_eq!(signature.options[0].name, "within");
        assert_eq!(signature.options[0].default.as_deref(), Some("2.hours"));
        assert_eq!(Signature::read("now()").unwrap().arity(), (0, 0));
    }
}
