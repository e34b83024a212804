//! A parsed text, taken apart: what stands at its top, and each function with the statements of its body.

use crate::script::engine::{LENIENT, parsed};
use crate::script::layers::Text;
use rhai::{AST, ASTNode, Expr, FnAccess, FnPtr, ParseError, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};

/// A text's parts.
pub struct Program {
    /// The statements outside of functions.
    pub top: Vec<Stmt>,
    /// In the order of the text.
    pub functions: Vec<Function>,
    /// Closures, by the names that the parser gives them. Those that are the same to the letter share one.
    pub closures: BTreeMap<String, Function>,
    /// The names in every `import`, wherever it stands.
    pub imports: Vec<String>,
    /// The names of variables that are assigned to anywhere, after they were declared.
    pub assigned: BTreeSet<String>,
}

/// A function or a closure.
pub struct Function {
    pub name: String,
    /// Of a closure, what it captures comes first.
    pub parameters: Vec<String>,
    pub private: bool,
    pub body: Vec<Stmt>,
    /// Where its name stands; of a closure, where its body begins.
    pub place: Position,
}

impl Function {
    /// As a script would call it.
    pub fn usage(&self) -> String {
        format!("{}({})", self.name, self.parameters.join(", "))
    }
}

impl Program {
    /// Parses a text as a run does; of one whose only fault may be unknown names, the parts are there, too.
    pub fn parse(text: &Text) -> (Option<Program>, Option<ParseError>) {
        let strictly = parsed(&text.source, &text.text);
        match strictly.map_err(|error| (LENIENT.compile(&text.text), error)) {
            Ok(ast) => (Some(Program::of(&ast, &text.text)), None),
            Err((Ok(ast), unknown)) => (Some(Program::of(&ast, &text.text)), Some(unknown)),
            Err((Err(error), _)) => (None, Some(error)),
        }
    }

    fn of(ast: &AST, text: &str) -> Program {
        let mut roots = Vec::new();
        let mut imports = Vec::new();
        let mut assigned = BTreeSet::new();
        ast.walk(&mut |path| {
            if let [ASTNode::Stmt(stmt)] = path {
                roots.push((*stmt).clone());
            }
            if let Some(ASTNode::Stmt(Stmt::Assignment(parts))) = path.last()
                && let Expr::Variable(variable, ..) = &parts.1.lhs
            {
                assigned.insert(variable.1.to_string());
            }
            if let Some(ASTNode::Stmt(Stmt::Import(import, _))) = path.last()
                && let Expr::StringConstant(path, _) = &import.0
            {
                imports.push(path.to_string());
            }
            true
        });
        let mut bodies = roots.split_off(ast.statements().len());
        // Few of the lines begin a function.
        let heads: Vec<(usize, &str)> =
            text.lines().enumerate().filter(|(_, line)| line.contains("fn")).collect();
        let mut functions: Vec<(Position, Position, Function)> = ast
            .iter_fn_def()
            .map(|function| {
                let (start, end) = (function.body.start_position(), function.body.end_position());
                let taken = Function {
                    name: function.name.to_string(),
                    parameters: function.params.iter().map(ToString::to_string).collect(),
                    private: function.access == FnAccess::Private,
                    body: Vec::new(),
                    place: named_at(&heads, &function.name, start),
                };
                (start, end, taken)
            })
            .collect();
        functions.sort_by_key(|(start, ..)| *start);
        // The walk does not say whose statement it shows. A statement belongs to the innermost function around it,
        // which is the one that begins last; a closure that is an expression has no end.
        for stmt in bodies.drain(..) {
            let at = stmt.position();
            let around = |(start, end, _): &&mut (Position, Position, Function)| {
                if end.is_none() { *start == at } else { *start <= at && at <= *end }
            };
            if let Some((.., function)) = functions.iter_mut().rev().find(around) {
                function.body.push(stmt);
            }
        }
        let all = functions.into_iter().map(|(.., function)| function);
        let (closures, functions) = all.partition::<Vec<_>, _>(|function| is_closure(&function.name));
        let closures = closures.into_iter().map(|closure| (closure.name.clone(), closure)).collect();
        Program { top: roots, functions, closures, imports, assigned }
    }

