//! Flags as environment variables: `--fail-on` is `WIRELINT_FAIL_ON`.

use super::Cli;
use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Command, CommandFactory};

/// Flags that are typed or not said at all: what prints secrets, overwrites, or makes of a run another one.
const TYPED: &[&str] = &["show-secrets", "write-baseline", "write", "expect", "force", "ci", "list", "token"];

/// The command line as it is parsed: each flag with its variable. A flag that is typed wins.
pub fn command() -> Command {
    with_variables(Cli::command())
}

fn with_variables(command: Command) -> Command {
    command.mut_args(with_variable).mut_subcommands(with_variables)
}

fn with_variable(arg: Arg) -> Arg {
    let Some(long) = arg.get_long().filter(|long| !TYPED.contains(long)) else { return arg };
    // A few names for the life of the process, which clap wants to borrow.
    let name: &'static str = format!("WIRELINT_{}", long.to_uppercase().replace('-', "_")).leak();
    let switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let arg = arg.env(name).hide_env(true);
    if switch { arg.value_parser(FalseyValueParser::new()) } else { arg }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_variable_but_those_that_are_typed() {
        let command = command();
        for sub in command.get_subcommands() {
            for arg in sub.get_arguments().filter(|arg| arg.get_long().is_some()) {
                let long = arg.get_long().unwrap_or_default();
                assert_eq!(arg.get_env().is_none(), TYPED.contains(&long), "{} --{long}", sub.get_name());
            }
        }
    }
}
