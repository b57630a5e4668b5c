//! Messages over standard input and output.
//!
//! The crate's own transport ends at the first message that is not as it should be; this one answers and reads on.
#![allow(clippy::disallowed_methods, reason = "one thread reads, one writes")]

use std::io::{self, BufRead, Read, Write};
use std::thread::JoinHandle;

use lsp_server::{Connection, ErrorCode, Message, RequestId, Response};
use serde_json::Value;

/// The longest message that is read; what is longer is passed over.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The longest line of a header.
const LONGEST_HEADER: u64 = 4096;

/// A connection over the standard streams, and the thread that writes, which ends when the connection is dropped and
/// nothing more can come in.
pub(super) fn stdio() -> (Connection, JoinHandle<io::Result<()>>) {
    let (server, streams) = Connection::memory();
    let answer = server.sender.clone();
    let Connection { sender, receiver } = streams;
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        while let Ok(Some(body)) = read(&mut stdin) {
            let sent = match message(&body) {
                Ok(message) => {
                    let last = matches!(&message, Message::Notification(told) if told.method == "exit");
                    let sent = sender.send(message).is_ok();
                    sent && !last
                }
                Err(refusal) => refusal.is_none_or(|refusal| answer.send((*refusal).into()).is_ok()),
            };
            if !sent {
                break;
            }
        }
    });
    let writer = std::thread::spawn(move || {
        let mut stdout = io::stdout().lock();
        receiver.into_iter().try_for_each(|message| {
            message.write(&mut stdout)?;
            stdout.flush()
        })
    });
    (server, writer)
}

/// The body of the next message; none at the end.
fn read(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if from.by_ref().take(LONGEST_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        match (line.trim_end().split_once(':'), length) {
            (Some((name, value)), _) if name.trim().eq_ignore_ascii_case("Content-Length") => {
                length = value.trim().parse::<u64>().ok();
            }
            (None, Some(length)) if line.trim_end().is_empty() => {
                let mut body = Vec::new();
                from.by_ref().take(length.min(LONGEST)).read_to_end(&mut body)?;
                if length > LONGEST {
                    io::copy(&mut from.by_ref().take(length - LONGEST), &mut io::sink())?;
                }
                return Ok(Some(body));
            }
            // Another header, or something that is none.
            _ => {}
        }
    }
}

/// The message of a body, or what is to be answered to something that is none.
fn message(body: &[u8]) -> Result<Message, Option<Box<Response>>> {
    serde_json::from_slice(body).map_err(|error| {
        let value: Value = serde_json::from_slice(body).ok()?;
        // Without an id that fits, nobody waits for an answer.
        let id: RequestId = serde_json::from_value(value.get("id")?.clone()).ok()?;
        let message = format!("this is no request: {error}");
        Some(Box::new(Response::new_err(
            id,
            ErrorCode::InvalidRequest as i32,
            message,
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_passed_over() {
        let mut stream: &[u8] = b"nonsense\r\nContent-Length: 2\r\nX: y\r\n\r\n{}Content-Length: x\r\n\r\n\
            Content-Length: 3\r\n\r\nabcContent-Length: 9\r\n\r\nshort";
        assert_eq!(read(&mut stream).unwrap().unwrap(), b"{}");
        assert_eq!(read(&mut stream).unwrap().unwrap(), b"abc");
        assert_eq!(read(&mut stream).unwrap().unwrap(), b"short");
        assert!(read(&mut stream).unwrap().is_none());
        assert!(message(b"abc").unwrap_err().is_none());
        assert!(message(b"[1]").unwrap_err().is_none());
        let refusal = message(br#"{"id": 4, "params": {}}"#).unwrap_err().unwrap();
        assert_eq!(refusal.id, RequestId::from(4));
    }
}
