//! Whether a runbook is for one server, as its text says.

use super::program::Program;
use crate::script::layers::Text;
use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

/// Whether `main` calls `this_server()` whatever its parameters are. What only a function that it calls does, or what it does on
/// some ways alone, is not counted.
pub fn is_of_one_server(text: &Text) -> bool {
    let Some(program) = Program::parse(text).0 else { return false };
    let Some(main) = program.named("main").max_by_key(|main| main.parameters.len()) else { return false };
    for statement in &main.body {
        if asks(statement) {
            return true;
        }
        if leaves_without(statement) {
            return false;
        }
    }
    false
}

fn asks(statement: &Stmt) -> bool {
    match statement {
        Stmt::Var(declared, ..) => always(&declared.1),
        Stmt::Expr(value) => always(value),
        Stmt::FnCall(call, _) => called(call),
        Stmt::Return(Some(value), ..) => always(value),
        _ => false,
    }
}

/// Whether whoever evaluates this calls it; what stands in a branch or behind `&&`, `||` and `??` may be left out.
fn always(value: &Expr) -> bool {
    match value {
        Expr::FnCall(call, _) | Expr::MethodCall(call, _) => called(call),
        Expr::Stmt(block) => block.statements().iter().any(asks),
        Expr::Dot(both, ..) | Expr::Index(both, ..) => always(&both.lhs),
        Expr::Array(items, _) | Expr::InterpolatedString(items, _) => items.iter().any(always),
        Expr::Map(map, _) => map.0.iter().any(|(_, item)| always(item)),
        Expr::And(operands, _) | Expr::Or(operands, _) | Expr::Coalesce(operands, _) => {
            operands.first().is_some_and(always)
        }
        _ => false,
    }
}

fn called(call: &FnCallExpr) -> bool {
    call.name == "this_server" && !call.is_qualified() || call.args.iter().any(always)
}

/// Whether `main` may end in this statement before it has asked.
fn leaves_without(statement: &Stmt) -> bool {
    let mut found = false;
    statement.walk(&mut Vec::new(), &mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Return(value, ..))) = path.last() {
            found |= !value.as_ref().is_some_and(|value| always(value));
        }
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
            (
                false,
                "fn main() { let s = if linked_servers().len() == 1 { [this_server()] } else { linked_servers() }; }",
            ),
            (false, "fn main(x) { x == () || this_server().is_healthy().healthy; }"),
            (false, "fn main(x) { let s = x ?? this_server(); }"),
            (false, "fn main(x) { if x { return; } else { note(this_server().name); } this_server(); }"),
            (false, "fn main(x) { switch x { 1 => this_server(), _ => () } }"),
            (true, "fn main(x) { note(`${this_server().name}: ${x}`); }"),
            (true, "fn main(x) { return [x, this_server()]; }"),
            (true, "fn main(x) { this_server().name == x || stop(x); } fn stop(x) {}"),
        ] {
            assert_eq!(is_of_one_server(&Text::new("it".into(), main.into())), is, "{main}");
        }
    }
}
