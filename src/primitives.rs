//! The list of primitives: all there are, each in the file of its name.
//!
//! The examples of their pages speak of the practice server that `banister demo --keep DIR` makes, as it is before it
//! is updated: release 0.2.10. Each is the body of a runbook's `main`, and is run by a test.

pub mod add_settings;
pub mod ask;
pub mod backup;
pub mod carry_edits;
pub mod check_backup;
pub mod checkout;
pub mod compare_mounts;
pub mod compose_config;
pub mod confirm;
pub mod count_proofs;
pub mod digest_env;
pub mod dirty_files;
pub mod done_actions;
pub mod download_file;
pub mod drill;
pub mod drop_kept_files;
pub mod drop_replaced;
pub mod failed_releases;
pub mod fetch;
pub mod fetch_file;
pub mod forge_notes;
pub mod forget_actions;
pub mod forget_failed_releases;
pub mod free_space;
pub mod has_release;
pub mod http;
pub mod image_digests;
pub mod install_file;
pub mod installed_file;
pub mod installed_release;
pub mod is_excluded;
pub mod is_healthy;
pub mod keep_commits;
pub mod keep_files;
pub mod keep_installed_file;
pub mod lock;
pub mod loose_commits;
pub mod lost_edits;
pub mod make;
pub mod meant_release;
pub mod missing_settings;
pub mod missing_targets;
pub mod missing_tools;
pub mod mounted_files;
pub mod newest_published;
pub mod newest_release;
pub mod newest_tag;
pub mod note;
pub mod note_action;
pub mod note_failed_release;
pub mod now;
pub mod old_backups;
pub mod other_images;
pub mod owe;
pub mod owed;
pub mod own_commits;
pub mod pinned_images;
pub mod prepare_checkout;
pub mod prune_backups;
pub mod published_between;
pub mod published_file;
pub mod pull_image;
pub mod put_back;
pub mod put_back_edits;
pub mod query;
pub mod read_command;
pub mod read_env;
pub mod read_yaml;
pub mod release_images;
pub mod release_notes;
pub mod releases_between;
pub mod repository_size;
pub mod required_stops;
pub mod run;
pub mod run_compose;
pub mod secret;
pub mod services;
pub mod set_env;
pub mod set_version;
pub mod settle;
pub mod shell;
pub mod show;
pub mod since;
pub mod skipped;
pub mod tag_images;
pub mod tags_between;
pub mod todo;
pub mod unpack_backup;
pub mod untag_images;
pub mod wait_healthy;

use crate::data::{self, Arguments};
use crate::failure::{Failure, Kind, Result};
use crate::journal::Call;
use crate::primitive::{AnyPrimitive, Of, Signature};
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// Every primitive that the program brings, by name.
pub static ALL: &[&dyn AnyPrimitive] = &[
    &Of::<add_settings::AddSettings>::new(),
    &Of::<ask::Ask>::new(),
    &Of::<backup::Backup>::new(),
    &Of::<carry_edits::CarryEdits>::new(),
    &Of::<check_backup::CheckBackup>::new(),
    &Of::<checkout::CheckOut>::new(),
    &Of::<compare_mounts::CompareMounts>::new(),
    &Of::<compose_config::ComposeConfig>::new(),
    &Of::<confirm::Confirm>::new(),
    &Of::<count_proofs::CountProofs>::new(),
    &Of::<digest_env::DigestEnv>::new(),
    &Of::<dirty_files::DirtyFiles>::new(),
    &Of::<done_actions::DoneActions>::new(),
    &Of::<download_file::DownloadFile>::new(),
    &Of::<drill::Drill>::new(),
    &Of::<drop_kept_files::DropKeptFiles>::new(),
    &Of::<drop_replaced::DropReplaced>::new(),
    &Of::<failed_releases::FailedReleases>::new(),
    &Of::<fetch::Fetch>::new(),
    &Of::<fetch_file::FetchFile>::new(),
    &Of::<forge_notes::ForgeNotes>::new(),
    &Of::<forget_actions::ForgetActions>::new(),
    &Of::<forget_failed_releases::ForgetFailedReleases>::new(),
    &Of::<free_space::FreeSpace>::new(),
    &Of::<has_release::HasRelease>::new(),
    &Of::<http::Http>::new(),
    &Of::<image_digests::ImageDigests>::new(),
    &Of::<install_file::InstallFile>::new(),
    &Of::<installed_file::InstalledFile>::new(),
    &Of::<installed_release::InstalledRelease>::new(),
    &Of::<is_excluded::IsExcluded>::new(),
    &Of::<is_healthy::IsHealthy>::new(),
    &Of::<keep_commits::KeepCommits>::new(),
    &Of::<keep_files::KeepFiles>::new(),
    &Of::<keep_installed_file::KeepInstalledFile>::new(),
    &Of::<lock::Lock>::new(),
    &Of::<loose_commits::LooseCommits>::new(),
    &Of::<lost_edits::LostEdits>::new(),
    &Of::<make::Make>::new(),
    &Of::<meant_release::MeantRelease>::new(),
    &Of::<missing_settings::MissingSettings>::new(),
    &Of::<missing_targets::MissingTargets>::new(),
    &Of::<missing_tools::MissingTools>::new(),
    &Of::<mounted_files::MountedFiles>::new(),
    &Of::<newest_published::NewestPublished>::new(),
    &Of::<newest_release::NewestRelease>::new(),
    &Of::<newest_tag::NewestTag>::new(),
    &Of::<note::Note>::new(),
    &Of::<note_action::NoteAction>::new(),
    &Of::<note_failed_release::NoteFailedRelease>::new(),
    &Of::<now::Now>::new(),
    &Of::<old_backups::OldBackups>::new(),
    &Of::<other_images::OtherImages>::new(),
    &Of::<owe::Owe>::new(),
    &Of::<owed::Owed>::new(),
    &Of::<own_commits::OwnCommits>::new(),
    &Of::<pinned_images::PinnedImages>::new(),
    &Of::<prepare_checkout::PrepareCheckout>::new(),
    &Of::<prune_backups::PruneBackups>::new(),
    &Of::<published_between::PublishedBetween>::new(),
    &Of::<published_file::PublishedFile>::new(),
    &Of::<pull_image::PullImage>::new(),
    &Of::<put_back::PutBack>::new(),
    &Of::<put_back_edits::PutBackEdits>::new(),
    &Of::<query::Query>::new(),
    &Of::<read_command::ReadCommand>::new(),
    &Of::<read_env::ReadEnv>::new(),
    &Of::<read_yaml::ReadYaml>::new(),
    &Of::<release_images::ReleaseImages>::new(),
    &Of::<release_notes::ReleaseNotes>::new(),
    &Of::<releases_between::ReleasesBetween>::new(),
    &Of::<repository_size::RepositorySize>::new(),
    &Of::<required_stops::RequiredStops>::new(),
    &Of::<run::Run>::new(),
    &Of::<run_compose::RunCompose>::new(),
    &Of::<secret::Secret>::new(),
    &Of::<services::Services>::new(),
    &Of::<set_env::SetEnv>::new(),
    &Of::<set_version::SetVersion>::new(),
    &Of::<settle::Settle>::new(),
    &Of::<shell::Shell>::new(),
    &Of::<show::Show>::new(),
    &Of::<since::Since>::new(),
    &Of::<skipped::Skipped>::new(),
    &Of::<tag_images::TagImages>::new(),
    &Of::<tags_between::TagsBetween>::new(),
    &Of::<todo::Todo>::new(),
    &Of::<unpack_backup::UnpackBackup>::new(),
    &Of::<untag_images::UntagImages>::new(),
    &Of::<wait_healthy::WaitHealthy>::new(),
];

