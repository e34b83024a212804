//! What a path of a plan assumes. A question that follows from what the path has assumed before is not asked again,
//! so that no arm of a plan contradicts itself.

use super::assumed::Relation;
use super::here::Here;
use super::unknown::{Unknown, depends};
use super::values::to_error;
use crate::secret::lost_in;
use rhai::{Dynamic, EvalAltResult, NativeCallContext};
use serde_json::Value;

/// The end of what can be said: in a run, where a secret in the question is not known any more, why it is not.
pub fn unanswered(here: &Here, question: &str) -> Box<EvalAltResult> {
    let lost = lost_in(&Value::String(question.into())).into_iter().find(|lost| lost.at.is_none());
    match lost {
        Some(lost) => to_error(here.session.lost(&lost)),
        None => depends(question),
    }
}

/// Asks whether something holds; `key` tells apart what reads the same.
pub fn ask(context: &NativeCallContext, key: &str, question: &str) -> Result<bool, Box<EvalAltResult>> {
    let here = Here::of(context.tag())?;
    let Some(chooser) = &here.chooser else { return Err(unanswered(&here, question)) };
    if let Some(answer) = chooser.assumed().answers.get(key) {
        return Ok(*answer);
    }
    let answer = chooser.choose(question, &["yes".into(), "no".into()])? == 0;
    chooser.assumed().answers.insert(key.into(), answer);
    Ok(answer)
}

/// Asks how a fact stands to a value.
pub fn ask_relation(
    context: &NativeCallContext,
    subject: &Dynamic,
    relation: Relation,
    other: &Dynamic,
) -> Result<bool, Box<EvalAltResult>> {
    let here = Here::of(context.tag())?;
    let question = format!("{} {} {}", shown(subject), relation.operator(), shown(other));
    let Some(chooser) = &here.chooser else { return Err(unanswered(&here, &question)) };
    let (subject, to) = (fact(subject), fact(other));
    // An unknown is no value to compare others with.
    let value = super::convert::to_plain(other).unwrap_or_default();
    let known = chooser.assumed().relation(&subject, relation, &to, &value);
    if let Some(answer) = known {
        return Ok(answer);
    }
    let answer = chooser.choose(&question, &["yes".into(), "no".into()])? == 0;
    chooser.assumed().keep(&subject, relation, &to, value, answer);
    Ok(answer)
}

/// A script's value as a question shows it.
pub fn shown(value: &Dynamic) -> String {
    match super::convert::to_plain(value) {
        Ok(plain) => crate::data::describe(&plain),
        Err(_) => format!("a {}", value.type_name()),
    }
}

/// A value as a fact: the same as shown, but that two unknowns of the same words differ.
pub fn fact(value: &Dynamic) -> String {
    match value.read_lock::<Unknown>() {
        Some(unknown) => unknown.fact.clone(),
        None => shown(value),
    }
}
