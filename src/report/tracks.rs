//! What happens at the same time: the course of the script, and each branch of `parallel`, which mostly is a server.

use super::text::elapsed;
use std::collections::BTreeMap;
use std::time::Instant;

/// All courses, by the key of their branch; the script's own is nameless.
#[derive(Default)]
pub struct Tracks(BTreeMap<String, Track>);

/// One course.
struct Track {
    /// The branch's name.
    name: String,
    began: Instant,
    /// The steps that are open, outermost first, with their instants.
    open: Vec<(String, Instant)>,
    /// The call that goes on, and the last line of its output.
    call: String,
    output: String,
}

impl Tracks {
    /// The name of the branch that a key is in, with what stands between it and the text that follows.
    pub fn prefix(key: &str) -> String {
        match name(branch(key)) {
            "" => String::new(),
            name => format!("{name}: "),
        }
    }

    pub fn begin_step(&mut self, key: &str, name: &str) {
        let track = self.track(outside(key));
        track.open.push((name.to_owned(), Instant::now()));
        track.call.clear();
        track.output.clear();
    }

    /// Branches that a step had end with it.
    pub fn end_step(&mut self, key: &str) {
        self.track(outside(key)).open.pop();
        let inside = format!("{key}/");
        self.0.retain(|branch, _| !branch.starts_with(&inside));
    }

    pub fn begin_call(&mut self, key: &str, text: &str) {
        let track = self.track(key);
        text.clone_into(&mut track.call);
        track.output.clear();
    }

    pub fn end_call(&mut self, key: &str) {
        let track = self.track(key);
        track.call.clear();
        track.output.clear();
    }

    pub fn progress(&mut self, key: &str, line: String) {
        self.track(key).output = line;
    }

    /// A line for each course in which something goes on.
    pub fn lines(&self) -> Vec<String> {
        let goes_on = |track: &&Track| !track.open.is_empty() || !track.call.is_empty();
        self.0.values().filter(goes_on).map(|track| track.line()).collect()
    }

    fn track(&mut self, key: &str) -> &mut Track {
        let branch = branch(key);
        self.0.entry(branch.to_owned()).or_insert_with(|| Track {
            name: name(branch).to_owned(),
            began: Instant::now(),
            open: Vec::new(),
            call: String::new(),
            output: String::new(),
        })
    }
}

impl Track {
    fn line(&self) -> String {
        let what = if self.output.is_empty() { &self.call } else { &self.output };
        let (step, began) = match self.open.last() {
            Some((step, began)) => (step.as_str(), began),
            None => ("", &self.began),
        };
        let words = [self.name.clone(), step.into(), elapsed(began.elapsed().as_secs_f64()), what.clone()];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        format!("▸ {}", words.join("  "))
    }
}

/// The branch that a key is in: up to its last `]`.
fn branch(key: &str) -> &str {
    key.rfind(']').map_or("", |end| &key[..=end])
}

/// The key of the place where a block begins is not in it, even if that is a branch.
fn outside(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(outside, _)| outside)
}

fn name(branch: &str) -> &str {
    let start = branch.rfind('[').map_or(0, |start| start + 1);
    branch.get(start..branch.len().saturating_sub(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_branch_has_a_line_until_the_step_around_it_ends() {
        let mut tracks = Tracks::default();
        let shown = |tracks: &Tracks| -> Vec<String> {
            let lines = tracks.lines();
            lines.iter().map(|line| line.replace("  0.0s", "")).collect()
        };
        tracks.begin_step("/0", "Back up all");
        tracks.begin_call("/0/0[cloud]/0", "backup");
        tracks.begin_step("/0/0[lab]/0", "Back up");
        tracks.begin_call("/0/0[lab]/0/0", "backup");
        tracks.progress("/0/0[lab]/0/0", "dumping".into());
        assert_eq!(shown(&tracks), ["▸ Back up all", "▸ cloud  backup", "▸ lab  Back up  dumping"]);
        tracks.end_call("/0/0[cloud]/0");
        assert_eq!(shown(&tracks), ["▸ Back up all", "▸ lab  Back up  dumping"]);
        tracks.end_step("/0");
        assert_eq!(shown(&tracks), [""; 0]);
        assert_eq!((Tracks::prefix("/0/0[lab]/1"), Tracks::prefix("/0/1")), ("lab: ".into(), String::new()));
    }
}
