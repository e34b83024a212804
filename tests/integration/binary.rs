//! A server that is one program file: its releases are files with digests.

mod killed;
mod packed;
mod publisher;
mod refused;

use publisher::{
    Fault, Forge, assert_state, leavings, machine, program, release, sha256, site, site_with, state,
};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// Two releases and one that does not run.
fn forge() -> Forge {
    Forge::start(vec![
        release("3.0.0", "bad"),
        release("2.0.0", "good"),
        release("1.1.0", "good"),
        release("1.0.0", "good"),
    ])
}

#[test]
fn a_file_is_replaced_over_two_releases_and_one_that_fails_is_rolled_back_without_a_network() {
    let forge = forge();
    let world = machine(&forge);
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.banister(&["status", "--json"]);
    assert!(said.out.contains("\"release\":\"1.0.0+base-3.1.0\""), "{said:?}");

    let plan = world.banister(&["plan", "update", "--to", "v1.1.0"]);
    let digest = sha256(&program("1.1.0", "good"));
    for told in [
        "Update git from 1.0.0+base-3.1.0 to v1.1.0?",
        &format!("opt/app: app-1.1.0-linux, 22.1 kB, sha256:{digest} (`app-1.1.0-linux.sha256`)"),
        "News of 1.1.0.",
        "download_file(git, \"v1.1.0\")",
        "install_file(git)",
    ] {
        assert!(plan.out.contains(told), "{told}: {plan:?}");
    }
    assert!(forge.fetched().is_empty() && !world.path().join("srv/.banister/program").exists(), "{plan:?}");

    let said = world.banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
    let file = std::fs::metadata(world.path().join("opt/app")).unwrap();
    assert_eq!(file.permissions().mode() & 0o7777, 0o751);
    // It is replaced while it is stopped.
    assert_eq!(world.read("trace"), "stop, file of 1.0.0+base-3.1.0\nstart 1.1.0\n");
    assert!(world.banister(&["status", "--json"]).out.contains("\"release\":\"v1.1.0\""));

    // The newest is bad: it is rolled back while the forge is away.
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(state(&world), (String::new(), "3.0.0".into(), "of 3.0.0".into()), "{said:?}");
    forge.change(|shop| shop.fault = Fault::Dead);
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
    forge.change(|shop| shop.fault = Fault::Nothing);
    // It is left out now, and the one before it is taken.
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("v3.0.0"), "{said:?}");
    assert_state(&world, "2.0.0", &said);
    let said = world.banister(&["run", "update", "--to", "v2.0.0", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("already runs v2.0.0"), "{said:?}");
}

