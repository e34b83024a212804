//! Through the real program.

use super::random::{Random, strong};
use crate::support::{Said, World};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A server with these settings, and a runbook.
fn world(settings: &str, runbook: &str) -> World {
    let world = World::new();
    world.write("site.toml", "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nenv_file = \".env\"\n");
    world.write("web/.env", settings);
    world.write(
        "runbooks/try.rhai",
        &format!("//! Tries.\nfn main() {{\n    let s = this_server();\n{runbook}\n}}\n"),
    );
    world
}

fn run(world: &World, arguments: &[&str], code: i32) -> Said {
    let said = world.banister(arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
    said
}

/// Every file below the state, but the raw logs of commands.
fn stored(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(stored(&path));
        } else if entry.file_name() != "log" && entry.file_name() != "secrets.key" {
            all.insert(
                path.display().to_string(),
                String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
            );
        }
    }
    all
}

const VALUE: &str = "c4nary/of+the=test";

#[test]
fn a_secret_that_is_called_like_a_part_of_the_record_changes_nothing() {
    for word in [
        "attempt",
        "result",
        "server",
        "web",
        "done",
        "arguments",
        "command_failed",
        "call",
        "$server",
        "0001",
    ] {
        let world = world(
            &format!("APP_TOKEN={word}\nOTHER_PASSWORD={word}-and-more-9\n"),
            "    let said = s.shell(\"echo a result of the server web; echo 'attempt done'; cat .env\").lines;\n    \
             try { s.shell(\"exit 3\"); } catch (e) { note(e.kind); }\n    \
             step \"Attempt\" { s.make(\"fail\"); }\n    note(`read ${said.len()} lines`);",
        );
        run(&world, &["run", "try"], 1);
        world.write("mended", "");
        let said = run(&world, &["resume", "--json"], 0);
        assert!(said.out.contains("\"text\":\"read 4 lines\""), "{word}: {said:?}");
        assert!(said.out.contains("\"state\":\"done\""), "{word}: {said:?}");
        run(&world, &["show"], 0);
        run(&world, &["show", "--json"], 0);
    }
}

#[test]
fn a_secret_that_is_a_folder_of_the_site_is_no_reason_to_lose_a_backup() {
    let world = world(
        "APP_TOKEN=production-site-1\n",
        "    let made = s.backup(#{ files: [\"data\"] });\n    s.make(\"fail\");\n    s.check_backup(made.path);",
    );
    world.write("web/data/file", "kept");
    let site = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"data\"]\nbackups = \"../production-site-1/backups\"\n";
    world.write("site.toml", site);
    run(&world, &["run", "try"], 1);
    world.write("mended", "");
    run(&world, &["resume"], 0);
}

#[test]
fn what_a_script_reads_is_what_it_writes() {
    let world = world(
        &format!("DB_PASSWORD={VALUE}\n"),
        "    let line = s.shell(\"grep DB_ .env\").lines[0];\n    \
         s.shell(`printf '%s\\n' '${line}' > ../written`);\n    \
         s.shell(\"printf '%s' \\\"$LINE\\\" > ../given\", #{ environment: #{ LINE: `p=${s.read_env(\"DB_PASSWORD\")}!` } });\n    \
         note(`read ${line}`);\n    s.make(\"fail\");\n    \
         s.shell(`printf '%s\\n' '${line}' > ../again`);",
    );
    let said = run(&world, &["run", "try", "-v"], 1);
    assert_eq!(world.read("written"), format!("DB_PASSWORD={VALUE}\n"));
    assert_eq!(world.read("given"), format!("p={VALUE}!"));
    assert!(said.out.contains("read DB_PASSWORD=‹secret›"), "{said:?}");
    world.write("mended", "");
    run(&world, &["resume"], 0);
    assert_eq!(world.read("again"), format!("DB_PASSWORD={VALUE}\n"));
    for (path, text) in stored(&world.path().join("state")) {
        assert!(!text.contains(VALUE), "{path}: {text}");
    }
    let key = world.path().join("state/secrets.key");
    let about = key.metadata().unwrap();
    assert_eq!((about.len(), about.permissions().mode() & 0o777), (32, 0o600));
}

