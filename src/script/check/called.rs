//! What the functions of a text call.

use super::program::{Function, Program};
use crate::script::layers::merge::written;
use rhai::{ASTNode, Expr, FnCallExpr, Stmt};
use std::collections::BTreeSet;

/// The functions that a call of this one reaches within its text, without those that it reaches by other names only.
pub fn reached(program: &Program, name: &str) -> BTreeSet<String> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![name.to_owned()]);
    while let Some(name) = next.pop() {
        for function in program.named(&name) {
            calls(function, |call| {
                if !call.is_qualified() && program.named(&call.name).next().is_some() {
                    let called = written(&call.name).to_owned();
                    if reached.insert(called.clone()) {
                        next.push(called);
                    }
                }
            });
        }
    }
    reached
}

/// Goes through the calls of a function.
pub fn calls(function: &Function, mut each: impl FnMut(&FnCallExpr)) {
    let mut look = |path: &[ASTNode]| {
        match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _))) => each(call),
            Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => each(call),
            _ => {}
        }
        true
    };
    for statement in &function.body {
        statement.walk(&mut Vec::new(), &mut look);
    }
}
