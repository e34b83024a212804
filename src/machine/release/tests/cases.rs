//! Tags of real projects: what is installed, what is offered, what is the newest, and which tags are reported.

use super::told::no_history;
use crate::machine::release::choice::Choice;
use crate::machine::release::{Release, Rules, choose, releases};

fn chosen(installed: &str, offered: &str, images: bool) -> Choice {
    let rules = Rules { images, ..Rules::default() };
    let installed: Release = installed.parse().unwrap();
    choose(Some(&installed), &releases(offered.split_whitespace()), &rules, &no_history)
}

fn assert_cases(cases: &[(&str, &str, &str, &str)], images: bool) {
    for (installed, offered, newest, told) in cases {
        let choice = chosen(installed, offered, images);
        let found = choice.newest.as_ref().map_or("", Release::tag);
        assert_eq!(found, *newest, "{installed}: {offered}: {:?}", choice.told);
        let said: String = choice.told.iter().map(|said| format!("{said}\n")).collect();
        for tag in told.split_whitespace() {
            assert!(said.contains(&format!("`{tag}`")), "{installed}: {tag} is not reported: {said}");
        }
        if told.is_empty() {
            assert_eq!(said, "", "{installed}: {offered}");
        }
    }
}

#[test]
fn the_newest_git_tag_of_the_series_is_chosen_and_the_others_are_reported() {
    assert_cases(
        &[
            ("v1.2.9", "v1.2.10 v1.10.0 v1.9.3", "v1.10.0", ""),
            ("v1.3", "v1.2 v1.10 v1", "v1.10", "v1"),
            ("v1.3", "v1.3.1", "v1.3.1", ""),
            ("v7.5.0.130", "v7.5.1.3 v7.5.1.23 v99.99.99.2766", "v7.5.1.23", "v99.99.99.2766"),
            ("2024.06.20", "2024.07.02 2025.01.1", "2025.01.1", ""),
            ("v24.12.1", "v25.02.0 v25.05.1", "v25.05.1", ""),
            ("v5.8.1", "2022.01.1", "2022.01.1", ""),
            ("2024-11b", "2024-11 2024-12c 2025-01", "2025-01", ""),
            ("2026-07", "2026-07a", "2026-07a", ""),
            (
                "release-2018-04-22b",
                "release-2018-04-22c release-2020-07-29a release-2023-04-04rc1",
                "release-2020-07-29a",
                "release-2023-04-04rc1",
            ),
            (
                "version/2024.8.6",
                "version/2024.10.5 version/2025.2.0-rc1",
                "version/2024.10.5",
                "version/2025.2.0-rc1",
            ),
            ("n8n@1.68.0", "n8n@1.69.1 n8n-core@1.70.0", "n8n@1.69.1", "n8n-core@1.70.0"),
            (
                "cargo-nextest-0.9.98",
                "nextest-runner-0.112.0 cargo-nextest-0.9.142",
                "cargo-nextest-0.9.142",
                "nextest-runner-0.112.0",
            ),
            (
                "android/v1.6.9-0",
                "android/v1.7.0-1 v0.30.0 ios/v1.9.0-0",
                "android/v1.7.0-1",
                "v0.30.0 ios/v1.9.0-0",
            ),
            ("12.1-0", "12.1-1 12.2-0 12.10-0 helm-2.1.0", "12.10-0", "helm-2.1.0"),
            ("stable-9457-1", "stable-9457-2 stable-10073-1", "stable-10073-1", ""),
            ("1.9.0-rc1-2", "1.9.0-rc2-0 1.9.0-0", "1.9.0-0", ""),
            (
                "17.5.1+ee.0",
                "17.5.1+ce.1 17.5.2+ee.0 17.6.0+rc42.ee.0",
                "17.5.2+ee.0",
                "17.5.1+ce.1 17.6.0+rc42.ee.0",
            ),
            ("v3.4.0.beta2", "v3.4.0 v3.5.0.beta1", "v3.5.0.beta1", ""),
            ("v3.3.2", "v3.4.0.beta3 v3.3.10", "v3.3.10", "v3.4.0.beta3"),
            ("v0.107.43", "v0.108.0-b.64 v0.107.69", "v0.107.69", "v0.108.0-b.64"),
            ("v0.108.0-b.64", "v0.108.0-b.90 v0.107.69", "v0.108.0-b.90", ""),
            ("2024.1.0b3", "2024.1.0b10 2024.1.0 2024.1.1", "2024.1.1", ""),
            ("v1.99.0rc1", "v1.99.0rc2 v1.99.0", "v1.99.0", ""),
            ("1.2.0+2", "1.2.0 1.2.0+10", "1.2.0+10", ""),
            ("1.0.2k", "1.0.2 1.0.2u", "1.0.2u", ""),
            (
                "RELEASE.2024-05-28T17-19-04Z",
                "RELEASE.2024-05-28T17-19-05Z RELEASE.2025-09-07T16-13-09Z OFFICIAL.2025-10-01T00-00-00Z",
                "RELEASE.2025-09-07T16-13-09Z",
                "OFFICIAL.2025-10-01T00-00-00Z",
            ),
            (
                "develop-20250609",
                "develop-20250609.2 develop-20260701.1 v6.6.6",
                "develop-20260701.1",
                "v6.6.6",
            ),
            ("v6.0.29", "develop-20260701 6.4.3 v6.6.6", "v6.6.6", "develop-20260701"),
            ("240915-e1280b2fb", "250425-1f0c9d3aa 250426-27ec7a128", "250426-27ec7a128", ""),
            ("REL_15_3", "REL_15_13 REL_16_0 REL_17_BETA1", "REL_16_0", "REL_17_BETA1"),
            ("jenkins-2.426.1", "jenkins-2.426.10 jenkins-2.440", "jenkins-2.440", ""),
            ("v11.0.5-server", "v11.0.12-server v12.0.1-pro", "v11.0.12-server", "v12.0.1-pro"),
            ("33.0.3-ls428", "33.0.3-ls429 develop-34.0.0beta1-ls22 107", "33.0.3-ls429", "107"),
            ("v1.0.6", "v1.0.6-dev3 v1.0.6-test2 v1.0.6-1", "v1.0.6-1", ""),
            ("v1.29.0+k3s1", "v1.30.1+k3s1 v1.30.2-rc1+k3s1", "v1.30.1+k3s1", "v1.30.2-rc1+k3s1"),
        ],
        false,
    );
}

