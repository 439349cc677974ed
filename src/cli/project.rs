//! What can be typed about rules and configuration: `rules`, `init`, `schema`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// wirelint.toml
    Config,
    /// A rule file
    Rule,
    /// What --format json and ndjson print
    Report,
}

/// `wirelint init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// The file, or - for standard output
    #[arg(default_value = "wirelint.toml", value_name = "FILE")]
    pub file: PathBuf,
    /// Overwrite a file that is there
    #[arg(long)]
    pub force: bool,
    /// Write the job of a CI system, too
    #[arg(long, value_enum, value_name = "SYSTEM")]
    pub ci: Option<Ci>,
}

/// CI systems that `init` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// .github/workflows/wirelint.yml
    Github,
    /// wirelint.gitlab-ci.yml, to be included
    Gitlab,
}

/// `wirelint rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules
    List {
        /// Format: text, json
        #[arg(long, default_value = "text", value_name = "FORMAT")]
        format: String,
        /// Folder with more rules
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Explain one rule
    Show {
        /// Its id
        id: String,
        /// Folder with more rules
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Run the examples of the built-in rules, or of those in a folder
    Test {
        /// Folder with rules
        dir: Option<PathBuf>,
    },
    /// Print the reference page of all rules in Markdown
    Docs {
        /// Print the reference of facts instead
        #[arg(long, conflicts_with = "rules")]
        facts: bool,
        /// Folder with rules: print their page
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
}