    /// The function of this name, and its namesakes.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Function> {
        self.functions.iter().filter(move |function| function.name == name)
    }

    /// The closure that an expression makes, and how many of its parameters are captured.
    pub fn closure(&self, expr: &Expr) -> Option<(&Function, usize)> {
        match expr {
            Expr::DynamicConstant(value, _) => {
                let pointer = value.read_lock::<FnPtr>()?;
                Some((self.closures.get(pointer.fn_name())?, 0))
            }
            // What it captures is shared first, then put in front of its arguments.
            Expr::FnCall(call, _) if call.name == "curry" => {
                let (closure, _) = self.closure(call.args.first()?)?;
                Some((closure, call.args.len() - 1))
            }
            Expr::Stmt(block) => match block.statements() {
                [Stmt::Share(_), Stmt::Expr(expr)] => self.closure(expr),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether the parser made this name.
fn is_closure(name: &str) -> bool {
    name.starts_with("anon$")
}

/// Where the name of a function stands whose body begins at `body`: the syntax tree does not keep it. `heads` are the lines
/// with a `fn`, with their numbers from 0.
fn named_at(heads: &[(usize, &str)], name: &str, body: Position) -> Position {
    let Some(last) = body.line().filter(|_| !is_closure(name)) else { return body };
    let above = heads.partition_point(|(n, _)| *n < last);
    let found = heads[..above].iter().rev().find_map(|(n, line)| {
        let at = line.match_indices(name).find(|(at, _)| {
            let before = line[..*at].trim_end();
            let alone = line[at + name.len()..].trim_start().starts_with('(');
            alone && before.ends_with("fn")
        })?;
        Some((n + 1, line[..at.0].chars().count() + 1))
    });
    let place =
        found.and_then(|(line, column)| Some((u16::try_from(line).ok()?, u16::try_from(column).ok()?)));
    place.map_or(body, |(line, column)| Position::new(line, column))
}

/// What we rely on of the parser; a new release of Rhai may do it otherwise.
#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Program {
        let text = Text::new("test".into(), text.into());
        let (program, stopped) = Program::parse(&text);
        assert!(stopped.is_none(), "{stopped:?}");
        program.unwrap()
    }

    /// The first column of each statement.
    fn columns(statements: &[Stmt]) -> Vec<usize> {
        statements.iter().map(|statement| statement.position().position().unwrap()).collect()
    }

    #[test]
    fn a_statement_belongs_to_the_innermost_function_around_it() {
        let text = "import \"m\" as m; fn a(x) { x.f(|y| { y; 1; }); 2; } private fn b() { |z| z + 1 }";
        let program = parse(text);
        assert_eq!(columns(&program.top), [1]);
        assert_eq!(program.imports, ["m"]);
        let named: Vec<_> = program.functions.iter().map(|f| (f.usage(), f.private, f.body.len())).collect();
        assert_eq!(named, [("a(x)".to_owned(), false, 2), ("b()".to_owned(), true, 1)]);
        assert_eq!(program.functions[0].place.position(), Some(21));
        assert_eq!(columns(&program.functions[0].body), [28, 48]);
        let mut closures: Vec<_> = program.closures.values().map(|closure| columns(&closure.body)).collect();
        closures.sort();
        // An expression begins at its operator.
        assert_eq!(closures, [vec![38, 41], vec![76]]);
    }

    #[test]
    fn a_closure_is_found_where_it_is_made_with_what_it_captures_in_front() {
        let program = parse("fn a(x) { let n = 1; x.f(|y| y + n); x.g(|y| y); }");
        let made = |statement: &Stmt| match statement {
            Stmt::Expr(expr) => match &**expr {
                Expr::Dot(parts, ..) => match &parts.rhs {
                    Expr::MethodCall(call, _) => {
                        program.closure(&call.args[0]).map(|(f, captured)| (f.parameters.clone(), captured))
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        let body = &program.functions[0].body;
        assert_eq!(made(&body[1]), Some((vec!["n".to_owned(), "y".to_owned()], 1)));
        assert_eq!(made(&body[2]), Some((vec!["y".to_owned()], 0)));
    }

    #[test]
    fn what_follows_an_unknown_name_is_parsed_all_the_same() {
        let text = Text::new("test".into(), "fn a() { b; c::d(); |x| e; }".into());
        let (program, stopped) = Program::parse(&text);
        assert!(matches!(*stopped.unwrap().0, rhai::ParseErrorType::VariableUndefined(name) if name == "b"));
        assert_eq!(program.unwrap().functions[0].body.len(), 3);
    }

    #[test]
    fn blocks_keep_their_words_and_their_parts() {
        let program = parse("fn a(x) { step `n ${x}` { x; } on_failure { x; } }");
        let parts = |statement: &Stmt| match statement {
            Stmt::Expr(expr) => match &**expr {
                Expr::Custom(block, _) => (block.tokens[0].to_string(), block.inputs.len()),
                _ => Default::default(),
            },
            _ => Default::default(),
        };
        let found: Vec<_> = program.functions[0].body.iter().map(parts).collect();
        assert_eq!(found, [("step".to_owned(), 2), ("on_failure".to_owned(), 1)]);
    }
}