#[test]
fn a_file_that_was_fetched_before_the_update_is_not_fetched_again() {
    let forge = forge();
    let world = machine(&forge);
    let said = world.banister(&["run", "prefetch", "--release", "v1.1.0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("ready for v1.1.0 on git: app-1.1.0-linux (22.1 kB)"), "{said:?}");
    assert_eq!((forge.fetched().len(), world.read("trace")), (1, String::new()), "{said:?}");
    assert_eq!(state(&world).1, "1.0.0", "{said:?}");
    let said = world.banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
    assert_eq!(forge.fetched().len(), 1, "{:?}", forge.fetched());
}

#[test]
fn github_says_the_digest_itself_and_a_list_of_versions_is_enough_without_a_forge() {
    let releases = ["1.1.0", "1.0.0"].map(|version| {
        let digest = Some(format!("sha256:{}", sha256(&program(version, "good"))));
        publisher::Release { digest, sums: None, ..release(version, "good") }
    });
    let forge = Forge::start(releases.to_vec());
    let world = machine(&forge);
    let address = forge.server.authority();
    site_with(
        &world,
        &format!(
            "releases = {{ forge = \"http://{address}/owner/name\", type = \"github\" }}\nasset = \"app-{{}}-linux\"\n"
        ),
    );
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("(the release page)"), "{said:?}");
    assert_state(&world, "1.1.0", &said);

    let forge = self::forge();
    let address = forge.server.authority();
    let files = format!(
        "asset = \"http://{address}/files/{{tag}}/app-{{}}-linux\"\nsha256 = \"http://{address}/files/{{tag}}/app-{{}}-linux.sha256\"\n"
    );
    for versions in [
        format!("http = \"http://{address}/versions.json\", json = \"app.all\""),
        format!("http = \"http://{address}/versions.txt\""),
        "command = [\"printf\", \"v1.1.0\\\\nv1.0.0\\\\nv2.0.0 newest\\\\n\"]".into(),
    ] {
        let world = machine(&forge);
        site_with(
            &world,
            &format!("versions = {{ {versions} }}\n{files}releases = {{ not = [\"3.0.0\"] }}\n"),
        );
        let said = world.banister(&["run", "update", "--yes"]);
        assert_eq!(said.code, Some(0), "{versions}: {said:?}");
        assert_state(&world, "2.0.0", &said);
    }
}

#[test]
fn what_a_forge_calls_a_prerelease_is_only_installed_if_it_is_named() {
    let forge = forge();
    forge.change(|shop| shop.releases[0] = publisher::Release { is_trial: true, ..release("3.0.0", "good") });
    let world = machine(&forge);
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(
        said.code == Some(0) && said.out.contains("`v3.0.0` is called a prerelease on its page"),
        "{said:?}"
    );
    assert_state(&world, "2.0.0", &said);
    let said = world.banister(&["run", "update", "--to", "v3.0.0", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "3.0.0", &said);
}

#[test]
fn required_stops_are_installed_on_the_way_and_a_backup_leads_back_to_an_older_release() {
    let forge = forge();
    let world = machine(&forge);
    let address = forge.server.authority();
    site_with(
        &world,
        &format!(
            "releases = {{ forge = \"http://{address}/owner/name\", type = \"forgejo\", stops = \"each_major\", not = [\"3.0.0\"] }}\n\
             asset = \"app-{{}}-linux\"\nsha256 = \"app-{{}}-linux.sha256\"\n"
        ),
    );
    let said = world.banister(&["run", "update", "--through", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "2.0.0", &said);
    assert!(world.read("trace").contains("start 1.1.0\n"), "{}", world.read("trace"));
    let listed = world.banister(&["backup", "list", "--json"]);
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.out).unwrap();
    let of = |release: &str| {
        let found = listed.iter().find(|backup| backup["release"] == release);
        found.unwrap_or_else(|| panic!("{release}: {listed:?}"))["name"].as_str().unwrap().to_owned()
    };
    let said = world.banister(&["run", "rollback", "--backup", &of("v1.1.0"), "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
}

#[test]
fn commands_of_its_own_stop_and_start_it_where_no_unit_does() {
    let forge = forge();
    let world = machine(&forge);
    site(
        &world,
        &forge,
        "sha256 = \"app-{}-linux.sha256\"\nhealth = [{ command = [\"test\", \"-s\", \"../units/app.service\"], name = \"up\" }]\n\
         commands = { start = [\"systemctl\", \"restart\", \"app.service\"], stop = [\"systemctl\", \"stop\", \"app.service\"] }\n",
    );
    world.write("site.toml", &world.read("site.toml").replace("units = [\"app.service\"]\n", ""));
    let said = world.banister(&["run", "update", "--to", "v2.0.0", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "2.0.0", &said);
    assert_eq!(world.read("trace"), "stop, file of 1.0.0+base-3.1.0\nstart 2.0.0\n");
}

/// A user without root who may write the folder of the program; and one who may not.
#[test]
fn another_user_replaces_a_file_of_their_own_and_no_other() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let forge = forge();
    let world = machine(&forge);
    if !crate::support::is_open_to_others(world.path().parent().unwrap()) {
        eprintln!("left out: the folder of temporary files is closed to others");
        return;
    }
    let chown = |owner: &str, path: &str| {
        let path = world.path().join(path);
        assert!(
            std::process::Command::new("chown").args(["-R", owner]).arg(path).status().unwrap().success()
        );
    };
    let banister = |words: &[&str]| {
        let like = world.command(words);
        let mut command = std::process::Command::new("setpriv");
        command.args([
            "--reuid",
            "54321",
            "--regid",
            "54321",
            "--clear-groups",
            env!("CARGO_BIN_EXE_banister"),
        ]);
        command.args(words).current_dir(world.path()).env_clear();
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        crate::support::said(command.output().unwrap())
    };
    chown("54321:54321", "");
    chown("root", "opt/app");
    let said = banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
    assert!(
        said.code == Some(1) && said.err.contains("belongs to the user 0 and the group 54321"),
        "{said:?}"
    );
    chown("54321:54321", "opt/app");
    chown("root", "opt");
    chown("54321:54321", "opt/app");
    let said = banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("this user may write no file in"), "{said:?}");
    assert_eq!((state(&world).1.as_str(), leavings(&world).len(), forge.fetched().len()), ("1.0.0", 0, 0));
    chown("54321:54321", "opt");
    let said = banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
    assert_eq!(std::fs::metadata(world.path().join("opt/app")).unwrap().uid(), 54321);
}
