//! The full screen of `live`, driven in tmux as a person would.

use crate::support::namespace::{Namespace, able, basics, run, tool, until};
use std::path::Path;
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_wirelint");

/// A tmux server of its own, with one window; goes with this value.
struct Tmux {
    socket: String,
    _folder: tempfile::TempDir,
}

impl Tmux {
    fn new(namespace: &Namespace, columns: u16, rows: u16, command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { socket: folder.path().join("tmux").display().to_string(), _folder: folder };
        let mut tmux = namespace.command("tmux");
        tmux.args(["-S", &this.socket, "-f", "/dev/null", "new-session", "-d"]);
        tmux.args(["-x", &columns.to_string(), "-y", &rows.to_string(), command]);
        // Windows have the environment of the server, which this command starts.
        run(tmux.env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("TMUX"));
        this
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        run(Command::new("tmux").args(["-S", &self.socket]).args(arguments))
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "0"], keys].concat());
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-t", "0"])
    }

    #[track_caller]
    fn shows(&self, texts: &[&str]) -> String {
        let mut last = String::new();
        until(&format!("the screen shows {texts:?}"), || {
            last = self.screen();
            texts.iter().all(|text| last.contains(text))
        });
        last
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let pids = self.tmux(&["list-panes", "-F", "#{pane_pid}"]);
        let _ = Command::new("tmux").args(["-S", &self.socket, "kill-server"]).status();
        // What ran in the window ends with its terminal.
        if !std::thread::panicking() {
            until("the end of the window", || pids.lines().all(|pid| !Path::new("/proc").join(pid).exists()));
        }
    }
}

#[test]
fn the_screen_is_shown_resized_drilled_filtered_paused_and_quit() {
    let mut needs = basics();
    needs.push(tool("tmux"));
    if !able(&needs) {
        return;
    }
    let namespace = Namespace::new("screen");
    let command = format!("{BINARY} live -i lo --crack-budget 0; echo code $?; sleep 60");
    let tmux = Tmux::new(&namespace, 80, 24, &command);
    tmux.shows(&["wirelint live  lo", "no findings yet", "q quit"]);
    crate::live::play_to(&namespace, "screen.test");
    let list = tmux.shows(&["token-over-cleartext-http", "screen.test GET /v1/me", "tokens 1 distinct"]);
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");

    tmux.tmux(&["resize-window", "-t", "0", "-x", "120", "-y", "40"]);
    until("the last line is the last of the window", || {
        let wide = tmux.screen();
        wide.lines().nth(39).is_some_and(|line| line.contains("q quit"))
    });
    tmux.tmux(&["resize-window", "-t", "0", "-x", "80", "-y", "24"]);

    tmux.keys(&["/"]);
    tmux.keys(&["-l", "cleartext"]);
    tmux.shows(&["filter: cleartext_"]);
    tmux.keys(&["Enter"]);
    until("other rules are filtered out", || !tmux.screen().contains("jwt-missing-aud"));
    tmux.keys(&["Enter"]);
    tmux.shows(&["severity", "packet ", "fix ", "Esc back"]);
    tmux.keys(&["End"]);
    let life = tmux.shows(&["token 1 of 1", "accepted"]);
    assert!(
        life.contains("GET /v1/me") && !life.contains(crate::live::TOKEN),
        "the life of the token: {life}"
    );
    tmux.keys(&["Escape"]);
    tmux.shows(&["q quit"]);
    tmux.keys(&["Escape"]);
    tmux.shows(&["jwt-missing-aud"]);

    tmux.keys(&["p"]);
    tmux.shows(&["PAUSED"]);
    crate::live::play_to(&namespace, "later.test");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(!tmux.screen().contains("later.test"), "paused");
    tmux.keys(&["p"]);
    tmux.shows(&["later.test"]);

    tmux.keys(&["q"]);
    let end = tmux.shows(&["packets dropped", "code 1"]);
    assert!(!end.contains("q quit"), "the terminal is as it was: {end}");
}
