//! Against a registry as Debian ships it (`docker-registry`), filled by this test. Without that program nothing is tested.

use banister::failure::Failure;
use banister::internals::machine::client::{Client, Limits};
use banister::internals::machine::registry::{Digest, Image, Platform, Registry};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const NO_HELPER: fn(&str, &str, &str) -> Result<Option<String>, Failure> = |_, _, _| Ok(None);

struct Real {
    child: Child,
    port: u16,
    folder: TempDir,
    authorization: Option<String>,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Real {
    fn start(password: Option<&str>) -> Option<Real> {
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = folder.path().join("data");
        let mut config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            root.display()
        );
        if let Some(password) = password {
            let file = folder.path().join("htpasswd");
            let made = Command::new("htpasswd").args(["-Bbn", "admin", password]).output().unwrap();
            fs::write(&file, made.stdout).unwrap();
            config.push_str(&format!(
                "auth:\n  htpasswd:\n    realm: test realm\n    path: {}\n",
                file.display()
            ));
        }
        let file = folder.path().join("config.yml");
        fs::write(&file, config).unwrap();
        let started = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            eprintln!("there is no `docker-registry` here: nothing was tested");
            return None;
        };
        let authorization = password.map(|password| {
            use base64::Engine;
            let encoded = base64::engine::general_purpose::STANDARD.encode(format!("admin:{password}"));
            format!("Basic {encoded}")
        });
        let real = Real { child, port, folder, authorization };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the registry did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(real)
    }

    fn image(&self, rest: &str) -> Image {
        format!("127.0.0.1:{}/{rest}", self.port).parse().unwrap()
    }

    fn send(&self, method: &str, url: &str, sort: &str, body: &[u8]) -> ureq::http::Response<ureq::Body> {
        let url = if url.starts_with('/') {
            format!("http://127.0.0.1:{}{url}", self.port)
        } else {
            url.to_owned()
        };
        let mut request = ureq::http::Request::builder().method(method).uri(url).header("content-type", sort);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build();
        let answer = config.new_agent().run(request.body(body).unwrap()).unwrap();
        assert!(answer.status().is_success(), "{method} {:?}", answer);
        answer
    }

    fn push_blob(&self, repository: &str, blob: &[u8]) -> Digest {
        let digest = Digest::of(blob);
        let begun = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "", b"");
        let location = begun.headers()["location"].to_str().unwrap();
        let sign = if location.contains('?') { '&' } else { '?' };
        self.send("PUT", &format!("{location}{sign}digest={digest}"), "application/octet-stream", blob);
        digest
    }

    fn push_manifest(&self, repository: &str, reference: &str, sort: &str, body: &str) -> Digest {
        self.send("PUT", &format!("/v2/{repository}/manifests/{reference}"), sort, body.as_bytes());
        Digest::of(body.as_bytes())
    }

    /// An image of one platform, under its digest.
    fn push_image(&self, repository: &str, sort: &str, architecture: &str, salt: &str) -> (Digest, usize) {
        let layer = format!("layer {architecture} {salt}");
        let layer_digest = self.push_blob(repository, layer.as_bytes());
        let config = format!(
            r#"{{"architecture":"{architecture}","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{layer_digest}"]}},"history":[{{"created_by":"x"}}]}}"#
        );
        let config_digest = self.push_blob(repository, config.as_bytes());
        let (config_sort, layer_sort) = match sort {
            OCI_MANIFEST => {
                ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
            }
            _ => (
                "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
            ),
        };
        let body = format!(
            r#"{{"schemaVersion":2,"mediaType":"{sort}","config":{{"mediaType":"{config_sort}","size":{},"digest":"{config_digest}"}},"layers":[{{"mediaType":"{layer_sort}","size":{},"digest":"{layer_digest}"}}]}}"#,
            config.len(),
            layer.len()
        );
        let digest = Digest::of(body.as_bytes());
        (self.push_manifest(repository, digest.as_str(), sort, &body), body.len())
    }

    fn index(
        &self,
        repository: &str,
        tag: &str,
        sorts: (&str, &str),
        salts: [&str; 2],
    ) -> (Digest, [Digest; 2]) {
        let (index_sort, sort) = sorts;
        let (intel, intel_size) = self.push_image(repository, sort, "amd64", salts[0]);
        let (arm, arm_size) = self.push_image(repository, sort, "arm64", salts[1]);
        let body = format!(
            r#"{{"schemaVersion":2,"mediaType":"{index_sort}","manifests":[{{"mediaType":"{sort}","size":{intel_size},"digest":"{intel}","platform":{{"architecture":"amd64","os":"linux"}}}},{{"mediaType":"{sort}","size":{arm_size},"digest":"{arm}","platform":{{"architecture":"arm64","os":"linux","variant":"v8"}}}}]}}"#
        );
        (self.push_manifest(repository, tag, index_sort, &body), [intel, arm])
    }
}

