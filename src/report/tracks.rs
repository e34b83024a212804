//! What happens at the same time: the course of the script, and each branch of `parallel`, which mostly is a server.

use super::text::elapsed;
use crate::key::{Key, KeyBuf};
use std::collections::BTreeMap;
use std::time::Instant;

/// All courses, by the key of their branch; the script's own is nameless.
#[derive(Default)]
pub struct Tracks(BTreeMap<KeyBuf, Track>);

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
    pub fn prefix(key: Key) -> String {
        match key.innermost_branch().name_of_branch() {
            "" => String::new(),
            name => format!("{name}: "),
        }
    }

    pub fn begin_step(&mut self, key: Key, name: &str) {
        // The key of the place where a block begins is not in it, even if that is a branch.
        let track = self.track(key.frame());
        track.open.push((name.to_owned(), Instant::now()));
        track.call.clear();
        track.output.clear();
    }

    /// Branches that a step had end with it.
    pub fn end_step(&mut self, key: Key) {
        self.track(key.frame()).open.pop();
        self.0.retain(|branch, _| !branch.as_key().is_in(key));
    }

    pub fn begin_call(&mut self, key: Key, text: &str) {
        let track = self.track(key);
        text.clone_into(&mut track.call);
        track.output.clear();
    }

    pub fn end_call(&mut self, key: Key) {
        let track = self.track(key);
        track.call.clear();
        track.output.clear();
    }

    pub fn progress(&mut self, key: Key, line: String) {
        self.track(key).output = line;
    }

    /// A line for each course in which something goes on.
    pub fn lines(&self) -> Vec<String> {
        let goes_on = |track: &&Track| !track.open.is_empty() || !track.call.is_empty();
        self.0.values().filter(goes_on).map(|track| track.line()).collect()
    }

    fn track(&mut self, key: Key) -> &mut Track {
        let branch = key.innermost_branch();
        self.0.entry(branch.to_buf()).or_insert_with(|| Track {
            name: branch.name_of_branch().to_owned(),
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
        tracks.begin_step("/0".into(), "Back up all");
        tracks.begin_call("/0/0[cloud]/0".into(), "backup");
        tracks.begin_step("/0/0[lab]/0".into(), "Back up");
        tracks.begin_call("/0/0[lab]/0/0".into(), "backup");
        tracks.progress("/0/0[lab]/0/0".into(), "dumping".into());
        assert_eq!(shown(&tracks), ["▸ Back up all", "▸ cloud  backup", "▸ lab  Back up  dumping"]);
        tracks.end_call("/0/0[cloud]/0".into());
        assert_eq!(shown(&tracks), ["▸ Back up all", "▸ lab  Back up  dumping"]);
        tracks.end_step("/0".into());
        assert_eq!(shown(&tracks), [""; 0]);
        assert_eq!(
            (Tracks::prefix("/0/0[lab]/1".into()), Tracks::prefix("/0/1".into())),
            ("lab: ".into(), String::new())
        );
    }
}
