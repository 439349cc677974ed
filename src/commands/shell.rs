//! `wirelint completions` and `wirelint man`: what a package installs beside the program.

use super::{Failure, exit, output, terminal};
use crate::cli::Cli;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::io::Write as _;
use std::path::Path;

/// Prints the completions of a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wirelint", &mut text);
    print(&text)
}

/// Prints the manual page, or writes one for each command to a folder.
pub(super) fn man(dir: Option<&Path>) -> Result<u8, Failure> {
    let mut command = Cli::command();
    command.build();
    let Some(dir) = dir else { return print(&page(command, "wirelint".to_owned())?) };
    std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let count = write(&command, "wirelint", dir)?;
    terminal::say(&format!("{}: {count} manual pages", dir.display()));
    Ok(exit::CLEAN)
}

/// Writes the pages of a command and of those below it; gives their number.
fn write(command: &Command, name: &str, dir: &Path) -> Result<usize, Failure> {
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command.clone(), name.to_owned())?)
        .map_err(|e| format!("{}: {e}", path.display()))?;
    let below = command.get_subcommands().filter(|sub| sub.get_name() != "help");
    below
        .map(|sub| write(sub, &format!("{name}-{}", sub.get_name()), dir))
        .try_fold(1, |n, more| Ok(n + more?))
}

fn page(command: Command, name: String) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    // Few names, once in a process; clap wants to borrow them.
    let name: &'static str = name.leak();
    Man::new(command.name(name)).render(&mut text).map_err(|e| format!("a manual page: {e}"))?;
    Ok(text)
}

fn print(text: &[u8]) -> Result<u8, Failure> {
    let mut out = output::open(None)?;
    output::written(out.write_all(text).and_then(|()| out.flush()))?;
    Ok(exit::CLEAN)
}
