//! What was typed, as a script.

use crate::script::text::outline::{Outline, outline};
use crate::script::text::tokens::{Sort, tokens};

/// The parts of a script: what stands at its top, and what is done.
#[derive(Debug, Default, PartialEq)]
pub struct Parts {
    pub imports: Vec<String>,
    pub functions: Vec<String>,
    pub statements: Vec<String>,
}

/// Takes typed lines apart. Later functions take the place of earlier ones of their names.
pub fn parts<'a>(lines: impl IntoIterator<Item = &'a str>) -> Parts {
    let mut parts = Parts::default();
    let mut functions: Vec<(String, usize, String)> = Vec::new();
    for line in lines {
        let Outline { functions: typed, imports, .. } = outline(line);
        let mut rest = line.to_owned();
        for import in &imports {
            let text = line[import.whole.clone()].to_owned();
            if !parts.imports.contains(&text) {
                parts.imports.push(text);
            }
            blank(&mut rest, import.whole.clone());
        }
        for function in typed {
            let text = line[function.whole.clone()].to_owned();
            functions.retain(|(name, count, _)| (name, *count) != (&function.name, function.parameters));
            functions.push((function.name, function.parameters, text));
            blank(&mut rest, function.whole);
        }
        if tokens(&rest).iter().any(|token| !matches!(token.sort, Sort::Comment { .. })) {
            parts.statements.push(ended(rest.trim()));
        }
    }
    parts.functions = functions.into_iter().map(|(.., text)| text).collect();
    parts
}

/// The names among these that are used as variables, so that they have to be declared.
pub fn used<'a>(parts: &Parts, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let uses = |name: &str| {
        parts.statements.iter().any(|text| {
            let tokens = tokens(text);
            tokens.iter().enumerate().any(|(n, token)| {
                let before = n.checked_sub(1).map(|n| &text[tokens[n].place.clone()]);
                let after = tokens.get(n + 1).map(|next| &text[next.place.clone()]);
                let word = token.sort == Sort::Word && &text[token.place.clone()] == name;
                // What stands in the `${…}` of a text is looked for as well.
                let within = matches!(token.sort, Sort::Text { quote: '`', .. })
                    && text[token.place.clone()].contains(name);
                within || word && before != Some(".") && !matches!(after, Some("::" | ":"))
            })
        })
    };
    names.into_iter().filter(|name| uses(name)).collect()
}

fn blank(text: &mut String, range: std::ops::Range<usize>) {
    let blanks = " ".repeat(range.len());
    text.replace_range(range, &blanks);
}

/// A statement with what ends it: alone, it needs nothing.
fn ended(statement: &str) -> String {
    let last = tokens(statement).into_iter().rfind(|token| !matches!(token.sort, Sort::Comment { .. }));
    let Some(last) = last else { return statement.to_owned() };
    let first = tokens(statement).into_iter().find(|token| token.sort == Sort::Word);
    let first = first.map_or("", |token| &statement[token.place]);
    let is_block = ["step", "if", "for", "while", "loop", "do", "switch", "try"].contains(&first);
    match &statement[last.place.clone()] {
        ";" => statement.to_owned(),
        "}" if is_block => statement.to_owned(),
        _ => format!("{};{}", &statement[..last.place.end], &statement[last.place.end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_lines_become_the_parts_of_a_script() {
        let typed = [
            "let n = 1",
            "import \"update\" as one; one::x(n)",
            "fn twice(n) { n * 1 }",
            "fn twice(n) { n * 2 }",
            "step \"a\" { web.make(\"config\") }",
            "note(`${lab.name}`) // why",
            "// nothing",
        ];
        let parts = parts(typed);
        assert_eq!(parts.imports, ["import \"update\" as one;"]);
        assert_eq!(parts.functions, ["fn twice(n) { n * 2 }"]);
        assert_eq!(
            parts.statements,
            [
                "let n = 1;",
                "one::x(n);",
                "step \"a\" { web.make(\"config\") }",
                "note(`${lab.name}`); // why"
            ]
        );
        assert_eq!(used(&parts, ["hub", "lab", "web", "one"]), ["lab", "web"]);
    }
}
