//! HTML as plain text.

/// The text without its tags and with the characters of its entities; nothing if there is nothing to change.
pub(super) fn plain(html: &str) -> Option<String> {
    if !html.contains(['<', '&']) {
        return None;
    }
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.starts_with('<') {
            true => tag(rest, &mut out),
            false => entity(rest, &mut out),
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Some(out)
}

/// Skips a tag; some of them are breaks of a line.
fn tag(rest: &str, out: &mut String) -> usize {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or(rest.len(), |end| end + 7);
    }
    let name: String = rest[1..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '/')
        .collect::<String>()
        .to_ascii_lowercase();
    let Some(end) = rest.find('>') else {
        out.push('<');
        return 1;
    };
    for skipped in ["script", "style"] {
        if name == skipped
            && let Some(close) = rest.to_ascii_lowercase().find(&format!("</{skipped}>"))
        {
            return close + skipped.len() + 3;
        }
    }
    if matches!(name.trim_end_matches('/'), "br" | "li") {
        out.push_str("\r\n");
    }
    end + 1
}

fn entity(rest: &str, out: &mut String) -> usize {
    let known = [
        ("&nbsp;", ' '),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
        ("&quot;", '"'),
        ("&apos;", '\''),
        ("&copy;", '©'),
        ("&reg;", '®'),
        ("&bull;", '•'),
    ];
    if let Some((name, c)) = known.iter().find(|(name, _)| rest.starts_with(name)) {
        out.push(*c);
        return name.len();
    }
    if let Some(number) = rest.strip_prefix("&#")
        && let Some(end) = number.find(';')
    {
        let code = match number[..end].strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number[..end].parse().ok(),
        };
        if let Some(c) = code.and_then(char::from_u32) {
            out.push(c);
            return end + 3;
        }
    }
    out.push('&');
    1
}
