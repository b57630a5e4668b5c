//! Formats of numbers: `#,##0.00;(0.00)`, as spreadsheets have them.

use super::digits::Digits;
use super::locale::Locale;

/// One section of a format.
#[derive(Debug)]
pub(super) struct Section {
    tokens: Vec<Token>,
    /// Whether digits stand in groups of three.
    groups: bool,
    /// By how many thousands the number is divided.
    thousands: i32,
    percents: i32,
    /// The placeholders before and behind the point.
    places: (i32, i32),
    /// How many digits there are at least on both sides.
    least: (i32, i32),
    exponent: bool,
}

#[derive(Debug, PartialEq)]
enum Token {
    /// `0` or `#`
    Digit,
    Point,
    Percent,
    Exponent {
        sign: char,
        plus: bool,
        digits: usize,
    },
    Text(String),
}

/// What the reader of a section has seen.
#[derive(Default)]
struct Reader {
    tokens: Vec<Token>,
    /// The placeholders before and behind the point, `true` for `0`.
    before: Vec<bool>,
    behind: Vec<bool>,
    groups: bool,
    thousands: i32,
    percents: i32,
    point: bool,
    /// Commas behind a digit, of which it is not known yet what they mean, and where they end.
    commas: i32,
    commas_end: usize,
    exponent: Option<usize>,
    colon: bool,
}

impl Reader {
    fn comma(&mut self, end: usize) {
        self.commas += 1;
        self.commas_end = end;
    }

    fn text(&mut self, c: char) {
        match self.tokens.last_mut() {
            Some(Token::Text(text)) => text.push(c),
            _ => self.tokens.push(Token::Text(c.to_string())),
        }
    }

    /// A placeholder; with a point to come, only a comma right before it makes groups.
    fn digit(&mut self, zero: bool, at: usize, point_follows: bool) -> Option<()> {
        if self.colon || self.exponent.is_some() {
            return None;
        }
        self.groups |= self.commas > 0 && !self.point && (!point_follows || self.commas_end == at);
        self.commas = 0;
        match self.point {
            true => self.behind.push(zero),
            false => self.before.push(zero),
        }
        self.tokens.push(Token::Digit);
        Some(())
    }
}

