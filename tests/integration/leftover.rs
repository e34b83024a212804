//! Unpacked backups that an abandoned run left behind.

use crate::restic::world;

use world::Web;

fn left(web: &Web) -> Vec<String> {
    web.in_backups().into_iter().filter(|name| name.starts_with(".restore")).collect()
}

#[test]
fn what_an_abandoned_restore_unpacked_is_removed_by_the_next_run_unless_it_was_put_back() {
    for repository in [true, false] {
        let web = Web::new("");
        if !repository {
            let site = web.read("site.toml");
            let lines = site.lines().filter(|line| !line.starts_with("repository"));
            web.write("site.toml", &lines.map(|line| format!("{line}\n")).collect::<String>());
        }
        web.done(&["run", "backup", "--yes"]);
        // Nobody answers its question.
        let said = web.banister(&["backup", "restore"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert_eq!(left(&web).len(), 2, "the backup, and whose it is: {:?}", left(&web));
        web.done(&["run", "backup", "--yes"]);
        assert_eq!(left(&web), [] as [String; 0]);
        // Killed before what it unpacked is whole.
        let said = web.crash(&["backup", "restore", "--yes"], "after \"unpack_backup\"");
        assert_eq!(said.code, Some(-9), "{said:?}");
        web.write("data/rows", "lost");
        web.done(&["backup", "restore", "--yes"]);
        assert_eq!((left(&web), web.read("data/rows").as_str()), (Vec::new(), "all of them"));
        // What it replaced is aside, and only what it unpacked says where.
        let said = web.crash(&["backup", "restore", "--yes"], "before \"drop_replaced\"");
        assert_eq!(said.code, Some(-9), "{said:?}");
        let said = web.done(&["run", "backup", "--yes", "--abandon=tried"]);
        let named = format!("{}` is left of the abandoned run", left(&web)[0]);
        assert!(said.out.contains(&named) || said.err.contains(&named), "{said:?}");
        assert_eq!(left(&web).len(), 2);
    }
}

#[test]
fn a_pipe_among_the_backups_keeps_nobody_waiting() {
    let web = Web::new("");
    web.done(&["run", "backup", "--yes"]);
    let name = web.cards()[0]["name"].as_str().unwrap().to_owned();
    let kept =
        std::path::PathBuf::from(web.cards()[0]["path"].as_str().unwrap()).parent().unwrap().to_owned();
    std::fs::remove_file(kept.join(format!("{name}.card.json"))).unwrap();
    let pipes =
        [".restore-20260101000000000000.of".into(), "web-odd.tar.zst".into(), format!("{name}.card.json")];
    for pipe in pipes {
        let made = std::process::Command::new("mkfifo").arg(kept.join(pipe)).status().unwrap();
        assert!(made.success());
    }
    web.done(&["run", "backup", "--yes"]);
    assert_eq!(web.cards().len(), 2);
    web.done(&["backup", "restore", "--yes"]);
}
