//! What can be told of a value before it is there: its kind, in the words of the primitives' signatures.

use rhai::Expr;

/// Units of time and of size, as they follow a number.
const TIMES: [&str; 5] = ["millisecond", "second", "minute", "hour", "day"];
const SIZES: [&str; 5] = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/// The kind of a value that is written out: `text`, `number`, `bool`, `array`, `map`, `duration`, `size`, `server`,
/// `block` or `()`.
pub fn kind(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::StringConstant(..) | Expr::InterpolatedString(..) | Expr::CharConstant(..) => "text",
        Expr::IntegerConstant(..) | Expr::FloatConstant(..) => "number",
        Expr::BoolConstant(..) | Expr::And(..) | Expr::Or(..) => "bool",
        Expr::Array(..) => "array",
        Expr::Map(..) => "map",
        Expr::Unit(..) => "()",
        Expr::DynamicConstant(value, _) if value.is_fnptr() => "block",
        Expr::FnCall(call, _) if call.name == "curry" => "block",
        Expr::Stmt(block) => match block.statements() {
            [rhai::Stmt::Share(_), _] => "block",
            _ => return None,
        },
        Expr::FnCall(call, _) if call.namespace.is_empty() => match call.name.as_str() {
            "this_server" | "server" => "server",
            "linked_servers" => "array",
            _ => return None,
        },
        Expr::Dot(parts, ..) => match (&parts.lhs, &parts.rhs) {
            (Expr::IntegerConstant(..), Expr::Property(property, _)) => unit(&property.2)?,
            _ => return None,
        },
        _ => return None,
    })
}

/// The kind of a server's setting, where that is one of few.
pub fn setting(name: &str) -> Option<&'static str> {
    Some(match name {
        "free_space" => "size",
        "healthy.within" | "healthy.stable" | "keep.age" => "duration",
        "keep.count" | "keep.last" | "keep.hourly" | "keep.daily" | "keep.weekly" | "keep.monthly"
        | "keep.yearly" => "number",
        "keep.within" => "text",
        "name" | "kind" | "endpoint" | "branch" | "checkout" | "folder" | "ssh" | "backups" | "env_file" => {
            "text"
        }
        _ => return None,
    })
}

/// The kind of what a call gives, where that is one of few.
pub fn given(name: &str) -> Option<&'static str> {
    Some(match name {
        "free_space" => "size",
        "installed_release" | "newest_release" | "join" | "to_string" | "sub_string" => "text",
        "len" | "parse_int" | "parse_float" => "number",
        _ => return None,
    })
}

fn unit(name: &str) -> Option<&'static str> {
    let one = name.strip_suffix('s').unwrap_or(name);
    match () {
        () if TIMES.contains(&one) => Some("duration"),
        () if SIZES.contains(&one) => Some("size"),
        () => None,
    }
}

/// The kind with its article.
pub fn described(kind: &str) -> &str {
    match kind {
        "number" => "a number",
        "bool" => "yes or no",
        "array" => "an array",
        "map" => "a map",
        "duration" => "a duration",
        "size" => "a size",
        "server" => "a server",
        "secret" => "a secret",
        "block" => "a block",
        other => other,
    }
}
