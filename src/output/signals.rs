//! What signals mean for a question that is open. Those that end or stop the program find the terminal with its own modes.

use super::{modes, screen};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Once};

/// Whether somebody else listens to what ends the program.
static HEARD: AtomicBool = AtomicBool::new(false);

/// The same of Ctrl-\.
static QUIT_HEARD: AtomicBool = AtomicBool::new(false);

/// How often a signal asked for the end of what is going on.
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// Whether a signal does what it does to a program that does not listen: what ends it, and what stops it.
static ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));
static STOPS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Somebody listens to what ends the program, from now on, and calls [`end_questions`] for it.
pub fn are_heard() {
    HEARD.store(true, Ordering::SeqCst);
    ENDS.store(false, Ordering::SeqCst);
}

/// Somebody listens to Ctrl-\ as well, from now on.
pub fn quit_is_heard() {
    QUIT_HEARD.store(true, Ordering::SeqCst);
}

/// Changes with each signal that ends what is going on.
pub fn ended() -> usize {
    ENDED.load(Ordering::SeqCst)
}

/// Leaves the questions that are open or wait for their turn. Whoever listens says it, so that he knows before it whether
/// one was open.
pub fn end_questions() {
    ENDED.fetch_add(1, Ordering::SeqCst);
}

/// A question is opened.
pub fn open() {
    ENDS.store(false, Ordering::SeqCst);
    STOPS.store(false, Ordering::SeqCst);
    static LISTENS: Once = Once::new();
    LISTENS.call_once(listen);
}

/// It is closed.
pub fn close() {
    ENDS.store(!HEARD.load(Ordering::SeqCst), Ordering::SeqCst);
    STOPS.store(true, Ordering::SeqCst);
}

fn listen() {
    for (signal, does) in [(SIGINT, &*ENDS), (SIGTERM, &ENDS), (SIGHUP, &ENDS), (SIGTSTP, &STOPS)] {
        _ = register_conditional_default(signal, does.clone());
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if modes::restore()
            && let Some(mut screen) = screen::try_lock()
        {
            screen.erase();
        }
        before(panic);
    }));
    // Without them a question still ends with its answer.
    let Ok(mut signals) = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGQUIT if QUIT_HEARD.load(Ordering::SeqCst) => {}
                SIGQUIT => {
                    modes::restore();
                    _ = signal_hook::low_level::emulate_default_handler(SIGQUIT);
                }
                SIGTSTP if !STOPS.load(Ordering::SeqCst) => stop(),
                SIGTSTP => {}
                SIGWINCH => screen::lock().draw(""),
                _ if HEARD.load(Ordering::SeqCst) => {}
                _ => end_questions(),
            }
        }
    });
}

/// Stops the program like any other, and draws again once it is continued.
fn stop() {
    let mut screen = screen::lock();
    screen.erase();
    modes::restore();
    // To this thread: no other may go on while the screen is held.
    _ = signal_hook::low_level::raise(SIGSTOP);
    // Whoever reads the answer takes the keys again.
    screen.draw("");
}
