//! Where a project is on a forge.

use crate::machine::client::url::Url;
use crate::machine::release::Forge;

/// Forges that everybody knows.
const KNOWN: [(&str, Forge); 3] =
    [("github.com", Forge::Github), ("codeberg.org", Forge::Gitea), ("gitlab.com", Forge::Gitlab)];

/// A project on a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    server: Url,
    sort: Forge,
    /// `OWNER/NAME`; on GitLab an owner may have several parts.
    path: String,
}

impl Project {
    /// The project at an address, as people open it (`https://github.com/OWNER/NAME`) or git fetches from it
    /// (`git@github.com:OWNER/NAME.git`). Nothing if it is no address of a project, or if nothing says which sort of forge
    /// that is.
    pub fn at(address: &str, sort: Option<Forge>) -> Option<Project> {
        let (scheme, rest) = match address.split_once("://") {
            Some((scheme, rest)) => (scheme, rest.to_owned()),
            // `HOST:PATH`, as ssh has it.
            None => {
                let (host, path) = address.split_once(':').filter(|(host, _)| !host.contains('/'))?;
                ("ssh", format!("{host}/{}", path.trim_start_matches('/')))
            }
        };
        let (authority, path) = rest.split_once('/')?;
        // Whoever asks shows nobody who that is.
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let is_plain = match scheme {
            "http" => true,
            "https" => false,
            "ssh" | "git" | "git+ssh" => false,
            _ => return None,
        };
        // The port of ssh is none of the web.
        let authority = if scheme.starts_with("http") { authority } else { authority.split(':').next()? };
        let server = Url::of_host(!is_plain, authority)?;
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let parts: Vec<&str> = path.split('/').collect();
        let is_name = |part: &&str| {
            let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.~".contains(letter);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(is_letter)
        };
        let known = KNOWN.iter().find(|(host, _)| *host == server.host()).map(|(_, sort)| *sort);
        let sort = sort.or(known)?;
        let is_project = parts.len() == 2 || parts.len() > 2 && sort == Forge::Gitlab;
        (is_project && parts.iter().all(is_name)).then(|| Project { server, sort, path: path.to_owned() })
    }

    /// Where the list of its releases begins.
    pub fn first_page(&self) -> Option<Url> {
        self.page_of(if self.sort == Forge::Gitea { 50 } else { 100 })
    }

    /// The same, of so many releases on a page.
    pub fn page_of(&self, count: usize) -> Option<Url> {
        let Project { server, sort, path } = self;
        match sort {
            Forge::Github if server.authority() == "github.com" => {
                Url::of_host(true, "api.github.com")?.at(format!("/repos/{path}/releases?per_page={count}"))
            }
            Forge::Github => server.at(format!("/api/v3/repos/{path}/releases?per_page={count}")),
            Forge::Gitea => server.at(format!("/api/v1/repos/{path}/releases?draft=false&limit={count}")),
            Forge::Gitlab => {
                server.at(format!("/api/v4/projects/{}/releases?per_page={count}", path.replace('/', "%2F")))
            }
        }
    }
}

impl std::fmt::Display for Project {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(address: &str, sort: Option<Forge>) -> Option<String> {
        Some(Project::at(address, sort)?.first_page()?.to_string())
    }

    #[test]
    fn an_address_of_git_or_of_the_web_is_that_of_a_project() {
        let github = "https://api.github.com/repos/o/r.x/releases?per_page=100";
        for address in [
            "https://github.com/o/r.x",
            "https://github.com/o/r.x.git",
            "https://user:secret@github.com/o/r.x/",
            "git@github.com:o/r.x.git",
            "ssh://git@github.com:22/o/r.x.git",
        ] {
            assert_eq!(page(address, None).as_deref(), Some(github), "{address}");
        }
        assert_eq!(
            page("https://git.example.org:3000/o/r", Some(Forge::Gitea)).unwrap(),
            "https://git.example.org:3000/api/v1/repos/o/r/releases?draft=false&limit=50"
        );
        assert_eq!(
            page("https://gitlab.com/a/b/c.git", None).unwrap(),
            "https://gitlab.com/api/v4/projects/a%2Fb%2Fc/releases?per_page=100"
        );
    }

    #[test]
    fn what_is_no_project_is_asked_for_nowhere() {
        for address in [
            "/srv/git/web.git",
            "../origin",
            ".",
            "file:///srv/git/o/r",
            "https://git.example.org/o/r",
            "https://github.com/o",
            "https://github.com/o/r/tree/main",
            "https://github.com/o/..",
            "https://github.com/o/r?x=1",
            "https://github.com/o/a b",
            "https://github.com.evil.example/o/r",
            "github.com/o/r",
            "C:\\git\\o",
        ] {
            assert_eq!(page(address, None), None, "{address}");
        }
    }
}