fn with_registry(file: &Path, act: impl FnOnce(&mut Registry)) {
    let never = || false;
    let client = Client::new(None, [], Limits::default(), &never).unwrap();
    act(&mut Registry::new(&client, file, &NO_HELPER));
}

#[test]
fn a_real_registry_tells_tags_digests_and_platforms() {
    let Some(real) = Real::start(None) else { return };
    let (first, [intel, arm]) = real.index("app/web", "1.0", (OCI_INDEX, OCI_MANIFEST), ["a", "b"]);
    real.index("app/web", "nightly", (OCI_INDEX, OCI_MANIFEST), ["a", "b"]);
    let (list, [old_intel, _]) = real.index("app/web", "list", (DOCKER_LIST, DOCKER_MANIFEST), ["a", "b"]);
    let (single, _) = real.push_image("app/web", DOCKER_MANIFEST, "amd64", "single");
    let body = {
        let url = format!("http://127.0.0.1:{}/v2/app/web/manifests/{single}", real.port);
        let config = ureq::Agent::config_builder().proxy(None).build().new_agent();
        config.get(url).header("accept", DOCKER_MANIFEST).call().unwrap().body_mut().read_to_string().unwrap()
    };
    real.push_manifest("app/web", "single", DOCKER_MANIFEST, &body);

    with_registry(Path::new("/nonexistent"), |registry| {
        let tags = registry.tags(&real.image("app/web")).unwrap().unwrap();
        assert_eq!(tags.tags.into_iter().collect::<Vec<_>>(), ["1.0", "list", "nightly", "single"]);
        assert_eq!((tags.invalid, tags.missing), (0, None));

        let nightly = real.image("app/web:nightly");
        assert_eq!(registry.digest(&nightly).unwrap().unwrap(), first);
        assert_eq!(registry.digest(&real.image("app/web:list")).unwrap().unwrap(), list);
        assert_eq!(registry.digest(&real.image("app/web:single")).unwrap().unwrap(), single);
        let by_digest = real.image(&format!("app/web@{first}"));
        assert_eq!(registry.manifest(&by_digest).unwrap().unwrap().digest, first);

        let (intel_here, arm_here) =
            (Platform::new("linux", "x86_64", ""), Platform::new("linux", "aarch64", ""));
        let manifest = registry.manifest(&nightly).unwrap().unwrap();
        assert_eq!(
            (manifest.digest_for(&intel_here), manifest.digest_for(&arm_here)),
            (Some(&intel), Some(&arm))
        );
        assert_eq!(manifest.digest_for(&Platform::new("linux", "riscv64", "")), None);
        let manifest = registry.manifest(&real.image("app/web:list")).unwrap().unwrap();
        assert_eq!(manifest.digest_for(&intel_here), Some(&old_intel));
        let manifest = registry.manifest(&real.image("app/web:single")).unwrap().unwrap();
        assert_eq!((manifest.digest_for(&arm_here), &manifest.entries), (Some(&single), &None));

        // Only the other platform's image moves: the tag has another digest, and nothing is new for us.
        let (second, [same, _]) = real.index("app/web", "nightly", (OCI_INDEX, OCI_MANIFEST), ["a", "c"]);
        assert_eq!((registry.digest(&nightly).unwrap().unwrap(), &same), (second.clone(), &intel));
        assert_ne!(first, second);
        let manifest = registry.manifest(&nightly).unwrap().unwrap();
        assert_eq!(manifest.digest_for(&intel_here), Some(&intel));
        assert_ne!(manifest.digest_for(&arm_here), Some(&arm));

        assert_eq!(registry.tags(&real.image("app/none")), Ok(None));
        assert_eq!(registry.digest(&real.image("app/web:none")), Ok(None));
        assert_eq!(registry.digest(&real.image("app/none:1")), Ok(None));
        let unknown = real.image(&format!("app/web@{}", Digest::of(b"nothing")));
        assert_eq!(registry.manifest(&unknown), Ok(None));
    });
}

