//! The same over ssh: a secret that is a word of the wire or of the record changes no run.

use super::world::Elsewhere;
use crate::support::words;

#[test]
fn a_secret_that_is_a_word_of_the_wire_changes_no_run() {
    let runbook = "fn main() {\n    let s = this_server();\n    step \"Look\" { note(`${s.installed_release()}`); }\n\
        step \"Work\" { s.make(\"config\"); s.make(\"build\"); }\n    step \"Write\" {\n\
        let line = s.shell(\"grep -c PASSWORD .env; echo attempt server result\").lines;\n\
        s.shell(`printf '%s\\n' '${line[1]}' >> ../trace`); }\n    step \"Start\" { s.make(\"up\"); }\n}\n";
    let whole = Elsewhere::bare();
    whole.runbook(runbook);
    whole.world.write("web/.env", "X_PASSWORD=none\n");
    let said = whole.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let trace = whole.trace();
    assert!(trace.contains("attempt server result"), "{trace}");
    let given = ["web", "far", "0.1.0", "try", "plain", "Makefile", ".env"];
    let words = words::of(&whole.world.journals()[0], &given.map(str::to_owned));
    let records = whole.world.records();
    let mut killed = 0;
    for record in (1..records).step_by(5) {
        let elsewhere = Elsewhere::bare();
        elsewhere.runbook(runbook);
        elsewhere.world.write("web/.env", &words::settings(&words));
        let place = format!("{} {record}", if record % 2 == 0 { "after" } else { "before" });
        let said = elsewhere.crash(&["run", "try"], &place);
        if said.code != Some(-9) {
            continue;
        }
        killed += 1;
        let said = elsewhere.banister(&["resume"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(elsewhere.trace(), trace, "{place}");
    }
    println!("{} words as secrets, {killed} kills at {records} records over ssh: 0 ends differ", words.len());
}
