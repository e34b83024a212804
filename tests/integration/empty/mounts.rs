//! What is mounted now is compared with what the release would mount.

use super::world::{Change, banister, world};
use serde_json::json;

/// Refused in Check, by the plan and by the update, with this reason.
fn refused(change: Change, reason: &str) {
    let world = world(change, "");
    let message = format!("error: web may not find its data in 2.0: {reason}\n");
    for line in [&["plan", "update"][..], &["run", "update", "--yes"]] {
        let said = banister(&world, line);
        let shown = format!("{}{}", said.out, said.err);
        let message = message.replace("WORLD", &world.path().display().to_string());
        assert_eq!(said.code, Some(1), "{reason}: {said:?}");
        assert!(shown.contains(&message), "{reason}: {said:?}");
        assert!(shown.contains("nothing was touched"), "{said:?}");
        assert!(shown.contains("`banister run update --moved REASON --server web`"), "{said:?}");
        assert!(!shown.contains("new in 2.0: `db`"), "{said:?}");
    }
    assert_eq!(world.read("trace"), "");
    assert!(!world.path().join("web/.git/banister/beside").exists());
}

#[test]
fn a_volume_of_another_name_is_refused() {
    refused(
        |file| {
            file["services"]["app"]["volumes"][0]["source"] = json!("uploads");
            file["volumes"]["uploads"] = json!({});
        },
        "`app` mounts the volume `shop_media` at `/media`, in 2.0 the volume `shop_uploads`",
    );
    refused(
        |file| file["volumes"]["rows"]["name"] = json!("shop-rows"),
        "`db` mounts the volume `shop_rows` at `/var/lib/db`, in 2.0 the volume `shop-rows`",
    );
}

#[test]
fn another_place_in_the_container_is_refused() {
    refused(
        |file| file["services"]["db"]["volumes"][0]["target"] = json!("/var/lib/db/18"),
        "`db` mounts the volume `shop_rows` at `/var/lib/db`, in 2.0 at `/var/lib/db/18`",
    );
}

#[test]
fn another_name_of_the_project_is_refused() {
    refused(
        |file| file["name"] = json!("store"),
        "the Compose project is `shop`, in 2.0 `store`; \
         `app` mounts the volume `shop_media` at `/media`, in 2.0 the volume `store_media`; \
         `db` mounts the volume `shop_rows` at `/var/lib/db`, in 2.0 the volume `store_rows`; \
         `worker` mounts the volume `shop_kept` at `/kept`, in 2.0 the volume `store_kept`",
    );
}

#[test]
fn another_folder_and_a_mount_that_is_gone_are_refused() {
    refused(
        |file| file["services"]["app"]["volumes"][1]["source"] = json!("./data/files"),
        "`app` mounts `WORLD/web/files` at `/files`, in 2.0 `WORLD/web/data/files`",
    );
    refused(
        |file| drop(file["services"]["app"]["volumes"].as_array_mut().unwrap().remove(0)),
        "`app` mounts the volume `shop_media` at `/media`, in 2.0 nothing",
    );
    refused(
        |file| drop(file["services"].as_object_mut().unwrap().remove("db")),
        "`db` mounts the volume `shop_rows` at `/var/lib/db`, and 2.0 has no service `db`",
    );
}

#[test]
fn another_owner_and_another_driver_of_a_volume_are_refused() {
    refused(
        |file| file["volumes"]["media"] = json!({ "external": true, "name": "shop_media" }),
        "the volume `shop_media` is the project's own, in 2.0 external",
    );
    refused(
        |file| file["volumes"]["rows"]["driver_opts"]["device"] = json!("/srv/other"),
        "the volume `shop_rows` has another `device` in 2.0",
    );
}

#[test]
fn a_release_that_compose_does_not_take_is_refused() {
    refused(
        |file| file["services"]["app"]["image"] = json!("app:${TAG:?}"),
        "what 2.0 mounts is not known: Compose does not take the files of the project: required variable TAG is missing a value",
    );
}

/// Goes well, and says nothing of mounts but this.
fn accepted(change: Change, notes: &[&str]) {
    let world = world(change, "");
    let said = banister(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.matches("new in 2.0").count(), notes.len(), "{said:?}");
    for note in notes {
        assert!(said.out.contains(note), "{said:?}");
    }
    assert!(!said.out.contains("could not be compared"), "{said:?}");
    assert_eq!(world.read("trace"), "up 2.0\n");
    assert!(!world.path().join("web/.git/banister/beside").exists());
}

#[test]
fn what_holds_no_data_may_be_mounted_elsewhere() {
    accepted(
        |file| {
            let volumes = file["services"]["app"]["volumes"].as_array_mut().unwrap();
            volumes.truncate(2);
        },
        &[],
    );
}

#[test]
fn a_service_may_have_another_name_and_mount_more() {
    accepted(
        |file| {
            let services = file["services"].as_object_mut().unwrap();
            let mut worker = services.remove("worker").unwrap();
            let more = json!({ "type": "volume", "source": "more", "target": "/more" });
            worker["volumes"].as_array_mut().unwrap().push(more);
            services.insert("jobs".into(), worker);
            file["volumes"]["more"] = json!({});
        },
        &["new in 2.0: `jobs` mounts the volume `shop_more` at `/more`"],
    );
}

