//! The names under which editors know files.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::Uri;

/// The path of a `file:` URI; of anything else its text, under which no file is found.
pub(super) fn path(uri: &Uri) -> PathBuf {
    let text = uri.as_str();
    let Some(behind) = text.strip_prefix("file://") else {
        return PathBuf::from(text);
    };
    let (host, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
    let path = decode(path);
    match (host, path.as_bytes()) {
        // `/C:/folder`
        (_, [b'/', drive, b':', ..]) if cfg!(windows) && drive.is_ascii_alphabetic() => PathBuf::from(&path[1..]),
        ("" | "localhost", _) => PathBuf::from(path),
        _ => PathBuf::from(format!("//{host}{path}")),
    }
}

/// The URI of a path.
pub(super) fn uri(path: &Path) -> Option<Uri> {
    let path = path.to_string_lossy();
    let path = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.into_owned()
    };
    if path.starts_with("//") {
        return Uri::from_str(&format!("file:{}", encode(&path))).ok();
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Uri::from_str(&format!("file://{slash}{}", encode(&path))).ok()
}

fn encode(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high).zip(digit(low)).map(|(high, low)| (high * 16 + low) as u8)
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_path_goes_there_and_back() {
        for name in ["/a/b.yaml", "/with space/ü%41#?.yaml"] {
            assert_eq!(path(&uri(Path::new(name)).unwrap()), Path::new(name));
        }
        assert_eq!(uri(Path::new("/a b/é")).unwrap().as_str(), "file:///a%20b/%C3%A9");
        let untitled = Uri::from_str("untitled:Untitled-1").unwrap();
        assert_eq!(path(&untitled), Path::new("untitled:Untitled-1"));
    }
}
