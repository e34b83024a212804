//! A check, as scripts and `site.toml` write it.

use super::asked::Asked;
use super::{Answer, Command, Containers, Http, Place, Service, Sql, Tcp};
use crate::data;
use crate::failure::{Failure, Kind, Result};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Something that is true of a healthy server. Written as a URL, or as a map with one of the keys `http`, `tcp`,
/// `service`, `containers`, `sql` and `command`, and with the options of that one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Check {
    Http(Http),
    Tcp(Tcp),
    Service(Service),
    Containers(Containers),
    Sql(Sql),
    Command(Command),
    /// In plans: one of its options is known only in a run.
    Unknown(Value),
}

impl Check {
    /// Reads a check; [`Kind::Invalid`] if it is none.
    pub fn read(written: &Value) -> Result<Check> {
        Check::deserialize(written)
            .map_err(|error| {
                Failure::new(Kind::Invalid, format!("`{}` is not a check", data::describe(written)))
                    .why(error)
            })
            .map_err(|failure| failure.help("read how checks are written with `banister doc wait_healthy`"))
    }

    /// What it is called when it is reported on: its `name`, or what it looks at.
    pub fn name(&self) -> String {
        let (name, looked_at) = match self {
            Check::Http(http) => (&http.name, format!("{} {}", http.method, http.http)),
            Check::Tcp(tcp) => (&tcp.name, format!("tcp {}", tcp.tcp)),
            Check::Service(service) => (&service.name, format!("service {}", service.service)),
            Check::Containers(all) => (&all.name, format!("service {}", all.containers)),
            Check::Sql(sql) => (&sql.name, format!("sql {}", sql.sql)),
            Check::Command(command) => (&command.name, command.command.join(" ")),
            Check::Unknown(_) => (&None, "a check that only a run can know".into()),
        };
        name.clone().unwrap_or(looked_at)
    }

    /// Looks once, for at most [`super::LOOK`]; ends early if `stop` says so.
    ///
    /// Fails with [`Kind::Invalid`] if the check itself is wrong, so that no waiting helps, and with
    /// [`Kind::Interrupted`].
    pub(super) fn look(&self, place: &Place, asked: &Asked, stop: &dyn Fn() -> bool) -> Result<Answer> {
        let outside = if place.inside { Some(self.outside(place, asked, stop)) } else { None };
        let check = match &outside {
            Some(Err(failure)) => return Ok(Answer::of(failure)),
            Some(Ok(check)) => check,
            None => self,
        };
        let answer = match check {
            Check::Http(http) => http.look(place),
            Check::Tcp(tcp) => tcp.look(),
            Check::Service(service) => service.look(place, asked, stop),
            Check::Containers(containers) => containers.look(place, asked, stop),
            Check::Sql(sql) => sql.look(place, stop),
            Check::Command(command) => command.look(place, stop),
            Check::Unknown(_) => Err(Failure::new(Kind::Bug, "a check is not known yet")),
        };
        match answer {
            Err(failure) if matches!(failure.kind, Kind::Invalid | Kind::Interrupted | Kind::Bug) => {
                Err(failure)
            }
            Err(failure) => Ok(Answer::of(&failure)),
            Ok(answer) => Ok(answer),
        }
    }

    /// The check from outside a Compose project: with the place where a service can be reached instead of its name. It
    /// may be another one each time the service is started.
    fn outside(&self, place: &Place, asked: &Asked, stop: &dyn Fn() -> bool) -> Result<Check> {
        let reachable = |written: &str| -> Result<String> {
            let scheme = written.find("://").map_or(0, |at| at + 3);
            let path = written[scheme..].find('/').map_or(written.len(), |at| scheme + at);
            let authority = &written[scheme..path];
            let standard = if written.starts_with("https:") { 443 } else { 80 };
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, port.parse().unwrap_or(standard)),
                None => (authority, standard),
            };
            let found = asked.service(&place.project, host, stop)?;
            let there = asked.docker(stop).reachable(&found.id, port)?;
            Ok(format!("{}{there}{}", &written[..scheme], &written[path..]))
        };
        let mut check = self.clone();
        match &mut check {
            Check::Http(http) => http.http = reachable(&http.http)?,
            Check::Tcp(tcp) => tcp.tcp = reachable(&tcp.tcp)?,
            _ => {}
        }
        Ok(check)
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Check, D::Error> {
        let written = Value::deserialize(deserializer)?;
        read(written).map_err(D::Error::custom)
    }
}

/// By hand: serde would only say that it matches none of the forms.
fn read(written: Value) -> std::result::Result<Check, String> {
    if data::contains(&written, data::UNKNOWN) {
        return Ok(Check::Unknown(written));
    }
    let has = |key: &str| written.get(key).is_some();
    let said = |error: serde_json::Error| error.to_string();
    if let Value::String(url) = &written {
        return Ok(Check::Http(Http::get(url)));
    }
    if has("http") {
        serde_json::from_value(written).map(Check::Http).map_err(said)
    } else if has("tcp") {
        serde_json::from_value(written).map(Check::Tcp).map_err(said)
    } else if has("service") {
        serde_json::from_value(written).map(Check::Service).map_err(said)
    } else if has("containers") {
        serde_json::from_value(written).map(Check::Containers).map_err(said)
    } else if has("sql") {
        serde_json::from_value(written).map(Check::Sql).map_err(said)
    } else if has("command") {
        serde_json::from_value(written).map(Check::Command).map_err(said)
    } else {
        Err("a check is a URL, or has one of `http`, `tcp`, `service`, `containers`, `sql` and `command`"
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_check_is_read_as_it_was_written() {
        for written in [
            json!({"http": "http://localhost/", "status": 201, "method": "POST", "json": {"a.b": 1}}),
            json!({"tcp": "localhost:5432", "name": "database"}),
            json!({"service": "core", "image": "core:1"}),
            json!({"containers": "web", "count": 3, "may_end": true}),
            json!({"sql": "select 1", "command": ["psql", "-U", "me"], "expect": "1"}),
            json!({"command": ["true"]}),
        ] {
            let check = Check::read(&written).unwrap();
            assert_eq!(serde_json::to_value(&check).unwrap(), written);
        }
        assert_eq!(Check::read(&json!("http://localhost/")).unwrap().name(), "GET http://localhost/");
    }

    #[test]
    fn what_is_no_check_is_refused_with_the_reason() {
        let refused = |written| Check::read(&written).unwrap_err().to_string();
        assert!(refused(json!({"htpp": "http://localhost/"})).contains("has one of `http`"));
        assert!(refused(json!({"http": "http://localhost/", "statu": 1})).contains("statu"));
        assert!(refused(json!(5)).contains("a check is a URL"));
    }
}
