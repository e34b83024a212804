//! What `adopt` reads in `.env`: what Compose 1 reads there, where that is what is installed.

use crate::support::docker::compose_1;
use crate::support::{World, said};

const FILE: &str = "version: \"2.4\"\nservices:\n  app:\n    image: shop/app:${SHOP_VERSION}\n";

#[test]
fn an_env_file_that_docker_compose_1_reads_otherwise_gets_its_dialect() {
    let Some(path) = compose_1() else { return };
    for (settings, dialect) in [
        ("SHOP_VERSION=1.2.0\nPASSWORD='pa$word'\n", false),
        // Compose 2 would read `pa`, and refuse the second one.
        ("SHOP_VERSION=1.2.0\nPASSWORD=pa$word\n", true),
        ("SHOP_VERSION=1.2.0\na junk line\n", true),
    ] {
        let world = World::new();
        world.write("shop/docker-compose.yml", FILE);
        world.write("shop/.env", settings);
        let banister =
            |arguments: &[&str]| said(world.command(arguments).env("PATH", &path).output().unwrap());
        let said = banister(&["adopt", "shop", "--site", "."]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let site = world.read("site.toml");
        assert!(site.contains("version = { setting = \"SHOP_VERSION\" }"), "{site}");
        assert_eq!(site.contains("\ndialect = \"dotenv\"\n"), dialect, "{settings}: {site}");
        let status: serde_json::Value =
            serde_json::from_str(&banister(&["status", "--json", "--server", "shop"]).out).unwrap();
        assert_eq!(status[0]["release"], "1.2.0", "{status}");
    }
}
