//! Writing a backup's archive, beside the same work done by Python's `shutil.make_archive(…, "gztar")` and by
//! `tar | zstd -T0`, each in this one run, on the same files; and what it takes of memory.
//!
//! `tests/run --bench` measures. `BANISTER_BENCH_MEGABYTES` says how much is archived (default 1024); a number of
//! rounds is in `BANISTER_BENCH_ROUNDS` (default 3). The files are a mix: text, JSON lines, and a quarter of bytes that
//! nothing can compress. `cargo test --bench archive` only tries one short round.

#[path = "support/measure.rs"]
mod measure;

use banister::internals::machine::archive::{self, About, Content, Keys, Member, Own, Watch};
use measure::{either, median, ratio, succeed};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // This program is its own child for the memory: the high-water mark of a process never falls.
    if let [_, word, from, to] = arguments.as_slice()
        && word == "create"
    {
        return create(Path::new(from), Path::new(to));
    }
    let number =
        |name: &str, or: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let megabytes = number("BANISTER_BENCH_MEGABYTES", either(1024, 16));
    let rounds = usize::try_from(number("BANISTER_BENCH_ROUNDS", either(3, 1))).expect("a number of rounds");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    fill(&data, megabytes);
    println!("{megabytes} MB, {rounds} rounds, medians");
    for (format, yardstick) in [("tar.gz", "shutil.make_archive gztar"), ("tar.zst", "tar | zstd -T0")] {
        let own = folder.path().join(format!("own.{format}"));
        let other = folder.path().join(format!("other.{format}"));
        let mut times = (Vec::new(), Vec::new());
        let mut peak = 0;
        for _ in 0..rounds {
            let _ = fs::remove_file(&own);
            let began = Instant::now();
            peak = peak.max(child(&data, &own));
            times.0.push(began.elapsed());
            let began = Instant::now();
            yardstick_of(format, &data, &other);
            times.1.push(began.elapsed());
        }
        let began = Instant::now();
        archive::verify(&own).expect("a whole archive");
        let verified = began.elapsed();
        let (ours, theirs) = (median(times.0), median(times.1));
        let size = |path: &Path| path.metadata().expect("an archive").len() >> 20;
        println!(
            "{format}: {ours:.2?}, {} MB, peak {peak} MB of memory; {yardstick}: {theirs:.2?}, {} MB: {:.2} times; \
             reading back and comparing: {verified:.2?}",
            size(&own),
            size(&other),
            ratio(theirs, ours),
        );
    }
}

fn create(from: &Path, to: &Path) {
    let members = [Member { name: "data".into(), content: Content::Path(from.into()) }];
    let about = About {
        server: "bench".into(),
        kind: "plain".into(),
        created: "2026-01-01T00:00:00Z".into(),
        ..About::default()
    };
    let watch = Watch { stop: &|| false, warn: &|warning| panic!("{warning}"), own: &Own::default() };
    let unnamed = archive::create(
        to,
        &Keys::default(),
        &members,
        about,
        &banister::internals::kind::Archive::default(),
        &watch,
    )
    .expect("an archive");
    unnamed.finish().expect("a name");
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a high-water mark");
    println!("{}", peak.trim().trim_end_matches(" kB"));
}

/// Runs [`create`] in a child; its peak of memory in megabytes.
fn child(from: &Path, to: &Path) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let out = Command::new(program).arg("create").arg(from).arg(to).output().expect("it starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let kilobytes: u64 = String::from_utf8_lossy(&out.stdout).trim().parse().expect("a number");
    kilobytes >> 10
}

fn yardstick_of(format: &str, data: &Path, to: &Path) {
    let (folder, to) = (data.parent().expect("a folder").display(), to.display());
    let command = match format {
        "tar.gz" => {
            let base = to.to_string().trim_end_matches(".tar.gz").to_owned();
            let script = format!("import shutil; shutil.make_archive({base:?}, 'gztar', '{folder}', 'data')");
            let mut command = Command::new("python3");
            command.args(["-c", &script]);
            command
        }
        _ => {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("tar -C {folder} -cf - data | zstd -T0 -q -f -o {to}")]);
            command
        }
    };
    succeed(command);
}

/// Sixteen files. The same seed gives the same bytes.
fn fill(folder: &Path, megabytes: u64) {
    fs::create_dir(folder).expect("a folder");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words =
        ["dataset", "namespace", "created", "object", "the", "of", "update", "server", "rows", "north"];
    for number in 0..16_u64 {
        let file = fs::File::create(folder.join(format!("part-{number}"))).expect("a file");
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let mut left = (megabytes << 20) / 16;
        while left > 0 {
            let piece = match number % 4 {
                0 => (0..512).flat_map(|_| random().to_le_bytes()).collect::<Vec<u8>>(),
                1 => format!(
                    "{{\"id\":{},\"name\":\"{}-{}\",\"size\":{}}}\n",
                    random() % 1_000_000,
                    words[(random() % 10) as usize],
                    random() % 9_999,
                    random() % 100_000_000
                )
                .into_bytes(),
                _ => (0..12)
                    .map(|_| format!("{} {:x} ", words[(random() % 10) as usize], random() % 4096))
                    .collect::<String>()
                    .into_bytes(),
            };
            let piece = &piece[..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            file.write_all(piece).expect("room on the disk");
            left -= piece.len() as u64;
        }
        file.flush().expect("room on the disk");
    }
}
