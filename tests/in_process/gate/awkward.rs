//! A runbook of the test's own, which passes awkward values through the gate.

use super::ground::{Case, Ground};

pub const CASE: Case = Case {
    name: "awkward values",
    runbook: "awkward",
    kind: "plain",
    servers: &["gateway"],
    parameters: &[("given", "given AWKWARD")],
    table: "",
};

pub fn ground() -> Ground {
    Ground::with(CASE, include_str!("awkward.rhai"))
}
