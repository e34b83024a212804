//! Secrets of a server elsewhere: they stay there, and what is done with them is exact.

use super::world::Elsewhere;
use std::fs;

const VALUE: &str = "c4nary/of+the=test";

fn elsewhere() -> Elsewhere {
    let elsewhere = Elsewhere::new();
    elsewhere.world.write("web/.env", &format!("DB_PASSWORD={VALUE}\n"));
    elsewhere
}

fn assert_kept_there(elsewhere: &Elsewhere) {
    let state = elsewhere.world.path().join("state");
    let mut folders = vec![state];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => {
                    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                    assert!(!text.contains(VALUE), "{}: {text}", path.display());
                }
            }
        }
    }
}

#[test]
fn a_line_with_a_secret_goes_back_as_it_was_and_never_comes_here() {
    let elsewhere = elsewhere();
    elsewhere.runbook(
        r#"//! Tries.
        fn main() {
            let s = this_server();
            let line = s.shell("grep DB_ .env").lines[0];
            s.shell("printf '%s\n' \"$LINE\" > ../written", #{ environment: #{ LINE: `${line}!` } });
            let now = s.read_env("DB_PASSWORD", #{ file: ".env" });
            s.shell("printf '%s\n' \"$LINE\" > ../given", #{ environment: #{ LINE: `p=${now}` } });
            note(`read ${line}`);
            s.make("fail");
            s.shell("printf '%s\n' \"$LINE\" > ../again", #{ environment: #{ LINE: line } });
        }"#,
    );
    let said = elsewhere.banister(&["run", "try", "-v"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(elsewhere.world.read("written"), format!("DB_PASSWORD={VALUE}!\n"));
    assert_eq!(elsewhere.world.read("given"), format!("p={VALUE}\n"));
    assert!(said.out.contains("read DB_PASSWORD=‹web DB_PASSWORD›"), "{said:?}");
    assert!(!said.out.contains(VALUE), "{said:?}");
    assert_kept_there(&elsewhere);
    elsewhere.world.write("mended", "");
    let said = elsewhere.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.world.read("again"), format!("DB_PASSWORD={VALUE}\n"));
    assert_kept_there(&elsewhere);
}

#[test]
fn a_secret_that_has_changed_there_is_not_taken_for_what_it_was() {
    let elsewhere = elsewhere();
    elsewhere.runbook(
        r#"//! Tries.
        fn main() {
            let s = this_server();
            let line = s.shell("grep DB_ .env").lines[0];
            s.shell("echo DB_PASSWORD=another-Value-of-1t > .env");
            try {
                s.shell("printf '%s\n' \"$LINE\" > ../written", #{ environment: #{ LINE: line } });
            } catch (failure) { note(`${failure.kind}: ${failure.message}`); }
        }"#,
    );
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // The agent that read it has it still.
    assert_eq!(elsewhere.world.read("written"), format!("DB_PASSWORD={VALUE}\n"), "{said:?}");

    let elsewhere = self::elsewhere();
    elsewhere.runbook(
        r#"//! Tries.
        fn main() {
            let s = this_server();
            let line = s.shell("grep DB_ .env").lines[0];
            s.make("fail");
            try {
                s.shell("printf '%s\n' \"$LINE\" > ../written", #{ environment: #{ LINE: line } });
            } catch (failure) { note(`${failure.kind}: ${failure.message}`); }
        }"#,
    );
    assert_eq!(elsewhere.banister(&["run", "try"]).code, Some(1));
    elsewhere.world.write("web/.env", "DB_PASSWORD=another-Value-of-1t\n");
    elsewhere.world.write("mended", "");
    let said = elsewhere.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = "not_found: `web DB_PASSWORD` of `web` has changed since it was read";
    assert!(said.out.contains(told), "{said:?}");
    assert_eq!(elsewhere.world.read("written"), "");
}

#[test]
fn a_secret_of_one_server_is_refused_by_another_and_no_comparison_guesses() {
    let elsewhere = elsewhere();
    let site = elsewhere.world.read("site.toml");
    elsewhere
        .world
        .write("site.toml", &format!("{site}[servers.here]\nkind = \"plain\"\ncheckout = \"web\"\n"));
    let try_it = |line: &str| {
        let text = format!(
            "//! Tries.\nfn main() {{\n    let s = server(\"web\");\n    let line = s.shell(\"grep DB_ .env\").lines[0];\n    \
             let now = s.read_env(\"DB_PASSWORD\", #{{ file: \".env\" }});\n    {line}\n}}\n"
        );
        elsewhere.runbook(&text);
        elsewhere.banister(&["run", "try", "--abandon"])
    };
    let said = try_it("server(\"here\").shell(\"echo $L > ../written\", #{ environment: #{ L: line } });");
    assert!(
        said.code != Some(0) && said.err.contains("`web DB_PASSWORD` is known on `web` only"),
        "{said:?}"
    );
    let said = try_it("if now == \"x\" { note(\"equal\"); } else { note(\"other\"); }");
    assert!(said.code != Some(0) && said.err.contains("the secret `web DB_PASSWORD"), "{said:?}");
    assert!(!said.out.contains("other"), "{said:?}");
    assert_eq!(elsewhere.world.read("written"), "");
}