#[test]
fn the_newest_image_tag_of_the_same_shape_is_chosen() {
    assert_cases(
        &[
            ("15.3-alpine", "16.9-alpine 15.13 15-alpine", "16.9-alpine", "15.13 15-alpine"),
            (
                "15-alpine",
                "15.13-alpine 17-alpine 18beta1-alpine",
                "17-alpine",
                "15.13-alpine 18beta1-alpine",
            ),
            ("10.6.18", "11.4.4 11 lts 11.4.4-noble", "11.4.4", "11 lts 11.4.4-noble"),
            ("28.0.4-fpm-alpine", "30.0.1-apache 30.0.1-fpm-alpine", "30.0.1-fpm-alpine", "30.0.1-apache"),
            ("15.3.0-debian-11-r7", "15.3.0-debian-11-r10 15.3.0-debian-12-r1", "15.3.0-debian-12-r1", ""),
            ("pg16-v0.7.4", "pg16-v0.8.0 pg17-v0.9.0", "pg16-v0.8.0", "pg17-v0.9.0"),
            (
                "14-vectorchord0.4.3-pgvectors0.2.0",
                "15-vectorchord0.5.0-pgvectors0.3.0",
                "15-vectorchord0.5.0-pgvectors0.3.0",
                "",
            ),
            ("latest", "1.2.3", "", "latest 1.2.3"),
        ],
        true,
    );
}

