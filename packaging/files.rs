//! Makes what a package brings besides what lies in the source as it is: man pages, completions, the configuration.
//!
//! All of it comes from the command line and the example that the program itself has, so nothing can say anything else.
//! `make man` runs it: `cargo run --example package-files -- FOLDER`.

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

/// The line of the example that the package's configuration has in force: findings are kept, where the unit has its folder.
const KEPT: &str = "state_dir = \"/var/lib/straggler\"";

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| Error::other("usage: package-files FOLDER"))?;
    let command = straggler::cli::Cli::command();
    let man = folder.join("man");
    make_empty(&man)?;
    write_pages(&command, &man)?;
    let completions = folder.join("completions");
    make_empty(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command.clone(), "straggler", &completions)?;
    }
    fs::write(folder.join("straggler.toml"), configuration()?)
}

/// What an older version made and this one does not would be packed too.
fn make_empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)
}

/// A page for each command at every depth, as `straggler-rules-check.1`.
fn write_pages(command: &Command, folder: &Path) -> Result<()> {
    let mut command = command.clone();
    command.build();
    write_page(&command, folder)
}

fn write_page(command: &Command, folder: &Path) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let page = clap_mangen::Man::new(command.clone())
        .manual("Straggler")
        .source(concat!("straggler ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    page.render(&mut text)?;
    let text = String::from_utf8(text).map_err(Error::other)?;
    fs::write(folder.join(format!("{name}.1")), as_it_stands(&text))?;
    command
        .get_subcommands()
        .try_for_each(|child| write_page(child, folder))
}

/// Examples and tables behind the options keep their lines.
fn as_it_stands(page: &str) -> String {
    let Some((before, after)) = page.split_once(".SH EXTRA\n") else {
        return page.to_owned();
    };
    let end = after.find("\n.SH ").map_or(after.len(), |at| at + 1);
    let (extra, rest) = after.split_at(end);
    format!("{before}.SH NOTES\n.nf\n{}\n.fi\n{rest}", extra.trim_end())
}

/// The example, with a folder for findings.
fn configuration() -> Result<String> {
    let example = straggler::config::EXAMPLE;
    let commented = format!("# {KEPT}\n");
    if example.matches(&commented).count() != 1 {
        return Err(Error::other(format!(
            "the example does not have once: {commented}"
        )));
    }
    Ok(example.replace(&commented, &format!("{KEPT}\n")))
}
