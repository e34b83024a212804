//! What `adopt` reads in `.env`: what the Compose that is installed reads there.

use crate::support::World;
use std::process::Command;

const FILE: &str = "version: \"2.4\"\nservices:\n  app:\n    image: shop/app:${SHOP_VERSION}\n";

/// Whether docker-compose 1 is what is found.
fn is_old() -> bool {
    let version = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).output().ok().filter(|it| it.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    version("docker", &["compose", "version", "--short"]).is_none()
        && version("docker-compose", &["version", "--short"]).is_some_and(|it| it.starts_with('1'))
}

#[test]
fn an_env_file_that_docker_compose_1_reads_otherwise_gets_its_dialect() {
    if !is_old() {
        eprintln!("LEFT OUT: docker-compose 1 is not installed, or a newer one is");
        return;
    }
    for (settings, dialect) in [
        ("SHOP_VERSION=1.2.0\nPASSWORD='pa$word'\n", false),
        // Compose 2 would read `pa`, and refuse the second one.
        ("SHOP_VERSION=1.2.0\nPASSWORD=pa$word\n", true),
        ("SHOP_VERSION=1.2.0\na junk line\n", true),
    ] {
        let world = World::new();
        world.write("shop/docker-compose.yml", FILE);
        world.write("shop/.env", settings);
        let said = world.banister(&["adopt", "shop", "--site", "."]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let site = world.read("site.toml");
        assert!(site.contains("version = { setting = \"SHOP_VERSION\" }"), "{site}");
        assert_eq!(site.contains("\ndialect = \"dotenv\"\n"), dialect, "{settings}: {site}");
        let status: serde_json::Value =
            serde_json::from_str(&world.banister(&["status", "--json", "--server", "shop"]).out).unwrap();
        assert_eq!(status[0]["release"], "1.2.0", "{status}");
    }
}