/// An administrator who has looked at it goes on, and the run says why.
#[test]
fn with_a_reason_the_update_continues_and_the_run_keeps_it() {
    let world = world(|file| file["volumes"]["media"]["name"] = json!("pictures"), "");
    let planned = banister(&world, &["plan", "update", "--moved", " "]);
    assert_eq!(planned.code, Some(1), "{planned:?}");
    let planned = banister(&world, &["plan", "update", "--moved", "it was copied"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    let said = banister(&world, &["run", "update", "--yes", "--moved", "it was copied"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let note = "web is updated although data is mounted elsewhere (`app` mounts the volume `shop_media` at `/media`, in 2.0 \
                the volume `pictures`): it was copied";
    assert!(said.out.replace("\n  ", " ").contains(note), "{said:?}");
    assert!(banister(&world, &["show"]).out.contains("--moved 'it was copied'"));
}

/// Settings and files that git does not know are found, and nothing of the server is touched.
#[test]
fn the_release_is_read_with_what_is_only_on_the_server() {
    let world = world(
        |file| {
            file["volumes"]["media"]["name"] = json!("${PLACE:?}");
            file["services"]["app"]["volumes"][1]["source"] = json!("${FILES:?}");
        },
        "",
    );
    world.write("web/compose.override.yaml", "{\"networks\": {}}");
    world.write("web/.env", "PLACE=shop_media\nFILES=./files\n");
    let said = banister(&world, &["plan", "update"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    world.write("web/.env", "PLACE=shop_media\nFILES=../elsewhere\n");
    let said = banister(&world, &["plan", "update"]);
    let elsewhere = world.path().join("elsewhere");
    assert!(
        said.code == Some(1) && said.out.contains(&format!("in 2.0 `{}`", elsewhere.display())),
        "{said:?}"
    );
    assert!(!elsewhere.exists());
}

/// What a killed comparison leaves is removed by the next.
#[test]
fn where_nothing_runs_by_compose_nothing_is_compared() {
    let world = world(|file| file["name"] = json!("store"), "");
    world.remove("running.json");
    let said = banister(&world, &["plan", "update"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// Compose finds no file of its usual names: whoever started it named another one, which its containers know.
#[test]
fn files_of_other_names_are_known_by_the_labels_of_containers() {
    let world = world(|_| {}, "");
    world.git(&["mv", "compose.yaml", "deploy.yaml"]);
    world.git(&["commit", "-qm", "3.0"]);
    world.git(&["tag", "3.0"]);
    let text = world.read("web/deploy.yaml");
    let renamed = text.replace("\"media\":{}", "\"media\":{\"name\":\"pictures\"}");
    assert_ne!(renamed, text);
    world.write("web/deploy.yaml", &renamed);
    world.git(&["commit", "-qam", "4.0"]);
    world.git(&["tag", "4.0"]);
    world.git(&["checkout", "-q", "3.0"]);
    let said = banister(&world, &["plan", "update"]);
    let lost = "`app` mounts the volume `shop_media` at `/media`, in 4.0 the volume `pictures`";
    assert!(said.code == Some(1) && said.out.contains(lost), "{said:?}");
}

/// Compose finds files itself, and whoever started it named others: one beside them, one outside of the checkout, and one that
/// is gone.
#[test]
fn the_files_that_the_containers_were_made_from_are_compared_where_compose_would_take_others() {
    let world = world(|_| {}, "");
    let more = |target: &str| {
        let volumes = json!([{ "type": "volume", "source": "media", "target": target }]);
        json!({ "services": { "extra": { "image": "extra", "volumes": volumes } } }).to_string()
    };
    world.write("web/more.yaml", &more("/media"));
    world.write("outside.yaml", &more("/media").replace("extra", "other"));
    world.git(&["add", "more.yaml"]);
    world.git(&["commit", "-qm", "3.0"]);
    world.git(&["tag", "3.0"]);
    world.write("web/more.yaml", &more("/elsewhere"));
    world.git(&["commit", "-qam", "4.0"]);
    world.git(&["tag", "4.0"]);
    world.git(&["checkout", "-q", "3.0"]);
    // As Compose 1 has the first of them.
    let whole = |name: &str| world.path().join(name).display().to_string();
    let files = ["compose.yaml".into(), whole("web/more.yaml"), whole("outside.yaml")];
    world.write("config_files", &files.join(","));
    let said = banister(&world, &["plan", "update"]);
    let lost = "`extra` mounts the volume `shop_media` at `/media`, in 4.0 at `/elsewhere`";
    assert!(said.code == Some(1) && said.out.contains(lost), "{said:?}");
    world.write("config_files", &format!("compose.yaml,{}", whole("web/gone.yaml")));
    let said = banister(&world, &["plan", "update"]);
    assert!(said.code == Some(0) && said.out.contains("web/gone.yaml`, which is not there"), "{said:?}");
}