#[test]
fn a_secret_is_refused_by_its_name_where_others_can_read_it() {
    let line = "    s.shell(`psql ${s.read_env(\"DB_PASSWORD\")} > ../ran`);";
    let world = world(&format!("DB_PASSWORD={VALUE}\n"), line);
    let said = run(&world, &["run", "try"], 2);
    assert!(said.err.contains("the secret `web DB_PASSWORD` can't be in `line` of `shell`"), "{said:?}");
    assert!(said.err.contains("environment"), "{said:?}");
    assert!(!world.path().join("ran").exists());
}

#[test]
fn a_letter_that_stands_for_a_secret_here_can_not_be_smuggled_in() {
    let world = world(
        &format!("DB_PASSWORD={VALUE}\n"),
        "    let now = s.read_env(\"DB_PASSWORD\");\n    let held = `${now}`;\n    \
         let line = s.shell(\"printf '\\\\364\\\\200\\\\200\\\\200 \\\\364\\\\200\\\\200\\\\201'\").lines[0];\n    \
         note(`same ${line.contains(held)}`);\n    s.make(\"fail\");\n    \
         s.shell(\"printf %s \\\"$LINE\\\" > ../letters\", #{ environment: #{ LINE: line } });",
    );
    let said = run(&world, &["run", "try"], 1);
    assert!(said.out.contains("same false"), "{said:?}");
    world.write("mended", "");
    run(&world, &["resume"], 0);
    assert_eq!(world.read("letters"), "\u{100000} \u{100001}");
}

#[test]
fn events_keep_their_form_whatever_is_secret() {
    let words = ["call_started", "wait_healthy", "step_finished", "command_failed"];
    let settings: String = words.iter().enumerate().map(|(n, word)| format!("A{n}_TOKEN={word}\n")).collect();
    let world = world(&settings, "    step \"One\" { s.shell(\"cat .env; exit 3\"); }");
    let said = run(&world, &["run", "try", "--json"], 1);
    let events: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert!(count("call_started") > 0 && count("step_finished") > 0, "{said:?}");
    let failed = events.iter().find(|event| event["event"] == "call_finished").unwrap();
    assert_eq!(failed["failure"]["kind"], "command_failed");
    assert!(failed["failure"]["why"].to_string().contains("A0_TOKEN=‹secret›"), "{failed}");
    let journal = fs::read_to_string(world.journals().remove(0)).unwrap();
    assert!(!journal.contains("call_started") && journal.contains("web A0_TOKEN"), "{journal}");
}

#[test]
fn numbers_come_back_as_they_went() {
    let world = world(
        "",
        "    let e = #{ X: 31.245270191439438, Y: 9007199254740993, Z: 0.1 };\n    \
         s.shell(\"echo $X $Y $Z > ../numbers\", #{ environment: e });\n    s.make(\"fail\");",
    );
    run(&world, &["run", "try"], 1);
    assert_eq!(world.read("numbers"), "31.245270191439438 9007199254740993 0.1\n");
    world.write("mended", "");
    run(&world, &["resume"], 0);
    world.write(
        "runbooks/nan.rhai",
        "//! Fails.\nfn main() { this_server().shell(\"echo\", #{ environment: #{ X: 0.0 / 0.0 } }); }\n",
    );
    let said = world.banister(&["run", "nan"]);
    assert!(said.code != Some(0) && said.err.contains("is no number that can be passed"), "{said:?}");
}

