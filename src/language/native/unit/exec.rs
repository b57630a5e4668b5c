//! `exec`: a process (rule 23).

use super::{Done, Task};
use crate::graph::{Call, Op, Stdout, Target};
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let mut fields = task.fields(reader, "{ command: [psql, -f, report.sql] }")?;
    let line = fields.required("command", "[psql, -f, report.sql]").and_then(|entry| {
        let text = entry.value.as_str().filter(|text| !text.starts_with('='))?;
        Some((&entry.value, text))
    });
    let command = match line {
        Some((node, text)) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let help = format!(
                "no shell reads it, so write the program and each argument by itself: `command: [{}]`",
                words.join(", ")
            );
            reader.wrong_type("command", node, "a list", help);
            None
        }
        None => fields.value(reader, "command", Field::Call, Expects::List),
    };
    let env = fields.value(reader, "env", Field::Call, Expects::Object);
    let stdin = fields.value(reader, "stdin", Field::Call, Expects::Anything);
    let stdout = [
        ("json", Stdout::Json),
        ("text", Stdout::Text),
        ("lines", Stdout::Lines),
    ];
    let stdout = fields.choice(reader, "stdout", &stdout).unwrap_or_default();
    fields.close(reader);
    let target = Target::Exec {
        command: command?,
        env,
        stdin,
        stdout,
    };
    let call = Call {
        target,
        result_schema: None,
    };
    Done::new(Op::Call(Box::new(call)), ResultOutline::Unknown)
}
