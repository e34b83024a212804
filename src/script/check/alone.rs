//! Whether a runbook is for one server, as its text says.

use super::program::Program;
use crate::script::layers::Text;
use rhai::{ASTNode, Expr, Stmt};

/// Whether `main` calls `this_server()` whatever its parameters are. What only a function that it calls does, or what it does on
/// some ways alone, is not counted.
pub fn is_of_one_server(text: &Text) -> bool {
    let Some(program) = Program::parse(text).0 else { return false };
    let Some(main) = program.named("main").max_by_key(|main| main.parameters.len()) else { return false };
    for statement in &main.body {
        let asks = calls_this_server(statement);
        let may_leave_out = matches!(
            statement,
            Stmt::If(..)
                | Stmt::Switch(..)
                | Stmt::While(..)
                | Stmt::Do(..)
                | Stmt::For(..)
                | Stmt::TryCatch(..)
        );
        if asks && !may_leave_out {
            return true;
        }
        if !asks && leaves(statement) {
            return false;
        }
    }
    false
}

fn calls_this_server(statement: &Stmt) -> bool {
    let mut found = false;
    statement.walk(&mut Vec::new(), &mut |path| {
        found |= match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, _))) => call.name == "this_server" && !call.is_qualified(),
            Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => call.name == "this_server" && !call.is_qualified(),
            _ => false,
        };
        !found
    });
    found
}

/// Whether the statement may be the last one.
fn leaves(statement: &Stmt) -> bool {
    let mut found = false;
    statement.walk(&mut Vec::new(), &mut |path| {
        found |= matches!(path.last(), Some(ASTNode::Stmt(Stmt::Return(..))));
        !found
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_is_for_one_server_if_no_way_through_main_does_without_it() {
        for (is, main) in [
            (true, "fn main() { let server = this_server(); }"),
            (
                true,
                "fn main(to) { if to != () { to = this_server().name; } update(this_server()); } fn update(s) {}",
            ),
            (true, "fn main(x) { if x { return one(this_server()); } one(this_server()); } fn one(s) {}"),
            (false, "fn main() { for server in linked_servers() { server.make(\"up\"); } }"),
            (false, "fn main(x) { if x == () { return; } let server = this_server(); }"),
            (false, "fn main(x) { if linked_servers().len() == 1 { this_server().make(\"up\"); } }"),
            (false, "fn main() { one(); } fn one() { this_server().make(\"up\"); }"),
        ] {
            assert_eq!(is_of_one_server(&Text::new("it".into(), main.into())), is, "{main}");
        }
    }
}