#[test]
fn a_text_with_a_secret_that_changed_is_in_the_way_only_where_it_is_used() {
    let runbook = |use_it: &str| {
        format!(
            "    let line = s.shell(\"grep DB_ .env\").lines[0];\n    \
             s.shell(\"echo $L >> ../trace\", #{{ environment: #{{ L: line }} }});\n    s.make(\"fail\");\n    {use_it}"
        )
    };
    let stopped = |use_it: &str| {
        let world = world(&format!("DB_PASSWORD={VALUE}\n"), &runbook(use_it));
        run(&world, &["run", "try"], 1);
        world.write("web/.env", "DB_PASSWORD=another-Value-of-1t\n");
        world.write("mended", "");
        (world.banister(&["resume"]), world)
    };
    let (said, world) = stopped("note(\"not used\");");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace").matches(VALUE).count(), 1);
    for use_it in [
        "if line == \"x\" { note(\"equal\"); }",
        "if line.contains(\"x\") { note(\"in it\"); }",
        "s.shell(\"echo $L > ../used\", #{ environment: #{ L: line } });",
        "let part = line.len(); note(`${part}`);",
    ] {
        let (said, world) = stopped(use_it);
        assert_eq!(said.code, Some(5), "{use_it}: {said:?}");
        assert!(said.err.contains("`web DB_PASSWORD` has changed since"), "{use_it}: {said:?}");
        assert!(said.err.contains("shell(web") && said.err.contains("try.rhai:4"), "{use_it}: {said:?}");
        assert!(said.err.contains("banister resume"), "{use_it}: {said:?}");
        assert!(!world.path().join("used").exists());
        // With the earlier value there again it goes on.
        world.write("web/.env", &format!("DB_PASSWORD={VALUE}\n"));
        run(&world, &["resume"], 0);
    }
}

#[test]
fn a_pause_within_a_secret_shows_no_half_of_it() {
    let (first, second) = VALUE.split_at(9);
    let world = world(
        &format!("DB_PASSWORD={VALUE}\n"),
        &format!("    s.shell(\"printf '{first}'; sleep 0.7; printf '{second}\\n'; printf 'end {first}'\");"),
    );
    for arguments in [&["run", "try", "-v"][..], &["run", "try", "--json"]] {
        let said = run(&world, arguments, 0);
        let shown: Vec<&str> = said.out.lines().filter(|line| !line.contains("shell(")).collect();
        let shown: Vec<&str> = shown.into_iter().filter(|line| !line.contains("call_")).collect();
        for half in [first, second] {
            assert!(!shown.iter().any(|line| line.contains(half)), "{half}: {said:?}");
        }
    }
}

#[test]
fn two_hundred_secrets_are_seen_nowhere_however_they_are_printed() {
    let mut random = Random::new(3);
    let mut values: Vec<String> = Vec::new();
    while values.len() < 200 {
        let value = strong(&mut random);
        // As make reads a settings file, these mean something.
        if !value.contains(['#', '$', '\n', '\\', '\'', '"'])
            && !value.ends_with(' ')
            && !value.starts_with(['-', ' '])
        {
            values.push(value);
        }
    }
    let settings: String =
        values.iter().enumerate().map(|(n, value)| format!("A{n}_PASSWORD={value}\n")).collect();
    let script = "import sys, json, base64, urllib.parse, html\n\
        for line in open('.env', encoding='utf-8'):\n\
        \x20   v = line.rstrip('\\n').split('=', 1)[1]\n\
        \x20   print(v); print(repr('x' + v)); print(json.dumps([v])); print(html.escape(v)); print(urllib.parse.quote('a ' + v, safe=''))\n\
        \x20   print(urllib.parse.quote_plus(v).lower() if False else urllib.parse.quote_plus(v)); print(v.encode().hex())\n\
        \x20   print(base64.encodebytes(('user:' + v).encode()).decode(), end=''); print(base64.urlsafe_b64encode(v.encode()).decode())\n";
    let world = world(
        &settings,
        "    let said = s.run([\"python3\", \"../print.py\"]).lines;\n    show(\"All\", said.join(\"\\n\"));\n    \
         let x = s.read_yaml(\"../x.yaml\", \"plain\");\n    note(x);\n    s.make(\"fail\");",
    );
    world.write("print.py", script);
    world.write("x.yaml", &format!("plain: \"{}\"\n", values[0]));
    let look = |text: &str, place: &str| {
        for value in &values {
            assert!(!text.contains(value.as_str()), "{place}: {value:?} in {text}");
            let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!text.contains(&hex), "{place}: {value:?} in hex");
            let json = serde_json::to_string(value).unwrap();
            assert!(!text.contains(json.trim_matches('"')), "{place}: {value:?} in JSON");
        }
    };
    for (arguments, code) in [
        (&["plan", "try", "-v", "--out", "plan.json"][..], 0),
        (&["run", "try", "-v"], 1),
        (&["resume", "--json", "-v"], 1),
        (&["show"], 0),
        (&["show", "--json"], 0),
    ] {
        let said = run(&world, arguments, code);
        look(&said.out, &format!("{arguments:?}"));
        look(&said.err, &format!("{arguments:?}"));
    }
    look(&world.read("plan.json"), "the plan");
    for (path, text) in stored(&world.path().join("state")) {
        look(&text, &path);
    }
    world.write("mended", "");
    run(&world, &["resume"], 0);
}