/// Why all four types are asked for.
#[test]
fn a_real_registry_converts_for_those_who_ask_for_too_little() {
    let Some(real) = Real::start(None) else { return };
    let (list, [intel, _]) = real.index("app/web", "list", (DOCKER_LIST, DOCKER_MANIFEST), ["a", "b"]);
    let asked = |accept: &str| {
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build();
        let url = format!("http://127.0.0.1:{}/v2/app/web/manifests/list", real.port);
        let answer = config.new_agent().get(url).header("accept", accept).call().unwrap();
        let digest =
            answer.headers().get("docker-content-digest").map(|value| value.to_str().unwrap().to_owned());
        let sort = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), digest, sort)
    };
    eprintln!("docker only: {:?}", asked(DOCKER_MANIFEST));
    eprintln!("oci only: {:?}", asked(OCI_MANIFEST));
    eprintln!("list: {:?}", asked(DOCKER_LIST));
    assert_eq!(asked(DOCKER_MANIFEST).1.unwrap(), intel.to_string());
    assert_ne!(asked(OCI_MANIFEST).1, Some(list.to_string()));
    with_registry(Path::new("/nonexistent"), |registry| {
        assert_eq!(registry.digest(&real.image("app/web:list")).unwrap().unwrap(), list);
    });
}

#[test]
fn a_real_registry_lists_many_tags() {
    let Some(real) = Real::start(None) else { return };
    let (digest, _) = real.index("many", "v0", (OCI_INDEX, OCI_MANIFEST), ["a", "b"]);
    let url = format!("http://127.0.0.1:{}/v2/many/manifests/{digest}", real.port);
    let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
    let body =
        agent.get(url).header("accept", OCI_INDEX).call().unwrap().body_mut().read_to_string().unwrap();
    for number in 1..1_200 {
        real.push_manifest("many", &format!("v{number}"), OCI_INDEX, &body);
    }
    let begun = Instant::now();
    with_registry(Path::new("/nonexistent"), |registry| {
        let tags = registry.tags(&real.image("many")).unwrap().unwrap();
        assert_eq!((tags.tags.len(), tags.missing), (1_200, None));
    });
    eprintln!("1200 tags in {:?}", begun.elapsed());
}

#[test]
fn a_real_registry_with_passwords_lets_in_who_is_logged_in() {
    let Some(real) = Real::start(Some("c4nary/of+the=test")) else { return };
    let (digest, _) = real.index("private/app", "1.0", (OCI_INDEX, OCI_MANIFEST), ["a", "b"]);
    let image = real.image("private/app:1.0");
    with_registry(Path::new("/nonexistent"), |registry| {
        let unknown = registry.tags(&image).unwrap_err();
        assert_eq!(unknown.why, format!("`127.0.0.1:{}` wants a login", real.port));
        assert!(unknown.help.unwrap().contains("docker login 127.0.0.1:"));
        assert!(registry.digest(&image).is_err());
    });
    let file = real.folder.path().join("config.json");
    let login = |authorization: &str| {
        let encoded = authorization.strip_prefix("Basic ").unwrap();
        let text = format!(r#"{{"auths":{{"127.0.0.1:{}":{{"auth":"{encoded}"}}}}}}"#, real.port);
        fs::write(&file, text).unwrap();
    };
    login(real.authorization.as_ref().unwrap());
    with_registry(&file, |registry| {
        assert_eq!(registry.tags(&image).unwrap().unwrap().tags.len(), 1);
        assert_eq!(registry.digest(&image), Ok(Some(digest.clone())));
        assert_eq!(registry.tags(&real.image("private/none")), Ok(None));
    });
    login("Basic YWRtaW46d3Jvbmc=");
    with_registry(&file, |registry| {
        let unknown = registry.digest(&image).unwrap_err();
        assert!(unknown.why.contains("denies access (401)"), "{unknown}");
    });

    // The same by a helper.
    fs::write(&file, format!(r#"{{"credHelpers":{{"127.0.0.1:{}":"test"}}}}"#, real.port)).unwrap();
    let never = || false;
    let client = Client::new(None, [], Limits::default(), &never).unwrap();
    let helper = |program: &str, argument: &str, input: &str| {
        assert_eq!((program, argument), ("docker-credential-test", "get"));
        assert_eq!(input, format!("127.0.0.1:{}", real.port));
        Ok(Some(r#"{"ServerURL":"x","Username":"admin","Secret":"c4nary/of+the=test"}"#.to_owned()))
    };
    assert_eq!(Registry::new(&client, &file, &helper).digest(&image), Ok(Some(digest)));
}
