/// The known name that a mistyped one most probably stands for: at most a third of its letters away (edits and
/// swapped neighbours count one each), case ignored. The first of equally close names wins.
///
/// ```
/// use interpret::diagnostic::closest;
/// assert_eq!(closest("andThn", ["andWhen", "andThen"]), Some("andThen"));
/// assert_eq!(closest("banana", ["andWhen", "andThen"]), None);
/// ```
pub fn closest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(unknown, known).map(|near| near.name)
}

/// The known name that a mistyped one certainly stands for, so that it may be replaced unseen: the same letters in
/// another case or with other separators, or at most two edits away when no other name is as near. Short names have no
/// certain meaning: `if` is one letter away from `id`.
///
/// ```
/// use interpret::diagnostic::certain;
/// assert_eq!(certain("input_schema", ["inputSchema", "outputSchema"]), Some("inputSchema"));
/// assert_eq!(certain("if", ["id", "kind"]), None);
/// assert_eq!(certain("cat", ["bat", "hat"]), None);
/// ```
pub fn certain<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let near = near(unknown, known)?;
    let same = letters(unknown) == letters(near.name);
    let short = unknown.chars().count().min(near.name.chars().count()) < SHORTEST_CERTAIN;
    (near.alone && (same || (!short && near.distance <= 2))).then_some(near.name)
}

/// Shorter names are not replaced unseen.
const SHORTEST_CERTAIN: usize = 3;

/// The nearest of some names.
struct Near<'a> {
    name: &'a str,
    distance: usize,
    /// Whether no other name is as near.
    alone: bool,
}

fn near<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Near<'a>> {
    let unknown: Vec<char> = unknown.to_lowercase().chars().take(LONGEST + 1).collect();
    if unknown.len() > LONGEST {
        return None;
    }
    let mut best: Option<Near<'_>> = None;
    for name in known {
        let candidate: Vec<char> = name.to_lowercase().chars().take(LONGEST + 1).collect();
        let allowed = (unknown.len().max(candidate.len()) / 3).max(1);
        if candidate.len() > LONGEST || unknown.len().abs_diff(candidate.len()) > allowed {
            continue;
        }
        let distance = edits(&unknown, &candidate);
        if distance > allowed {
            continue;
        }
        match &mut best {
            Some(near) if distance > near.distance => {}
            Some(near) if distance == near.distance => near.alone &= name == near.name,
            _ => {
                let alone = true;
                best = Some(Near { name, distance, alone });
            }
        }
    }
    best
}

/// Names longer than this are not typing mistakes of each other; the bound keeps the cost small.
const LONGEST: usize = 64;

/// Optimal string alignment distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}
