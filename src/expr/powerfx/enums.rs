//! The enumerations that formulas know: `TimeUnit.Days`.

use std::borrow::Cow;

use super::colors::COLORS;

/// An enumeration.
#[derive(Debug)]
pub(super) struct Enumeration {
    pub name: &'static str,
    pub backing: Backing,
    pub members: &'static [(&'static str, Raw)],
    /// Whether a text stands for a member where one is wanted.
    pub from_backing: bool,
    /// Whether a member stands for its number or color where one is wanted.
    pub to_backing: bool,
    /// Whether members are put together with `&`.
    pub joins: bool,
    /// Whether members have an order, that of their numbers.
    pub ordered: bool,
}

impl PartialEq for Enumeration {
    fn eq(&self, other: &Enumeration) -> bool {
        std::ptr::eq(self, other)
    }
}

/// What the members of an enumeration are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    Number,
    Text,
    Color,
}

/// What a member of an enumeration is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    Number(i64),
    Text(Cow<'static, str>),
    Color(u32),
}

const fn plain(name: &'static str, backing: Backing, members: &'static [(&'static str, Raw)]) -> Enumeration {
    Enumeration {
        name,
        backing,
        members,
        from_backing: false,
        to_backing: false,
        joins: false,
        ordered: false,
    }
}

pub(super) static COLOR: Enumeration = Enumeration {
    to_backing: true,
    ..plain("Color", Backing::Color, COLORS)
};

pub(super) static START_OF_WEEK: Enumeration = plain(
    "StartOfWeek",
    Backing::Number,
    &[
        ("Sunday", Raw::Number(1)),
        ("Monday", Raw::Number(2)),
        ("MondayZero", Raw::Number(3)),
        ("Tuesday", Raw::Number(12)),
        ("Wednesday", Raw::Number(13)),
        ("Thursday", Raw::Number(14)),
        ("Friday", Raw::Number(15)),
        ("Saturday", Raw::Number(16)),
    ],
);

pub(super) static DATE_TIME_FORMAT: Enumeration = Enumeration {
    from_backing: true,
    ..plain(
        "DateTimeFormat",
        Backing::Text,
        &[
            ("LongDate", Raw::Text(Cow::Borrowed("'longdate'"))),
            ("ShortDate", Raw::Text(Cow::Borrowed("'shortdate'"))),
            ("LongTime", Raw::Text(Cow::Borrowed("'longtime'"))),
            ("ShortTime", Raw::Text(Cow::Borrowed("'shorttime'"))),
            ("LongTime24", Raw::Text(Cow::Borrowed("'longtime24'"))),
            ("ShortTime24", Raw::Text(Cow::Borrowed("'shorttime24'"))),
            ("LongDateTime", Raw::Text(Cow::Borrowed("'longdatetime'"))),
            ("ShortDateTime", Raw::Text(Cow::Borrowed("'shortdatetime'"))),
            ("LongDateTime24", Raw::Text(Cow::Borrowed("'longdatetime24'"))),
            ("ShortDateTime24", Raw::Text(Cow::Borrowed("'shortdatetime24'"))),
            ("UTC", Raw::Text(Cow::Borrowed("utc"))),
        ],
    )
};

pub(super) static TIME_UNIT: Enumeration = plain(
    "TimeUnit",
    Backing::Text,
    &[
        ("Years", Raw::Text(Cow::Borrowed("years"))),
        ("Quarters", Raw::Text(Cow::Borrowed("quarters"))),
        ("Months", Raw::Text(Cow::Borrowed("months"))),
        ("Days", Raw::Text(Cow::Borrowed("days"))),
        ("Hours", Raw::Text(Cow::Borrowed("hours"))),
        ("Minutes", Raw::Text(Cow::Borrowed("minutes"))),
        ("Seconds", Raw::Text(Cow::Borrowed("seconds"))),
        ("Milliseconds", Raw::Text(Cow::Borrowed("milliseconds"))),
    ],
);

pub(super) static SORT_ORDER: Enumeration = plain(
    "SortOrder",
    Backing::Text,
    &[
        ("Ascending", Raw::Text(Cow::Borrowed("ascending"))),
        ("Descending", Raw::Text(Cow::Borrowed("descending"))),
    ],
);

pub(super) static MATCH_OPTIONS: Enumeration = Enumeration {
    joins: true,
    ..plain(
        "MatchOptions",
        Backing::Text,
        &[
            ("BeginsWith", Raw::Text(Cow::Borrowed("^c"))),
            ("EndsWith", Raw::Text(Cow::Borrowed("c$"))),
            ("Complete", Raw::Text(Cow::Borrowed("^c$"))),
            ("Contains", Raw::Text(Cow::Borrowed("c"))),
            ("IgnoreCase", Raw::Text(Cow::Borrowed("i"))),
            ("Multiline", Raw::Text(Cow::Borrowed("m"))),
            ("FreeSpacing", Raw::Text(Cow::Borrowed("x"))),
            ("DotAll", Raw::Text(Cow::Borrowed("s"))),
            ("NumberedSubMatches", Raw::Text(Cow::Borrowed("N"))),
        ],
    )
};

/// What stands on either side of the dots and the `@` of a mail address: no white space and no punctuation but a few
/// signs that domain names may have.
const EMAIL: &str = concat!(
    r#"(?:(?:[^\s:;,@<>\\"\p{Ps}\p{Pe}\p{Pi}\p{Pf}]|[\{\}])+@"#,
    r"(?:(?:[^\s\p{P}=<>\|+]|[_\-\xb7\u0f0b\u05f3\u05f4\u30fb])+\.)+",
    r"(?:[^\s\p{P}=<>\|+]|[_\-\xb7\u0f0b\u05f3\u05f4\u30fb])+)"
);

pub(super) static MATCH: Enumeration = Enumeration {
    joins: true,
    from_backing: true,
    ..plain(
        "Match",
        Backing::Text,
        &[
            ("Any", Raw::Text(Cow::Borrowed("."))),
            ("Comma", Raw::Text(Cow::Borrowed(","))),
            ("Digit", Raw::Text(Cow::Borrowed(r"\d"))),
            ("Email", Raw::Text(Cow::Borrowed(EMAIL))),
            ("Hyphen", Raw::Text(Cow::Borrowed("-"))),
            ("LeftParen", Raw::Text(Cow::Borrowed(r"\("))),
            ("Letter", Raw::Text(Cow::Borrowed(r"\p{L}"))),
            ("MultipleDigits", Raw::Text(Cow::Borrowed(r"\d+"))),
            ("MultipleLetters", Raw::Text(Cow::Borrowed(r"\p{L}+"))),
            ("MultipleNonSpaces", Raw::Text(Cow::Borrowed(r"\S+"))),
            ("MultipleSpaces", Raw::Text(Cow::Borrowed(r"\s+"))),
            ("NonSpace", Raw::Text(Cow::Borrowed(r"\S"))),
            ("OptionalDigits", Raw::Text(Cow::Borrowed(r"\d*"))),
            ("OptionalLetters", Raw::Text(Cow::Borrowed(r"\p{L}*"))),
            ("OptionalNonSpaces", Raw::Text(Cow::Borrowed(r"\S*"))),
            ("OptionalSpaces", Raw::Text(Cow::Borrowed(r"\s*"))),
            ("Period", Raw::Text(Cow::Borrowed(r"\."))),
            ("RightParen", Raw::Text(Cow::Borrowed(r"\)"))),
            ("Space", Raw::Text(Cow::Borrowed(r"\s"))),
            ("Tab", Raw::Text(Cow::Borrowed(r"\t"))),
        ],
    )
};

pub(super) static ERROR_KIND: Enumeration = Enumeration {
    to_backing: true,
    ordered: true,
    ..plain(
        "ErrorKind",
        Backing::Number,
        &[
            ("None", Raw::Number(0)),
            ("Sync", Raw::Number(1)),
            ("MissingRequired", Raw::Number(2)),
            ("CreatePermission", Raw::Number(3)),
            ("EditPermissions", Raw::Number(4)),
            ("DeletePermissions", Raw::Number(5)),
            ("Conflict", Raw::Number(6)),
            ("NotFound", Raw::Number(7)),
            ("ConstraintViolated", Raw::Number(8)),
            ("GeneratedValue", Raw::Number(9)),
            ("ReadOnlyValue", Raw::Number(10)),
            ("Validation", Raw::Number(11)),
            ("Unknown", Raw::Number(12)),
            ("Div0", Raw::Number(13)),
            ("BadLanguageCode", Raw::Number(14)),
            ("BadRegex", Raw::Number(15)),
            ("InvalidFunctionUsage", Raw::Number(16)),
            ("FileNotFound", Raw::Number(17)),
            ("AnalysisError", Raw::Number(18)),
            ("ReadPermission", Raw::Number(19)),
            ("NotSupported", Raw::Number(20)),
            ("InsufficientMemory", Raw::Number(21)),
            ("QuotaExceeded", Raw::Number(22)),
            ("Network", Raw::Number(23)),
            ("Numeric", Raw::Number(24)),
            ("InvalidArgument", Raw::Number(25)),
            ("Internal", Raw::Number(26)),
            ("NotApplicable", Raw::Number(27)),
            ("Timeout", Raw::Number(28)),
            ("ServiceUnavailable", Raw::Number(29)),
            ("InvalidJSON", Raw::Number(30)),
            ("Custom", Raw::Number(1000)),
        ],
    )
};

pub(super) static JSON_FORMAT: Enumeration = Enumeration {
    joins: true,
    ..plain(
        "JSONFormat",
        Backing::Text,
        &[
            ("Compact", Raw::Text(Cow::Borrowed(""))),
            ("IndentFour", Raw::Text(Cow::Borrowed("4"))),
            ("IgnoreBinaryData", Raw::Text(Cow::Borrowed("G"))),
            ("IncludeBinaryData", Raw::Text(Cow::Borrowed("B"))),
            ("IgnoreUnsupportedTypes", Raw::Text(Cow::Borrowed("I"))),
            ("FlattenValueTables", Raw::Text(Cow::Borrowed("_"))),
        ],
    )
};

pub(super) static TRACE_SEVERITY: Enumeration = plain(
    "TraceSeverity",
    Backing::Number,
    &[
        ("Critical", Raw::Number(-1)),
        ("Error", Raw::Number(0)),
        ("Warning", Raw::Number(1)),
        ("Information", Raw::Number(3)),
    ],
);

pub(super) static TRACE_OPTIONS: Enumeration = Enumeration {
    joins: true,
    ..plain(
        "TraceOptions",
        Backing::Text,
        &[
            ("None", Raw::Text(Cow::Borrowed("none"))),
            ("IgnoreUnsupportedTypes", Raw::Text(Cow::Borrowed("I"))),
        ],
    )
};

pub(super) static JOIN_TYPE: Enumeration = plain(
    "JoinType",
    Backing::Text,
    &[
        ("Inner", Raw::Text(Cow::Borrowed("inner"))),
        ("Left", Raw::Text(Cow::Borrowed("left"))),
        ("Right", Raw::Text(Cow::Borrowed("right"))),
        ("Full", Raw::Text(Cow::Borrowed("full"))),
    ],
);

/// All enumerations.
pub(super) static ALL: &[&Enumeration] = &[
    &COLOR,
    &DATE_TIME_FORMAT,
    &ERROR_KIND,
    &JSON_FORMAT,
    &JOIN_TYPE,
    &MATCH,
    &MATCH_OPTIONS,
    &SORT_ORDER,
    &START_OF_WEEK,
    &TIME_UNIT,
    &TRACE_OPTIONS,
    &TRACE_SEVERITY,
];

impl Enumeration {
    /// The enumeration of a name.
    pub fn named(name: &str) -> Option<&'static Enumeration> {
        ALL.iter().copied().find(|known| known.name == name)
    }

    pub fn member(&self, name: &str) -> Option<&'static Raw> {
        self.members
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, raw)| raw)
    }

    /// The name of a member that is made of this.
    pub fn name_of(&self, raw: &Raw) -> Option<&'static str> {
        self.members
            .iter()
            .find(|(_, known)| known == raw)
            .map(|(name, _)| *name)
    }
}
