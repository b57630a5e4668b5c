//! The page of the command line is made of what the program says about itself.

use std::fmt::Write;
use std::path::Path;

use super::{keep, updates};

const PAGE: &str = "docs/command-line.md";

/// Plain text as Markdown, between the marks of tables.
fn cell(text: &str) -> String {
    text.trim().replace('\n', " ").replace('|', "\\|")
}

/// How an argument is written.
fn form(argument: &clap::Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default().join("|");
    match (argument.get_long(), argument.get_action().takes_values()) {
        (None, _) => names,
        (Some(long), false) => format!("--{long}"),
        (Some(long), true) if argument.is_require_equals_set() => format!("--{long}[={names}]"),
        (Some(long), true) if argument.get_num_args().is_some_and(|count| count.min_values() == 0) => {
            format!("--{long} [{names}]")
        }
        (Some(long), true) => format!("--{long} {names}"),
    }
}

/// What is said about an argument, its words and its default.
fn meaning(command: &str, argument: &clap::Arg) -> String {
    let help = argument
        .get_long_help()
        .or_else(|| argument.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(
        !help.trim().is_empty(),
        "`interpret {command}`: `{}` has no help",
        argument.get_id()
    );
    let mut text = cell(&help);
    if !text.ends_with('.') {
        text.push('.');
    }
    if argument.get_action().takes_values() {
        let words: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|word| !word.is_hide_set())
            .map(|word| match word.get_help() {
                Some(help) => format!(
                    "`{}` ({})",
                    word.get_name(),
                    cell(&help.to_string()).trim_end_matches('.')
                ),
                None => format!("`{}`", word.get_name()),
            })
            .collect();
        if !words.is_empty() {
            write!(text, " One of {}.", words.join(", ")).unwrap();
        }
        let defaults: Vec<String> = argument
            .get_default_values()
            .iter()
            .map(|word| format!("`{}`", word.display()))
            .collect();
        if !defaults.is_empty() {
            write!(text, " The default is {}.", defaults.join(", ")).unwrap();
        }
    }
    text
}

/// What stands behind a command: its examples and exit codes.
fn rest(command: &clap::Command, out: &mut String) {
    let Some(help) = command.get_after_help() else { return };
    for paragraph in help.to_string().split("\n\n") {
        match paragraph.strip_prefix("Examples:\n") {
            Some(examples) => {
                let lines = examples
                    .lines()
                    .map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)));
                write!(out, "\n```sh\n{}```\n", lines.collect::<String>()).unwrap();
            }
            None => write!(out, "\n{}\n", paragraph.trim()).unwrap(),
        }
    }
}

fn describe(command: &clap::Command, path: &str, out: &mut String) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let path = format!("{path}{}", sub.get_name());
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty(), "`interpret {path}` has no help");
        let heading = "#".repeat(path.split(' ').count() + 1);
        let full_stop = if about.ends_with('.') { "" } else { "." };
        write!(out, "\n{heading} `interpret {path}`\n\n{about}{full_stop}\n").unwrap();
        let arguments: Vec<&clap::Arg> = sub
            .get_arguments()
            .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
            .collect();
        if !arguments.is_empty() {
            out.push_str("\n| argument | what it does |\n| --- | --- |\n");
        }
        for argument in arguments {
            writeln!(out, "| `{}` | {} |", cell(&form(argument)), meaning(&path, argument)).unwrap();
        }
        rest(sub, out);
        describe(sub, &format!("{path} "), out);
    }
}

#[test]
fn the_page_of_the_command_line_is_that_of_the_program() {
    let mut command = interpret::cli::command();
    command.build();
    let mut page = String::from(
        "# The command line\n\n`interpret help COMMAND` prints what stands here; a test keeps this page in step with the program.\n\
         Results go to stdout, everything else to stderr.\n",
    );
    rest(&command, &mut page);
    describe(&command, "", &mut page);
    if updates() {
        std::fs::write(PAGE, &page).unwrap();
    }
    keep(Path::new(PAGE), &page);
}
