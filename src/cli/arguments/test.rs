//! What can be typed after `banister test`.

use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_long_help = TESTS)]
pub struct Options {
    /// Test scripts, or folders of them [default: those in the site's folder `tests`, after a rehearsal].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Rehearse only once, without the rehearsals that are killed at each record of their journal.
    #[arg(long)]
    pub quick: bool,
    /// A runbook to rehearse.
    #[arg(long, value_name = "NAME", default_value = "update")]
    pub runbook: Vec<String>,
}

const TESTS: &str = "A test script is a Rhai file of functions, each a test with a practice server of its own:

    fn a_broken_build_is_mended(practice) {
        practice.fail(\"build\");
        let run = practice.run(\"update\", #{ to: \"0.2.0\" });
        expect_equal(run.state, \"failed\");
        practice.mend(\"build\");
        expect_equal(practice.resume().state, \"done\");
        expect(practice.healthy, \"it is not healthy\");
    }

  practice.run(RUNBOOK, #{ PARAM: VALUE })   runs it with --yes: what `show --json` says, with `code` and `said`
  practice.resume(), practice.roll_back()    continue, or roll back
  practice.kill_at(STEP)                     the next run is killed when this step has begun
  practice.fail(FAULT), practice.mend(FAULT) `health`, or a make target; of a Hoss, those of `banister demo --fault`
  practice.stand_in(PROGRAM, SCRIPT)         a shell script that the server's commands find under this name
  practice.read(PATH), write(PATH, TEXT)     a file in the home of the server
  practice.release, .healthy, .made          the release checked out, whether it is healthy, the make targets called
  expect(IS_SO, TEXT), expect_equal(FOUND, EXPECTED)

A function that is `private`, or has another number of parameters, is no test.";
