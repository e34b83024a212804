//! Which Compose project is meant.

use super::Service;
use crate::failure::{Failure, Kind, Result};
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

/// Whose services are meant: other projects may have some of the same names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Project {
    Named(String),
    /// The one whose Compose files are in this folder, or below it, whatever Compose calls it: `name` in the file, or
    /// `COMPOSE_PROJECT_NAME`, may say otherwise. Where no container tells, the one that has the folder's name.
    In(PathBuf),
}

impl Default for Project {
    fn default() -> Project {
        Project::In(PathBuf::new())
    }
}

impl Display for Project {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Project::Named(name) => write!(f, "of the project `{name}`"),
            Project::In(folder) => write!(f, "whose Compose files are in `{}`", folder.display()),
        }
    }
}

/// Those of the project whose Compose files are in a folder. Fails with [`Kind::Refused`] if that may be several.
pub(super) fn own(folder: &Path, mut all: Vec<Service>) -> Result<Vec<Service>> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let here = real(folder);
    let folder_of = |found: &Service| found.folder.as_deref().map(real);
    let named = |is_meant: &dyn Fn(PathBuf) -> bool| -> BTreeSet<String> {
        let meant = all.iter().filter(|found| folder_of(found).is_some_and(is_meant));
        meant.map(|found| found.project.clone()).collect()
    };
    let usual = project_name(folder).unwrap_or_default();
    let mut projects = named(&|folder| folder == here);
    if projects.is_empty() {
        projects = named(&|folder| folder.starts_with(&here));
        if projects.len() > 1 {
            let message = format!("several projects have their Compose files below `{}`", folder.display());
            return Err(Failure::new(Kind::Refused, message)
                .why(projects.into_iter().collect::<Vec<_>>().join(", "))
                .help("name the project that is meant: `project = \"NAME\"` in site.toml"));
        }
    }
    let is_said = !projects.is_empty();
    // A project that was renamed may have left containers.
    if projects.contains(&usual) {
        projects = BTreeSet::from([usual.clone()]);
    }
    // One of the usual name with its files elsewhere is another's.
    all.retain(|found| match is_said {
        true => projects.contains(&found.project),
        false => found.project == usual && found.folder.is_none(),
    });
    Ok(all)
}

/// The name that Compose gives the project of a folder: small letters, digits, dashes and underscores of its own.
/// Source: Compose specification, "name".
pub fn project_name(folder: &Path) -> Option<String> {
    let name: String = folder
        .file_name()?
        .to_str()?
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
        .collect();
    Some(name.trim_start_matches(['-', '_']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::container::Container;
    use super::super::{FOLDER, PROJECT};
    use super::*;
    use std::collections::BTreeMap;

    fn service(project: &str, folder: Option<&str>) -> Service {
        let labels = [(PROJECT, Some(project)), (FOLDER, folder)];
        let labels: BTreeMap<_, _> = labels.into_iter().filter_map(|(name, is)| Some((name, is?))).collect();
        let told = serde_json::json!({
            "Id": project, "Name": project, "State": { "Status": "running" }, "Config": { "Labels": labels },
        });
        serde_json::from_value::<Container>(told).unwrap().into()
    }

    #[test]
    fn a_project_is_known_by_its_folder_and_a_neighbour_is_never_taken_for_it() {
        let all = [
            service("web", Some("/srv/web")),
            service("old", Some("/srv/web")),
            service("wiki", Some("/srv/app/deploy")),
            service("other", Some("/srv/other")),
            service("bare", None),
        ];
        let own = |folder: &str| -> Vec<String> {
            own(folder.as_ref(), all.to_vec()).unwrap().into_iter().map(|own| own.project).collect()
        };
        // One that was renamed left containers.
        assert_eq!(own("/srv/web"), ["web"]);
        assert_eq!(own("/srv/app"), ["wiki"]);
        assert_eq!(own("/data/bare"), ["bare"]);
        // Neither its containers nor a project of its name are there, or that is another's.
        assert_eq!(own("/srv/shop"), [""; 0]);
        assert_eq!(own("/home/bob/web"), [""; 0]);
        let several = super::own("/srv".as_ref(), all.to_vec()).unwrap_err();
        assert_eq!(several.kind, Kind::Refused);
    }

    #[test]
    fn a_project_is_called_like_its_folder() {
        let name = |folder: &str| super::project_name(folder.as_ref()).unwrap();
        assert_eq!(name("/srv/My.Server_2"), "myserver_2");
        assert_eq!(name("_web-app"), "web-app");
    }
}