impl Section {
    /// Reads a section; nothing if it is no format of numbers.
    pub fn read(text: &str) -> Option<Section> {
        let mut reader = Reader::default();
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        // The sign before, which tells what a comma means.
        let mut last = ' ';
        while let Some(&c) = chars.get(at) {
            at += 1;
            match c {
                '0' | '#' => reader.digit(c == '0', at - 1, chars[at..].contains(&'.'))?,
                '\\' => {
                    reader.text(*chars.get(at)?);
                    at += 1;
                }
                '"' => {
                    while let Some(&inner) = chars.get(at) {
                        at += 1;
                        if inner == '"' {
                            break;
                        }
                        reader.text(inner);
                    }
                }
                '.' if reader.exponent.is_some() => return None,
                '.' if !reader.point => {
                    // Only commas right before the point divide.
                    if reader.commas_end == at - 1 {
                        reader.thousands += reader.commas;
                    }
                    reader.commas = 0;
                    reader.point = true;
                    reader.tokens.push(Token::Point);
                }
                '.' => {}
                ',' => match last {
                    '0' | '#' => reader.comma(at),
                    ',' if reader.commas > 0 && reader.commas_end == at - 1 => reader.comma(at),
                    ',' | '.' => {}
                    _ => reader.text(','),
                },
                '%' if reader.exponent.is_some() => return None,
                '%' => {
                    reader.percents += 1;
                    reader.tokens.push(Token::Percent);
                }
                'e' | 'E' if matches!(chars.get(at), Some('+' | '-' | '0')) && reader.exponent.is_none() => {
                    let plus = chars[at] == '+';
                    at += usize::from(chars[at] != '0');
                    let end = chars[at..]
                        .iter()
                        .position(|c| !matches!(c, '0' | '#'))
                        .map_or(chars.len(), |n| at + n);
                    let run = &chars[at..end];
                    if run.is_empty() || !run.iter().all(|c| matches!(c, '0' | '#')) {
                        return None;
                    }
                    let zeros = run.iter().filter(|c| **c == '0').count();
                    let digits = zeros + usize::from(run.last() == Some(&'#'));
                    reader.exponent = Some(digits);
                    reader.tokens.push(Token::Exponent { sign: c, plus, digits });
                    at = end;
                }
                'e' | 'E' if at == chars.len() && !reader.before.is_empty() => return None,
                '/' if !reader.before.is_empty() || !reader.behind.is_empty() => return None,
                ':' => {
                    reader.colon = true;
                    reader.text(c);
                }
                c => reader.text(c),
            }
            last = if c == '\\' || c == '"' { ' ' } else { c };
        }
        Some(reader.section())
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub fn has_digits(&self) -> bool {
        self.places != (0, 0)
    }

    /// The number as far as the section shows it.
    pub fn rounded(&self, digits: &Digits) -> Digits {
        let shifted = digits.clone().shifted(self.percents * 2 - self.thousands * 3);
        match self.exponent {
            true => shifted,
            false => shifted.rounded(self.places.1),
        }
    }

    /// A number written by the section; with its sign if the section is for all signs.
    pub fn write(&self, digits: &Digits, signed: bool, locale: &Locale) -> String {
        let mut digits = self.rounded(digits);
        let mut exponent = 0;
        if self.exponent && !digits.is_zero() {
            exponent = digits.whole() - self.places.0;
            digits = digits.shifted(-exponent).rounded(self.places.1);
            if digits.whole() > self.places.0 {
                // 9.99 became 10.
                digits = digits.shifted(-1);
                exponent += 1;
            }
        }
        let mut out = String::new();
        if signed && digits.negative && !(digits.is_zero() && self.has_digits()) {
            out.push('-');
        }
        let whole = digits.whole().max(self.least.0).max(0);
        let fraction = digits.fraction().max(self.least.1).min(self.places.1);
        let (mut left, mut behind) = (self.places.0, 0);
        let emit = |out: &mut String, place: i32| {
            out.push(char::from(b'0' + digits.at(place)));
            if self.groups && place > 1 && (place - 1) % 3 == 0 {
                out.push_str(locale.group);
            }
        };
        let mut begun = false;
        let mut past = false;
        for token in &self.tokens {
            match token {
                Token::Text(text) => out.push_str(text),
                Token::Percent => out.push('%'),
                Token::Digit if !past => {
                    // The first placeholder takes all digits that have none of their own.
                    let from = if begun { left } else { whole.max(left) };
                    for place in (left..=from).rev() {
                        if place <= whole {
                            emit(&mut out, place);
                        }
                    }
                    begun = true;
                    left -= 1;
                }
                Token::Digit => {
                    if behind < fraction {
                        out.push(char::from(b'0' + digits.at(-behind)));
                    }
                    behind += 1;
                }
                Token::Point => {
                    if !begun {
                        for place in (1..=whole).rev() {
                            emit(&mut out, place);
                        }
                    }
                    past = true;
                    if self.places.1 == 0 {
                        out.push('.');
                    } else if fraction > 0 {
                        out.push_str(locale.decimal);
                    }
                }
                Token::Exponent { sign, plus, digits } => {
                    out.push(*sign);
                    if exponent < 0 {
                        out.push('-');
                    } else if *plus {
                        out.push('+');
                    }
                    out.push_str(&format!("{:0width$}", exponent.abs(), width = *digits));
                }
            }
        }
        out
    }
}

impl Reader {
    fn section(mut self) -> Section {
        // Commas behind the last digit divide, wherever the point is.
        self.thousands += self.commas;
        let least = |places: &mut dyn Iterator<Item = &bool>| {
            let places: Vec<&bool> = places.collect();
            places
                .iter()
                .position(|zero| **zero)
                .map_or(0, |first| places.len() - first) as i32
        };
        Section {
            groups: self.groups,
            thousands: self.thousands,
            percents: self.percents,
            places: (self.before.len() as i32, self.behind.len() as i32),
            least: (least(&mut self.before.iter()), least(&mut self.behind.iter().rev())),
            exponent: self.exponent.is_some(),
            tokens: self.tokens,
        }
    }
}
