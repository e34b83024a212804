//! A service of the practice server: what is common to all of them.

use crate::failure::{Failure, Kind, Result};
use crate::machine::yaml;
use crate::output;
use crate::practice::database::client::{first_value, sql};
use crate::practice::docker::container::Container;
use crate::practice::docker::image::Image;
use crate::practice::world::http::{self, Request, Response};
use crate::practice::world::{World, fault, now, ports, trace};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a service waits for another before it gives up and is started again. Hoss waits a minute.
pub const PATIENCE: Duration = Duration::from_secs(6);

/// What a service knows of itself.
#[derive(Clone, Debug)]
pub struct Service {
    pub world: World,
    pub container: Container,
    pub image: Image,
}

impl Service {
    pub fn service(&self) -> &str {
        &self.container.spec.service
    }

    /// A variable of the container's environment, empty if there is none.
    pub fn variable(&self, name: &str) -> &str {
        self.container.spec.environment.get(name).map_or("", String::as_str)
    }

    /// Where a path of the container is on this machine.
    pub fn file(&self, inner: &str) -> Result<PathBuf> {
        let missing = || Failure::new(Kind::NotFound, format!("`{inner}` is not mounted"));
        self.container.spec.outside(inner).ok_or_else(missing)
    }

    /// The text of a mounted file.
    pub fn read(&self, inner: &str) -> Result<String> {
        let path = self.file(inner)?;
        std::fs::read_to_string(&path)
            .map_err(|error| Failure::new(Kind::NotFound, format!("`{inner}` can't be read")).why(error))
    }

    /// The service's own configuration, `/opt/config.yaml`.
    pub fn configuration(&self) -> Result<Value> {
        yaml::parse(&self.read("/opt/config.yaml")?)
    }

    pub fn log(&self, text: impl std::fmt::Display) {
        output::line(format_args!("{} {text}", now()));
    }

    /// The seconds of a fault that strikes this service's release.
    pub fn strikes(&self, fault: &str, default: u64) -> Option<u64> {
        fault::strikes(&self.world, fault, self.release(), default)
    }

    /// The release this service belongs to, empty for an image of a registry. Only core has it built in; the
    /// others may share an image with an older release and know it by their tag.
    pub fn release(&self) -> &str {
        let tagged = self.container.spec.image.strip_prefix("hoss-").and_then(|name| name.rsplit_once(':'));
        match (self.image.version.as_str(), tagged) {
            ("", Some((_, tag))) => tag,
            (version, _) => version,
        }
    }

    /// Polls until `ready`; a failure names what did not come.
    pub fn wait(&self, what: &str, patience: Duration, ready: impl Fn() -> bool) -> Result<()> {
        let end = Instant::now() + patience;
        while !ready() {
            if Instant::now() > end {
                return Err(Failure::new(Kind::TimedOut, format!("gave up waiting for {what}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Whether a URL, written as in the container, answers 200.
    pub fn answers(&self, url: &str) -> bool {
        http::get(&self.world, url).is_ok_and(|response| response.status == 200)
    }

    /// Exchanges the service secret for a token, as every service does that asks another one for something. `auth` is the
    /// address of the auth service, which may be another server's.
    pub fn token(&self, auth: &str) -> Result<String> {
        let url = format!("{auth}/sat/exchange/jwt");
        let bearer = format!("Bearer {}", self.variable("SERVICE_AUTH_SECRET"));
        let response =
            http::request(&self.world, "POST", &url, &[("authorization".into(), bearer)], Vec::new())?;
        match response.status {
            201 => Ok(yaml::text(&response.value()["id_token"])),
            status => Err(Failure::new(
                Kind::Refused,
                format!("token exchange at {url} failed with status {status}"),
            )),
        }
    }

    /// Whether the service's database takes statements.
    pub fn database_answers(&self) -> bool {
        match self.world.is_inside() {
            true => sql(&self.world, self.variable("POSTGRES_DB"), "SELECT 1").is_ok(),
            false => self.answers("http://db:5432/ready"),
        }
    }

    /// Answers requests at the service's port for ever.
    pub fn listen(&self, answer: impl Fn(Request) -> Response + Send + Sync + 'static) -> Result<()> {
        let at = match self.world.is_inside() {
            true => (Ipv4Addr::UNSPECIFIED, ports::inner(self.service()).unwrap_or(80)).into(),
            false => self.world.socket(self.service())?,
        };
        self.log(format_args!("listening on {at}"));
        http::serve(at, answer)
    }

    /// Brings this service's database up to the release: forward only, each migration in a transaction of its own.
    pub fn migrate(&self) -> Result<()> {
        let Some(last) = self.image.migrations.last().map(|migration| migration.number) else {
            return Ok(());
        };
        let database = self.variable("POSTGRES_DB");
        let history = "SELECT max(version) FROM gopg_migrations";
        let current: i64 = match sql(&self.world, database, history) {
            Ok(answers) => first_value(&answers).parse().unwrap_or(0),
            Err(_) => {
                sql(&self.world, database, "CREATE TABLE gopg_migrations (id bigint, version bigint)")?;
                0
            }
        };
        if current > last {
            let message =
                format!("database {database} is at migration {current}, this release knows only {last}");
            return Err(Failure::new(Kind::Refused, message));
        }
        for migration in self.image.migrations.iter().filter(|migration| migration.number > current) {
            let number = migration.number;
            let fault = match self.strikes("migration", 0) {
                Some(_) if self.service() == "core" => "; DROP TABLE asked_for_by_the_fault_migration",
                _ => "",
            };
            let record = format!("; INSERT INTO gopg_migrations (id, version) VALUES ({number}, {number})");
            let statements = [migration.statements.trim_end().trim_end_matches(';'), fault, &record].concat();
            sql(&self.world, database, &statements).map_err(|failure| {
                Failure::new(failure.kind, format!("migration {number} failed")).why(failure)
            })?;
            self.log(format_args!("migration {number} of {database} is done"));
            trace::did(&self.world, self.service(), format!("migrated {database} to {number}"));
        }
        Ok(())
    }
}
