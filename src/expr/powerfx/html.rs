//! HTML as plain text.

/// The names of the characters from 160 to 255.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring \
    AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times \
    Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute \
    ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml \
    yacute thorn yuml";
/// The names of the characters from 913, the Greek alphabet twice; `-` where there is none.
const GREEK: &str = "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau \
    Upsilon Phi Chi Psi Omega - - - - - - - alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi \
    omicron pi rho sigmaf sigma tau upsilon phi chi psi omega";
const OTHERS: &[(&str, char)] = &[
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("bull", '•'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("trade", '™'),
    ("euro", '€'),
];

/// The text without its tags and with the characters of its entities.
pub(super) fn plain(html: &str) -> String {
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
    match out.len() == html.len() {
        // Nothing was HTML.
        true => out,
        false => out.trim().to_owned(),
    }
}

/// Skips a tag; some of them are breaks of a line, some hide what is in them.
fn tag(rest: &str, out: &mut String) -> usize {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or(rest.len(), |end| end + 7);
    }
    let Some(end) = rest.find('>') else {
        out.push('<');
        return 1;
    };
    let (closes, name) = tag_name(&rest[1..end]);
    match &*name {
        "script" | "style" | "head" | "header" | "title" if !closes => return hidden(rest, end + 1, &name),
        "br" | "li" if !closes => out.push_str("\r\n"),
        "p" | "div" | "tr" if !closes => out.push_str("\r\n\r\n"),
        _ => {}
    }
    end + 1
}

/// Whether a tag closes, and its name in small letters.
fn tag_name(inside: &str) -> (bool, String) {
    let inside = inside.trim_start();
    let (closes, inside) = match inside.strip_prefix('/') {
        Some(inside) => (true, inside.trim_start()),
        None => (false, inside),
    };
    let name: String = inside.chars().take_while(char::is_ascii_alphanumeric).collect();
    (closes, name.to_ascii_lowercase())
}

/// The position behind the tag that closes one; behind the one itself if there is none.
fn hidden(rest: &str, from: usize, name: &str) -> usize {
    let mut at = from;
    while let Some(open) = rest[at..].find('<').map(|found| at + found) {
        let Some(end) = rest[open..].find('>').map(|found| open + found) else {
            return from;
        };
        if tag_name(&rest[open + 1..end]) == (true, name.to_owned()) {
            return end + 1;
        }
        at = open + 1;
    }
    from
}

fn entity(rest: &str, out: &mut String) -> usize {
    let found = rest[1..]
        .find(';')
        .filter(|end| *end < 12)
        .and_then(|end| character(&rest[1..end + 1]).map(|c| (c, end + 2)));
    match found {
        Some((c, length)) => {
            out.push(c);
            length
        }
        None => {
            out.push('&');
            1
        }
    }
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        };
        return code.and_then(char::from_u32);
    }
    let place = |names: &str| names.split_whitespace().position(|known| known == name && name != "-");
    let listed = |names: &str, first: u32| place(names).and_then(|at| char::from_u32(first + at as u32));
    match name {
        // A space, as people mean it.
        "nbsp" => Some(' '),
        _ => OTHERS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, c)| *c)
            .or_else(|| listed(LATIN, 160))
            .or_else(|| listed(GREEK, 913)),
    }
}
