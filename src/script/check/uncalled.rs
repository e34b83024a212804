//! Functions of a site's file on a bundled one that override nothing and that nothing calls: most often a misspelt name, and
//! then what the site wants to be different is not.

use super::files::{File, Files};
use super::finding::{Finding, Severity};
use super::program::{Function, Program};
use crate::script::layers::merge::written;
use crate::script::layers::{Folder, distance, nearest};
use crate::script::text::outline::outline;
use crate::script::text::source::{BUNDLED, file_line, is_layered, module_name};
use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

/// How far a name may be from a bundled one to be that one, misspelt.
const MISSPELT: usize = 2;

/// All of them in a file.
pub fn uncalled(files: &Files, file: &File) -> Vec<Finding> {
    let Some(program) = &file.program else { return Vec::new() };
    let is_own = |function: &&Function| {
        let line = function.place.line().unwrap_or_default();
        !file_line(&file.text.source, line).0.starts_with(BUNDLED)
    };
    let is_layered = is_layered(&file.text.source);
    let below: Vec<&str> = program
        .functions
        .iter()
        .filter_map(|function| match is_own(&function) {
            true => None,
            false => Some(written(&function.name)),
        })
        .collect();
    let inherited = inherited(files, file);
    let below: Vec<&str> = below.into_iter().chain(inherited.iter().map(String::as_str)).collect();
    let own = program.functions.iter().filter(is_own).filter(|_| is_layered);
    let uncalled = own.filter(|own| own.name != "main" && !below.contains(&own.name.as_str()));
    let uncalled = uncalled.filter(|own| !is_called(program, own) && !is_called_elsewhere(files, &own.name));
    let finding = |own: &Function| {
        let near = nearest(&own.name, below.iter().copied());
        let misspelt = near.filter(|near| distance(&own.name, near) <= MISSPELT);
        let message = format!("`{}` overrides nothing, and nothing calls it", own.name);
        let (severity, help) = match (misspelt, near) {
            (Some(near), _) => (Severity::Error, format!("did you mean `{near}`?")),
            (None, Some(near)) => (
                Severity::Warning,
                format!("the nearest function of the bundled file is `{near}`; call this one, or remove it"),
            ),
            (None, None) => (Severity::Warning, "call it, or remove it".to_owned()),
        };
        Finding::new(severity, &file.text, own.place, message, help)
    };
    uncalled.map(finding).collect()
}

/// The functions that a kind inherits: those that it replaces are not in its text any more.
fn inherited(files: &Files, file: &File) -> Vec<String> {
    let parent = files.layers.extends(module_name(&file.text.source));
    let text = parent.and_then(|parent| files.layers.module(&parent).ok().flatten());
    let functions = text.map(|text| outline(&text.text).functions).unwrap_or_default();
    functions.into_iter().map(|function| function.name).collect()
}

/// Whether another function of the file calls it, or names it in a text, as `Fn("name")` does.
fn is_called(program: &Program, function: &Function) -> bool {
    let name = function.name.as_str();
    let mut called = false;
    let calls = |call: &FnCallExpr| !call.is_qualified() && call.name == name;
    let mut look = |path: &[ASTNode]| {
        called |= match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _))) => calls(call),
            Some(ASTNode::Expr(Expr::StringConstant(text, _))) => text == name,
            Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => calls(call),
            _ => false,
        };
        !called
    };
    let others = program.functions.iter().filter(|other| !std::ptr::eq(*other, function));
    for body in others.chain(program.closures.values()).map(|function| &function.body).chain([&program.top]) {
        for statement in body {
            statement.walk(&mut Vec::new(), &mut look);
        }
    }
    called
}

/// Whether a script of the site calls it as a function of a module.
fn is_called_elsewhere(files: &Files, name: &str) -> bool {
    let call = format!("::{name}(");
    [Folder::Runbooks, Folder::Stdlib].into_iter().any(|folder| {
        let scripts = files.layers.list(folder).into_iter().filter(|(_, is_sites)| *is_sites);
        scripts.into_iter().any(|(script, _)| {
            let text = match folder {
                Folder::Runbooks => files.layers.runbook(&script).map(Some),
                _ => files.layers.module(&script),
            };
            text.is_ok_and(|text| text.is_some_and(|text| text.text.contains(&call)))
        })
    })
}