/// Siblings of the above, from the applications that people host most.
#[test]
fn the_tags_of_other_projects_are_read_alike() {
    assert_cases(
        &[
            // Semantic versions, with and without `v`.
            ("0.2.9", "0.2.10 v0.2.11 0.3.0-rc.1", "v0.2.11", "0.3.0-rc.1"),
            ("v2.7.5", "v3.2.4 v3.3.0-rc.1 v3.3.0-rc.2", "v3.2.4", "v3.3.0-rc.2"),
            ("v4.6.0-rc.2", "v4.6.0-beta.1 v4.6.0 v4.5.20", "v4.6.0", ""),
            ("v2.0.0-alpha.1", "v2.0.0-alpha.2 v2.0.0-beta v2.0.0-beta.1", "v2.0.0-beta.1", ""),
            // Paperless: candidates of a beta, and the numbers of the project that it was forked from.
            ("v1.10.0-beta.rc1", "v1.10.0-beta.rc2 v1.9.2", "v1.10.0-beta.rc2", ""),
            ("v1.10.0-beta.rc2", "v1.10.0-beta v1.10.0", "v1.10.0", ""),
            ("v1.11.0", "ng-1.5.0 ngx-1.7.0 jw-1.0.0 v1.12.0", "v1.12.0", "ng-1.5.0 ngx-1.7.0 jw-1.0.0"),
            // AdGuard Home.
            ("v0.92-hotfix1", "v0.92 v0.92-hotfix2", "v0.92-hotfix2", ""),
            ("v0.92", "v0.92-hotfix", "v0.92-hotfix", ""),
            ("v0.99.2", "v0.99.3 v0.100.0", "v0.100.0", ""),
            // Zulip.
            ("11.5-0", "12.0-0 12.0-1 ghcr-11.6-1 helm-1.11.61", "12.0-1", "ghcr-11.6-1 helm-1.11.61"),
            ("1.9.0-0", "1.9.0-rc1-1 2.0.5-0", "2.0.5-0", ""),
            // Sentry, NetBox, Vaultwarden.
            ("24.8.0", "25.5.1 26.8.0", "26.8.0", ""),
            ("2.9.1", "3.0.0 3.0.2 10.0.0", "10.0.0", ""),
            // mailcow.
            ("2025-12a", "2026-03b 2026-05c 2026-07a 2026-03", "2026-07a", ""),
            ("2026-05", "2026-05c 2026-05b", "2026-05c", ""),
            // Gitea, Forgejo.
            ("v1.26.0", "v1.27.0-rc0 v1.27.3 v1.27.0-dev", "v1.27.3", ""),
            ("v1.21.6-0", "v7.0.0 v14.0.2", "v14.0.2", ""),
            // GitLab, in its old spellings, too.
            (
                "19.2.4+ce.0",
                "19.3.0+ce.0 19.3.0+ee.0 19.4.0+rc44.ce.0",
                "19.3.0+ce.0",
                "19.3.0+ee.0 19.4.0+rc44.ce.0",
            ),
            ("6.6.0.omnibus", "6.6.1.omnibus 6.7.0.rc1.omnibus", "6.6.1.omnibus", "6.7.0.rc1.omnibus"),
            ("7.12.0-ee.0", "7.12.0-ee.1 7.12.0.rc3-ee.1", "7.12.0-ee.1", ""),
            // Pi-hole's old pairs of versions.
            ("pi-2.5.3_admin-1.1.4", "pi-2.9.2_admin-1.4.2 2021.11", "pi-2.9.2_admin-1.4.2", "2021.11"),
            // linuxserver.io.
            (
                "30.0.2-ls347",
                "31.0.1-ls350 previous-30.0.13-ls52 php8-21.0.0-ls129",
                "31.0.1-ls350",
                "previous-30.0.13-ls52 php8-21.0.0-ls129",
            ),
            // Words that are joined to the number.
            ("go1.21.3", "go1.21.10 go1.22rc1 go1.22", "go1.22", ""),
            ("b4521", "b4600 b10000", "b10000", ""),
            ("curl-7_88_1", "curl-7_88_10 curl-8_0_1", "curl-8_0_1", ""),
            ("OpenSSL_1_1_1k", "OpenSSL_1_1_1w OpenSSL_1_1_1", "OpenSSL_1_1_1w", ""),
            // Python, Debian.
            ("1.0.post1", "1.0.post2 1.0.post2.dev1 1.1a1", "1.0.post2", "1.1a1"),
            ("debian/1.2-1", "debian/1.2-1+deb12u1 debian/1.2-2", "debian/1.2-2", "debian/1.2-1+deb12u1"),
            // git describe, and names of builds.
            ("v1.2.3-14-g8f3a2b1", "v1.2.3-15-g1234567", "v1.2.3-15-g1234567", ""),
            (
                "main-8f3a2b1-1712345678",
                "main-1f0c9d3-1712345679 sha-8f3a2b1",
                "main-1f0c9d3-1712345679",
                "sha-8f3a2b1",
            ),
            ("v1.0.0", "0.0.0 v0.0.0-20240101 v9.9.0 v999.0.0", "v999.0.0", "0.0.0"),
            ("v1.0.0", "99.99 v100.0", "v100.0", "99.99"),
            // Numbers of any width.
            ("1.18446744073709551615", "1.18446744073709551616", "1.18446744073709551616", ""),
            ("20240101120000", "20240101120001 3", "20240101120001", "3"),
        ],
        false,
    );
    assert_cases(
        &[
            ("2.41.3", "2.42.0 latest next 2", "2.42.0", "latest 2"),
            ("v4.1-3.0.2", "v4.2-3.1.0 v4.2 v4.1.5-3.0.2 snapshot", "v4.2-3.1.0", "snapshot"),
            ("19.2.4-ce.0", "19.3.0-ce.0 19.3.0-ee.0 nightly", "19.3.0-ce.0", "19.3.0-ee.0 nightly"),
            ("2026.5", "2026.5.6 2026.8 2026.11", "2026.11", ""),
            ("1.27-rootless", "1.27.3-rootless 1.28-rootless 1.28-nightly", "1.28-rootless", "1.28-nightly"),
            ("v3.2.4-cuda", "v3.3.0-cuda v3.4.0-openvino v3-cuda", "v3.3.0-cuda", "v3.4.0-openvino v3-cuda"),
            ("8.0.4-bookworm", "8.0.5-bookworm 8.2.0-trixie", "8.0.5-bookworm", "8.2.0-trixie"),
            ("8-alpine3.19", "8-alpine3.20 9-alpine3.20", "9-alpine3.20", ""),
            ("2.0-win32", "2.1-win32 2.2-win64 2.1-amd64", "2.1-win32", "2.2-win64 2.1-amd64"),
            ("24.3.3.102", "24.12.1.5 24.12", "24.12.1.5", ""),
        ],
        true,
    );
}
