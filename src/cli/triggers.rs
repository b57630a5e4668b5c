//! `interpret triggers`: what starts workflows by itself, and when.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, output, show};
use crate::clock::{Clock, SystemClock};
use crate::graph::{CatchUp, Cron, Overlap, Respond, Signature, Timestamp, TriggerSource, Webhook};
use crate::load;

/// How many times of a schedule are shown.
const SHOWN: usize = 5;

/// Which workflows to look at.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret triggers workflows/
  interpret triggers workflows/nightly-report.yaml")]
pub(super) struct Arguments {
    /// Workflow files, and folders of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let loaded = load::load(&arguments.paths);
    show(&loaded.diagnostics, &loaded.sources);
    let now = SystemClock.now();
    let mut text = String::new();
    for graph in loaded.workflows() {
        for trigger in &graph.header.triggers {
            // Writing to a string does not fail.
            let _ = match &trigger.source {
                TriggerSource::Cron(cron) => writeln!(text, "{}: {}", graph.header.id, schedule(cron, now)),
                TriggerSource::Webhook(hook) => writeln!(text, "{}: {}", graph.header.id, webhook(hook)),
            };
        }
    }
    if text.is_empty() && !loaded.has_errors() {
        text.push_str("no workflow has triggers\n");
    }
    match output::result(&text) {
        Err(exit) => exit,
        Ok(()) if loaded.has_errors() => Exit::Usage,
        Ok(()) => Exit::Success,
    }
}

fn schedule(cron: &Cron, now: Timestamp) -> String {
    let overlap = match cron.overlap {
        Overlap::Skip => "skip",
        Overlap::Queue => "queue",
        Overlap::Allow => "allow",
    };
    let catch_up = match cron.catch_up {
        CatchUp::None => "none",
        CatchUp::Last => "last",
        CatchUp::All => "all",
    };
    let (text, zone) = (cron.schedule.text(), cron.schedule.zone());
    let next = std::iter::successors(cron.schedule.after(now), |at| cron.schedule.after(*at));
    let lines = next.take(SHOWN).filter_map(|at| cron.schedule.local(at));
    let lines: String = lines.map(|line| format!("\n  {line}")).collect();
    format!("cron {text}, {zone}, overlap {overlap}, catch up {catch_up}{lines}")
}

fn webhook(webhook: &Webhook) -> String {
    let methods: Vec<&str> = webhook.methods.iter().map(|method| method.as_str()).collect();
    let signed = match (&webhook.secret, webhook.signature) {
        (None, _) => "not signed",
        (Some(_), Signature::Standard) => "signed as in Standard Webhooks",
        (Some(_), Signature::Github) => "signed as by GitHub",
    };
    let respond = match webhook.respond {
        Respond::Accepted => "accepted",
        Respond::Result => "with the result",
    };
    format!("{} {}, {signed}, answered {respond}", methods.join(", "), webhook.path)
}
