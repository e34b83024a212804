//! A program at a terminal of its own, whose screen is seen as a person would see it.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub struct Pty {
    child: Child,
    main: OwnedFd,
    /// The other side, whose modes are those of the terminal.
    side: OwnedFd,
    screen: vt100::Parser,
}

impl Pty {
    /// Starts these words; `like` says in which folder and environment.
    pub fn start(like: &Command, words: &[&str], rows: u16, columns: u16) -> Pty {
        let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&main).unwrap();
        unlockpt(&main).unwrap();
        let name = ptsname(&main, Vec::new()).unwrap();
        let open = || {
            let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
            rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).unwrap()
        };
        // `setsid -c` makes it the terminal of a session of its own, so that Ctrl-C and Ctrl-Z reach the program.
        let mut command = Command::new("setsid");
        command.arg("-c").args(words).env_clear();
        for (key, value) in like.get_envs() {
            if let Some(value) = value {
                command.env(key, value);
            }
        }
        if let Some(folder) = like.get_current_dir() {
            command.current_dir(folder);
        }
        command.env("TERM", "xterm");
        command.stdin(Stdio::from(open())).stdout(Stdio::from(open())).stderr(Stdio::from(open()));
        let side = open();
        size(&main, rows, columns);
        let child = command.spawn().unwrap();
        Pty { child, main, side, screen: vt100::Parser::new(whole(rows), whole(columns), 1000) }
    }

    /// Another size, as if a person had pulled at the window.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.read(Duration::ZERO);
        self.screen.screen_mut().set_size(whole(rows), whole(columns));
        size(&self.main, rows, columns);
    }

    pub fn types(&mut self, text: &str) {
        rustix::io::write(&self.main, text.as_bytes()).unwrap();
    }

    /// Takes in what is drawn, for so long, and until nothing comes for a moment.
    pub fn read(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let quiet = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
            let mut ready = [PollFd::new(&self.main, PollFlags::IN)];
            if poll(&mut ready, Some(&quiet)).unwrap_or(0) == 0 {
                if Instant::now() >= until {
                    return;
                }
                continue;
            }
            let mut buffer = [0; 4096];
            match rustix::io::read(&self.main, &mut buffer) {
                Ok(read) if read > 0 => self.screen.process(&buffer[..read]),
                _ => return,
            }
        }
    }

    /// The rows of the screen, without blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        let (_, columns) = self.screen.screen().size();
        self.screen.screen().rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    /// The text of the screen as one line, however it is parted.
    pub fn text(&self) -> String {
        self.rows().iter().map(|row| row.trim()).collect::<Vec<_>>().join(" ")
    }

    /// The row in which the cursor stands, up to it.
    pub fn before_cursor(&self) -> String {
        let (row, column) = self.screen.screen().cursor_position();
        let text = self.screen.screen().rows(0, column).nth(usize::from(row)).unwrap_or_default();
        // Blanks at the end are none for the screen.
        let wide = unicode_width::UnicodeWidthStr::width(text.as_str());
        format!("{text}{}", " ".repeat(usize::from(column).saturating_sub(wide)))
    }

    /// Waits until the screen has this text.
    pub fn sees(&mut self, text: &str) {
        let until = Instant::now() + Duration::from_secs(120);
        while !self.text().contains(text) {
            assert!(Instant::now() < until, "`{text}` is not seen:\n{}", self.rows().join("\n"));
            self.read(Duration::from_millis(20));
        }
    }

    /// Whether the terminal reads lines and shows what is typed, as a shell expects it.
    pub fn has_own_modes(&self) -> bool {
        use rustix::termios::LocalModes;
        let modes = tcgetattr(self.side.as_fd()).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn ends(&mut self) -> ExitStatus {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            self.read(Duration::from_millis(20));
            if let Some(status) = self.child.try_wait().unwrap() {
                self.read(Duration::from_millis(20));
                return status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.rows().join("\n"));
        }
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn whole(n: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(n).unwrap()
}

fn size(main: &OwnedFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(main, size).unwrap();
}
