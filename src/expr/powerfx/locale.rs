//! What texts of numbers and dates look like in a language.

/// The conventions of a language.
#[derive(Debug)]
pub(super) struct Locale {
    /// The language tag in lower case.
    pub tag: &'static str,
    pub decimal: &'static str,
    pub group: &'static str,
    pub months: [&'static str; 12],
    pub months_short: [&'static str; 12],
    /// From Sunday.
    pub days: [&'static str; 7],
    pub days_short: [&'static str; 7],
    pub am: &'static str,
    pub pm: &'static str,
    pub short_date: &'static str,
    pub long_date: &'static str,
    pub short_time: &'static str,
    pub long_time: &'static str,
    /// Whether a date of numbers begins with the day.
    pub day_first: bool,
    pub currency: &'static str,
}

static ENGLISH: Locale = Locale {
    tag: "en-us",
    decimal: ".",
    group: ",",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    months_short: [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ],
    days: [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ],
    days_short: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    am: "AM",
    pm: "PM",
    short_date: "m/d/yyyy",
    long_date: "dddd, mmmm d, yyyy",
    short_time: "h:mm AM/PM",
    long_time: "h:mm:ss AM/PM",
    day_first: false,
    currency: "$",
};

static BRITISH: Locale = Locale {
    tag: "en-gb",
    am: "am",
    pm: "pm",
    short_date: "dd/mm/yyyy",
    long_date: "dddd d mmmm yyyy",
    short_time: "hh:mm",
    long_time: "hh:mm:ss",
    day_first: true,
    currency: "£",
    ..ENGLISH
};

static FRENCH: Locale = Locale {
    tag: "fr-fr",
    decimal: ",",
    group: "\u{202f}",
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    months_short: [
        "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.",
    ],
    days: ["dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"],
    days_short: ["dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."],
    am: "AM",
    pm: "PM",
    short_date: "dd/mm/yyyy",
    long_date: "dddd d mmmm yyyy",
    short_time: "hh:mm",
    long_time: "hh:mm:ss",
    day_first: true,
    currency: "€",
};

static GERMAN: Locale = Locale {
    tag: "de-de",
    decimal: ",",
    group: ".",
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    months_short: [
        "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.",
    ],
    days: [
        "Sonntag",
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
    ],
    days_short: ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"],
    am: "AM",
    pm: "PM",
    short_date: "dd.mm.yyyy",
    long_date: "dddd, d. mmmm yyyy",
    short_time: "hh:mm",
    long_time: "hh:mm:ss",
    day_first: true,
    currency: "€",
};

static SPANISH: Locale = Locale {
    tag: "es-es",
    decimal: ",",
    group: ".",
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    months_short: [
        "ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic",
    ],
    days: ["domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"],
    days_short: ["dom", "lun", "mar", "mié", "jue", "vie", "sáb"],
    am: "a. m.",
    pm: "p. m.",
    short_date: "d/m/yyyy",
    long_date: "dddd, d \"de\" mmmm \"de\" yyyy",
    short_time: "h:mm",
    long_time: "h:mm:ss",
    day_first: true,
    currency: "€",
};

static PORTUGUESE: Locale = Locale {
    tag: "pt-br",
    decimal: ",",
    group: ".",
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    months_short: [
        "jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez.",
    ],
    days: [
        "domingo",
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
    ],
    days_short: ["dom.", "seg.", "ter.", "qua.", "qui.", "sex.", "sáb."],
    am: "AM",
    pm: "PM",
    short_date: "dd/mm/yyyy",
    long_date: "dddd, d \"de\" mmmm \"de\" yyyy",
    short_time: "hh:mm",
    long_time: "hh:mm:ss",
    day_first: true,
    currency: "R$",
};

static VIETNAMESE: Locale = Locale {
    tag: "vi-vn",
    decimal: ",",
    group: ".",
    months: [
        "Tháng Giêng",
        "Tháng Hai",
        "Tháng Ba",
        "Tháng Tư",
        "Tháng Năm",
        "Tháng Sáu",
        "Tháng Bảy",
        "Tháng Tám",
        "Tháng Chín",
        "Tháng Mười",
        "Tháng Mười Một",
        "Tháng Mười Hai",
    ],
    months_short: [
        "Thg 1", "Thg 2", "Thg 3", "Thg 4", "Thg 5", "Thg 6", "Thg 7", "Thg 8", "Thg 9", "Thg 10", "Thg 11", "Thg 12",
    ],
    days: [
        "Chủ Nhật",
        "Thứ Hai",
        "Thứ Ba",
        "Thứ Tư",
        "Thứ Năm",
        "Thứ Sáu",
        "Thứ Bảy",
    ],
    days_short: ["CN", "Th 2", "Th 3", "Th 4", "Th 5", "Th 6", "Th 7"],
    am: "SA",
    pm: "CH",
    short_date: "dd/mm/yyyy",
    long_date: "dd mmmm yyyy",
    short_time: "h:mm AM/PM",
    long_time: "h:mm:ss AM/PM",
    day_first: true,
    currency: "₫",
};

static FINNISH: Locale = Locale {
    tag: "fi-fi",
    decimal: ",",
    group: "\u{a0}",
    months: [
        "tammikuu",
        "helmikuu",
        "maaliskuu",
        "huhtikuu",
        "toukokuu",
        "kesäkuu",
        "heinäkuu",
        "elokuu",
        "syyskuu",
        "lokakuu",
        "marraskuu",
        "joulukuu",
    ],
    months_short: [
        "tammi", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu",
    ],
    days: [
        "sunnuntai",
        "maanantai",
        "tiistai",
        "keskiviikko",
        "torstai",
        "perjantai",
        "lauantai",
    ],
    days_short: ["su", "ma", "ti", "ke", "to", "pe", "la"],
    am: "ap.",
    pm: "ip.",
    short_date: "d.m.yyyy",
    long_date: "dddd d. mmmm yyyy",
    short_time: "h.mm",
    long_time: "h.mm.ss",
    day_first: true,
    currency: "€",
};

static JAPANESE: Locale = Locale {
    tag: "ja-jp",
    decimal: ".",
    group: ",",
    months: [
        "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月",
    ],
    months_short: [
        "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月",
    ],
    days: ["日曜日", "月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日"],
    days_short: ["日", "月", "火", "水", "木", "金", "土"],
    am: "午前",
    pm: "午後",
    short_date: "yyyy/mm/dd",
    long_date: "yyyy年m月d日dddd",
    short_time: "h:mm",
    long_time: "h:mm:ss",
    day_first: false,
    currency: "￥",
};

static ALL: &[&Locale] = &[
    &ENGLISH,
    &BRITISH,
    &FRENCH,
    &GERMAN,
    &SPANISH,
    &PORTUGUESE,
    &VIETNAMESE,
    &FINNISH,
    &JAPANESE,
];

impl Locale {
    /// That of the United States, which formulas are written in.
    pub fn english() -> &'static Locale {
        &ENGLISH
    }

    /// The conventions of a language tag; those of another region with the same language if need be.
    pub fn find(tag: &str) -> Option<&'static Locale> {
        if tag.is_empty() {
            return Some(&ENGLISH);
        }
        let tag = tag.to_ascii_lowercase();
        let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
        let exact = ALL.iter().copied().find(|known| known.tag == tag);
        exact.or_else(|| ALL.iter().copied().find(|known| language(known.tag) == language(&tag)))
    }
}