/// Those of a program that this one is embedded in.
static OWN: OnceLock<Vec<Box<dyn AnyPrimitive>>> = OnceLock::new();

/// Adds the primitives of a program that this one is embedded in: once, before anything looks for one.
///
/// Fails with [`Kind::Bug`], whose is that program's, if a name can't be had or a page does not begin with a signature.
pub(crate) fn add(own: Vec<Box<dyn AnyPrimitive>>) -> Result<()> {
    let bug = |message: String| Err(Failure::new(Kind::Bug, message));
    for (n, primitive) in own.iter().enumerate() {
        let name = primitive.name();
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(letters) {
            return bug(format!("`{name}` can't be the name of a primitive: write it as `my_primitive`"));
        }
        let is_block = ["step", "on_failure", "drop_rollback", "parallel"].contains(&name);
        if is_block || find(name).is_some() || own[..n].iter().any(|other| other.name() == name) {
            return bug(format!("there is a primitive `{name}` already: give yours another name"));
        }
        if !primitive.page().usage.starts_with(&format!("{name}(")) {
            return bug(format!(
                "the page of `{name}` does not begin with its signature, as `{name}(server)`"
            ));
        }
    }
    OWN.set(own).or_else(|_| bug("primitives were added twice".into()))
}

/// Every primitive: those that the program brings, then those that were added.
pub fn all() -> impl Iterator<Item = &'static dyn AnyPrimitive> {
    ALL.iter().copied().chain(OWN.get().into_iter().flatten().map(|own| &**own))
}

/// The primitive of this name.
pub fn find(name: &str) -> Option<&'static dyn AnyPrimitive> {
    static BROUGHT: LazyLock<HashMap<&str, &'static dyn AnyPrimitive>> =
        LazyLock::new(|| ALL.iter().map(|primitive| (primitive.name(), *primitive)).collect());
    let own = || OWN.get()?.iter().find(|own| own.name() == name).map(|own| &**own);
    BROUGHT.get(name).copied().or_else(own)
}

/// The signature of the primitive of this name, which is read from its page once.
pub fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.get(name)
}

/// Signatures by name: every call is described by its own.
static SIGNATURES: LazyLock<HashMap<&str, Signature>> =
    LazyLock::new(|| all().map(|primitive| (primitive.name(), primitive.page().signature)).collect());

/// A call as a script writes it: `make(cloud, "build", #{ DETACH: true })`.
pub fn describe(call: &Call) -> String {
    let Some(signature) = SIGNATURES.get(call.name.as_str()) else { return call.describe() };
    let positional = signature.positional.iter().filter_map(|parameter| call.arguments.get(&parameter.name));
    let mut parts: Vec<String> = positional.map(data::describe).collect();
    let is_option = |name: &str| !signature.positional.iter().any(|parameter| parameter.name == name);
    let options: Arguments = call
        .arguments
        .iter()
        .filter(|(name, _)| is_option(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !options.is_empty() {
        parts.push(data::describe(&options.into()));
    }
    format!("{}({})", call.name, parts.join(", "))
}
