//! What each filter, test and function does, in a line: for editors.

/// The filters, in the order of the alphabet.
pub fn filters() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILTERS.iter().copied()
}

/// The tests, which stand behind `is`; those that are written as operators are left out.
pub fn tests() -> impl Iterator<Item = (&'static str, &'static str)> {
    TESTS.iter().copied()
}

/// The functions.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    FUNCTIONS.iter().copied()
}

const FILTERS: &[(&str, &str)] = &[
    ("abs", "The number without its sign."),
    ("attr", "The property of a name: `x | attr('name')`."),
    ("batch", "Lists of so many items each: `items | batch(10)`."),
    ("bool", "`true` or `false`, by whether the value counts as true."),
    (
        "capitalize",
        "The first letter in upper case, the others in lower case.",
    ),
    ("chain", "One list of several: `a | chain(b)`."),
    (
        "count",
        "The number of items, characters or keys; the same as `length`.",
    ),
    ("d", "Another value where there is none; the same as `default`."),
    ("date", "An instant as text in a form: `now() | date('%Y-%m-%d')`."),
    (
        "default",
        "Another value where there is none: `input.name | default('you')`.",
    ),
    (
        "dictsort",
        "The keys and values of an object as a list of pairs, in the order of the keys.",
    ),
    (
        "e",
        "The text with the special characters of HTML escaped; the same as `escape`.",
    ),
    ("escape", "The text with the special characters of HTML escaped."),
    ("first", "The first item."),
    ("float", "The number with a fraction that a value stands for."),
    (
        "format",
        "The text with values put in the place of `%s` and the like: `'%s of %s' | format(a, b)`.",
    ),
    ("fromjson", "The value that a JSON text says."),
    (
        "groupby",
        "The items in groups that have the same value of a property: `items | groupby('kind')`.",
    ),
    (
        "indent",
        "The text with its lines moved to the right: `text | indent(2)`.",
    ),
    ("int", "The whole number that a value stands for."),
    ("items", "The keys and values of an object as a list of pairs."),
    (
        "join",
        "The items as one text, with something between them: `names | join(', ')`.",
    ),
    ("last", "The last item."),
    ("length", "The number of items, characters or keys."),
    ("lines", "The lines of a text as a list."),
    ("list", "A list of the items, characters or keys."),
    ("lower", "The text in lower case."),
    (
        "map",
        "A property of each item, `items | map(attribute='name')`, or a filter on each, `items | map('upper')`.",
    ),
    ("max", "The greatest item."),
    (
        "merge",
        "The object with the keys of another added or replaced: `a | merge(b)`.",
    ),
    ("min", "The least item."),
    ("reject", "The items that fail a test: `items | reject('none')`."),
    (
        "rejectattr",
        "The items of which a property fails a test: `items | rejectattr('done')`.",
    ),
    (
        "replace",
        "The text with one part replaced by another: `text | replace('a', 'b')`.",
    ),
    ("reverse", "The items or characters from the end to the beginning."),
    (
        "round",
        "The number rounded, to so many digits behind the point: `x | round(2)`.",
    ),
    ("select", "The items that pass a test: `items | select('number')`."),
    (
        "selectattr",
        "The items of which a property passes a test: `items | selectattr('amount', 'gt', 10)`.",
    ),
    ("shift", "An instant moved by a duration: `now() | shift('1d')`."),
    ("slice", "The items in so many lists: `items | slice(3)`."),
    (
        "sort",
        "The items in order, also by a property: `items | sort(attribute='name')`.",
    ),
    ("split", "The parts of a text between separators: `text | split(',')`."),
    ("string", "The value as text."),
    ("sum", "The sum of the numbers."),
    ("title", "Each word with its first letter in upper case."),
    ("tojson", "The value as a JSON text."),
    ("trim", "The text without white space around it."),
    ("unique", "The items without repetitions."),
    ("upper", "The text in upper case."),
    ("urlencode", "The text as a part of a URL."),
    ("zip", "The items of two lists in pairs: `a | zip(b)`."),
];

const TESTS: &[(&str, &str)] = &[
    ("boolean", "Whether it is `true` or `false`."),
    ("defined", "Whether the path leads to a value."),
    ("divisibleby", "Whether it can be divided by a number without a rest."),
    ("endingwith", "Whether it ends with a text."),
    ("eq", "Whether it equals a value."),
    ("equalto", "Whether it equals a value; the same as `eq`."),
    ("even", "Whether it is an even number."),
    ("false", "Whether it is `false`."),
    ("float", "Whether it is a number with a fraction."),
    ("ge", "Whether it is at least a value."),
    ("greaterthan", "Whether it is greater than a value; the same as `gt`."),
    ("gt", "Whether it is greater than a value."),
    ("in", "Whether it is among the items, characters or keys of a value."),
    ("int", "Whether it is a whole number; the same as `integer`."),
    ("integer", "Whether it is a whole number."),
    ("iterable", "Whether a loop can go through it."),
    ("le", "Whether it is at most a value."),
    ("lessthan", "Whether it is less than a value; the same as `lt`."),
    ("lower", "Whether it is a text in lower case."),
    ("lt", "Whether it is less than a value."),
    ("mapping", "Whether it is an object."),
    ("ne", "Whether it differs from a value."),
    ("none", "Whether it is null."),
    ("number", "Whether it is a number."),
    ("odd", "Whether it is an odd number."),
    ("sameas", "Whether it is the very same value."),
    ("sequence", "Whether it is a list."),
    ("startingwith", "Whether it begins with a text."),
    ("string", "Whether it is a text."),
    ("true", "Whether it is `true`."),
    ("undefined", "Whether the path leads nowhere."),
    ("upper", "Whether it is a text in upper case."),
];

const FUNCTIONS: &[(&str, &str)] = &[
    ("dict", "An object of named values: `dict(a=1, b=2)`."),
    (
        "namespace",
        "An object whose keys can be set inside a loop of a template.",
    ),
    ("now", "The time of the step, as RFC 3339 text: `now()`."),
    (
        "range",
        "The whole numbers from one up to another: `range(3)`, `range(1, 4)`.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::jinja::builtin;

    #[test]
    fn everything_that_is_built_in_is_told_and_nothing_else() {
        let sorted = |names: &[&'static str]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names
        };
        let told = |table: &[(&'static str, &str)]| table.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(told(FILTERS), sorted(builtin::FILTERS));
        let words = builtin::TESTS
            .iter()
            .copied()
            .filter(|name| name.as_bytes()[0].is_ascii_lowercase());
        assert_eq!(told(TESTS), sorted(&words.collect::<Vec<_>>()));
        let functions = [builtin::FUNCTIONS, &["now"]].concat();
        assert_eq!(told(FUNCTIONS), sorted(&functions));
    }
}