#[test]
fn what_is_no_secret_is_shown_and_what_can_not_be_read_is_told() {
    let world = world("", "    s.shell(\"cat .env\");");
    let settings = b"KEYSTORE_KEY=name-of-the-key-1\nDB_PASSWORD=c4nary/of+the=test\nLATIN=\xe9\xff\n";
    fs::write(world.path().join("web/.env"), settings).unwrap();
    let said = run(&world, &["run", "try", "-v"], 0);
    assert!(
        said.out.contains("KEYSTORE_KEY=‹secret›") && said.out.contains("DB_PASSWORD=‹secret›"),
        "{said:?}"
    );
    assert!(said.out.contains("can't be read in line 3"), "{said:?}");
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nnot_secrets = [\"KEYSTORE_KEY\"]\nenvironment = { SMTP_PASSWORD = \"of-the-Site-7x\" }\n",
    );
    world.write(
        "runbooks/try.rhai",
        "//! Tries.\nfn main() { this_server().shell(\"cat .env; echo $SMTP_PASSWORD\"); }\n",
    );
    let said = run(&world, &["run", "try", "-v"], 0);
    assert!(
        said.out.contains("KEYSTORE_KEY=name-of-the-key-1") && said.out.contains("DB_PASSWORD=‹secret›"),
        "{said:?}"
    );
    assert!(!said.out.contains("of-the-Site-7x"), "{said:?}");
}

#[test]
fn check_names_a_secret_that_is_also_a_word_of_the_site() {
    let world = world(
        "APP_TOKEN=web\nPOSTGRES_PASSWORD=postgres\nPOSTGRES_USER=postgres\nDB_PASSWORD=c4nary/of+the=test\n",
        "",
    );
    let said = run(&world, &["check"], 0);
    for name in ["APP_TOKEN", "POSTGRES_PASSWORD"] {
        assert!(said.out.contains(&format!("`{name}`")), "{said:?}");
    }
    assert!(said.out.contains("not_secrets") && !said.out.contains("`DB_PASSWORD`"), "{said:?}");
}

#[test]
fn a_record_of_the_first_version_is_read_and_what_it_hides_is_not_believed() {
    let world = world(
        &format!("DB_PASSWORD={VALUE}\n"),
        "    let line = s.shell(\"grep DB_ .env\").lines[0];\n    s.make(\"fail\");\n    if line.contains(\"x\") { note(\"in it\"); }",
    );
    run(&world, &["run", "try"], 1);
    let journal = world.journals().remove(0);
    let text = fs::read_to_string(&journal).unwrap();
    let mut sum = String::new();
    let mut old = String::new();
    for line in text.lines() {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("sum");
        let body = record.to_string();
        let today = format!("\"version\":{}", banister::internals::journal::VERSION);
        let body = body.replace(&today, "\"version\":1");
        let start = body.find("{\"$pieces\"");
        let body = match start {
            Some(start) => {
                let end = start + body[start..].find("]}").unwrap() + 2;
                format!("{}\"DB_PASSWORD=‹secret›\"{}", &body[..start], &body[end..])
            }
            None => body,
        };
        use sha2::Digest;
        let digest = sha2::Sha256::new().chain_update(&sum).chain_update(&body).finalize();
        sum = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        old += &format!("{},\"sum\":\"{sum}\"}}\n", &body[..body.len() - 1]);
    }
    fs::write(&journal, old).unwrap();
    world.write("mended", "");
    let said = run(&world, &["resume"], 5);
    assert!(said.err.contains("the version that began this run did not record which one"), "{said:?}");
}
