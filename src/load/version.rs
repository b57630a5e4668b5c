//! Versions: which of several definitions with one id is meant (rule 42).

use std::cmp::Ordering;

/// The definition of a version, or without one that of the highest.
pub(super) fn choose<'a, T>(
    all: impl Iterator<Item = &'a T>,
    version: Option<&str>,
    of: impl Fn(&T) -> Option<&str>,
) -> Option<&'a T> {
    match version {
        Some(_) => all.into_iter().find(|one| of(one) == version),
        None => all.max_by(|a, b| compare(of(a), of(b))),
    }
}

/// Numbers count as numbers, so that `1.10` is above `1.9`; a definition without a version is below all others, and a
/// pre-release (`2.0.0-beta`) below its release.
fn compare(a: Option<&str>, b: Option<&str>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_some().cmp(&b.is_some());
    };
    let (a_release, a_pre) = split(a);
    let (b_release, b_pre) = split(b);
    parts(a_release, b_release).then_with(|| match (a_pre, b_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => parts(a, b),
    })
}

fn split(version: &str) -> (&str, Option<&str>) {
    // What follows `+` tells builds apart and has no order.
    let version = version.split('+').next().unwrap_or(version);
    let version = version.strip_prefix('v').unwrap_or(version);
    match version.split_once('-') {
        Some((release, pre)) => (release, Some(pre)),
        None => (version, None),
    }
}

fn parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_42_without_a_version_the_highest_is_meant() {
        let ascending = [
            "1.2.0-alpha",
            "1.2.0-beta.2",
            "1.2.0-beta.10",
            "1.2.0",
            "1.9",
            "1.10",
            "v2",
            "10.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(Some(pair[0]), Some(pair[1])), Ordering::Less, "{pair:?}");
        }
        assert_eq!(compare(None, Some("0.1")), Ordering::Less);
        let all = [Some("1.9"), Some("1.10"), None];
        assert_eq!(choose(all.iter(), None, |version| *version), Some(&Some("1.10")));
        assert_eq!(choose(all.iter(), Some("1.9"), |version| *version), Some(&Some("1.9")));
        assert_eq!(choose(all.iter(), Some("2"), |version| *version), None);
    }
}
