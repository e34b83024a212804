//! What a script asks a map for: `map.key ?? …`, `map.key == ()` and `map?.key` say that the key may be absent.
//!
//! Everywhere else a map without the key is a mistake, such as a misspelt name, and the read fails. Rhai knows only one
//! answer for all reads, so that those that ask are made calls of `get`, which gives `()`. Lines stay what they are.

use super::bare::LENIENT;
use super::parsed::parsed;
use rhai::{AST, ASTFlags, ASTNode, Expr, Position, Stmt};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One read that asks.
enum Read {
    /// `.key`
    Property(String),
    /// `[key]`
    Index,
}

/// The text with its reads that ask as calls of `get`. A text that can't be parsed stays what it is.
pub fn with_calls<'a>(source: &str, text: &'a str) -> Cow<'a, str> {
    let strictly = parsed(source, text).map(|ast| reads(&ast));
    let Ok(reads) = strictly.or_else(|_| LENIENT.compile(text).map(|ast| reads(&ast))) else {
        return text.into();
    };
    if reads.is_empty() {
        return text.into();
    }
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(n, _)| n + 1)).collect();
    let offset = |line: usize, column: usize| {
        let start = *starts.get(line.checked_sub(1)?)?;
        text[start..].char_indices().nth(column.checked_sub(1)?).map(|(n, _)| start + n)
    };
    let mut changes: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    for ((line, column), read) in reads {
        let Some(at) = offset(line, column) else { continue };
        match read {
            Read::Property(name) if text[at..].starts_with(&name) => {
                changes.insert(at, (name.len(), format!("get(\"{name}\")")));
            }
            Read::Index if text[at..].starts_with('[') => {
                let Some(end) = closing(&text[at..]) else { continue };
                changes.insert(at, (1, ".get(".into()));
                changes.insert(at + end, (1, ")".into()));
            }
            _ => {}
        }
    }
    let mut changed = String::with_capacity(text.len() + 16 * changes.len());
    let mut done = 0;
    for (at, (length, new)) in changes {
        changed.push_str(&text[done..at]);
        changed.push_str(&new);
        done = at + length;
    }
    changed.push_str(&text[done..]);
    changed.into()
}

/// The bracket that closes the first.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for token in crate::script::text::tokens::tokens(text) {
        match &text[token.place.clone()] {
            "[" | "(" | "{" | "#{" => open += 1,
            "]" | ")" | "}" => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(token.place.start);
        }
    }
    None
}

fn reads(ast: &AST) -> BTreeMap<(usize, usize), Read> {
    let mut found = BTreeMap::new();
    ast.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Expr(expr)) => asked(expr, &mut found),
            Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => compared(&call.name, &call.args, &mut found),
            _ => {}
        }
        true
    });
    found
}

fn asked(expr: &Expr, found: &mut BTreeMap<(usize, usize), Read>) {
    match expr {
        Expr::Coalesce(operands, _) => {
            for operand in operands.iter().take(operands.len().saturating_sub(1)) {
                last(operand, found);
            }
        }
        Expr::FnCall(call, _) => compared(&call.name, &call.args, found),
        // `map?.key`, and `map.key?.more`.
        Expr::Dot(parts, flags, _) if flags.intersects(ASTFlags::NEGATED) => {
            property(&parts.lhs, found);
            match &parts.rhs {
                Expr::Dot(parts, ..) | Expr::Index(parts, ..) => property(&parts.lhs, found),
                rhs => property(rhs, found),
            }
        }
        _ => {}
    }
}

/// `map.key == ()`.
fn compared(name: &str, args: &[Expr], found: &mut BTreeMap<(usize, usize), Read>) {
    if !["==", "!="].contains(&name) {
        return;
    }
    match args {
        [read, Expr::Unit(_)] | [Expr::Unit(_), read] => last(read, found),
        _ => {}
    }
}

fn property(expr: &Expr, found: &mut BTreeMap<(usize, usize), Read>) {
    if let Expr::Property(names, place) = expr {
        found.extend(at(*place).map(|at| (at, Read::Property(names.2.to_string()))));
    }
}

/// The last link of a chain of reads.
fn last(expr: &Expr, found: &mut BTreeMap<(usize, usize), Read>) {
    match expr {
        Expr::Dot(parts, ..) => match &parts.rhs {
            rhs @ (Expr::Dot(..) | Expr::Index(..)) => last(rhs, found),
            rhs => property(rhs, found),
        },
        Expr::Index(_, flags, place) if flags.intersects(ASTFlags::BREAK) => {
            found.extend(at(*place).map(|at| (at, Read::Index)));
        }
        Expr::Index(parts, ..) => last(&parts.rhs, found),
        // In brackets of its own.
        Expr::Stmt(block) => {
            if let [Stmt::Expr(expr)] = block.statements() {
                last(expr, found);
            }
        }
        _ => {}
    }
}

fn at(place: Position) -> Option<(usize, usize)> {
    Some((place.line()?, place.position()?))
}

#[cfg(test)]
mod tests {
    use super::with_calls;

    #[test]
    fn a_read_that_asks_is_a_call_and_any_other_stays_what_it_is() {
        for (text, changed) in [
            ("let m = #{}; m.a ?? 1", "let m = #{}; m.get(\"a\") ?? 1"),
            ("let m = #{}; m.a.b ?? m.c ?? m.d", "let m = #{}; m.a.get(\"b\") ?? m.get(\"c\") ?? m.d"),
            ("let m = #{}; m.a?.b.c", "let m = #{}; m.get(\"a\")?.get(\"b\").c"),
            ("let m = #{}; let k = [1]; m[k[0]] ?? 1", "let m = #{}; let k = [1]; m.get(k[0]) ?? 1"),
            ("let m = #{}; m[\"]\"].x == ()", "let m = #{}; m[\"]\"].get(\"x\") == ()"),
            ("let m = #{}; m.x[\"y\"] ?? 1", "let m = #{}; m.x.get(\"y\") ?? 1"),
            ("let m = #{}; m.a[0][\"y\"] ?? 1", "let m = #{}; m.a[0].get(\"y\") ?? 1"),
            ("let m = #{};\nm.a = m.a ?? 1; m.b = m.c", "let m = #{};\nm.a = m.get(\"a\") ?? 1; m.b = m.c"),
            (
                "fn f(m) { if \"é\" == m.a || m.x != () { `é${m.y ?? 1}` } }",
                "fn f(m) { if \"é\" == m.a || m.get(\"x\") != () { `é${m.get(\"y\") ?? 1}` } }",
            ),
            ("let m = #{}; (m.a ?? #{}).b ?? 2", "let m = #{}; (m.get(\"a\") ?? #{}).get(\"b\") ?? 2"),
            ("let m = #{}; m.f() ?? 1; m.x == 1", "let m = #{}; m.f() ?? 1; m.x == 1"),
        ] {
            assert_eq!(with_calls("test", text), changed);
        }
    }
}
