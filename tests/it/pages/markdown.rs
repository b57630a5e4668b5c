//! As much of Markdown as the pages need.

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// The word behind the fence.
    pub language: String,
    /// The line before it that is not empty.
    pub label: String,
    pub text: String,
    /// Where it begins.
    pub line: usize,
}

/// The blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut label = String::new();
    for (at, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    label: std::mem::take(&mut label),
                    text: String::new(),
                    line: at + 1,
                });
            }
            (None, Some(block)) => {
                block.text += line;
                block.text.push('\n');
            }
            (None, None) if !line.trim().is_empty() => line.clone_into(&mut label),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// The rows of the tables of a page, each with its cells; heads and the lines below them are left out.
pub fn rows(page: &str) -> Vec<Vec<String>> {
    let outside = outside_blocks(page);
    let lines: Vec<&str> = outside.lines().collect();
    let is_rule = |line: &str| line.starts_with("| ---");
    let row = |at: usize| {
        let line = lines[at];
        let head = lines.get(at + 1).is_some_and(|next| is_rule(next));
        (line.starts_with('|') && !is_rule(line) && !head).then(|| cells(line))
    };
    (0..lines.len()).filter_map(row).collect()
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|');
    let line = line.replace("\\|", "\u{0}");
    let cells = line.trim_end_matches('|').split('|');
    cells.map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// A page without its blocks.
pub fn outside_blocks(page: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            out += line;
            out.push('\n');
        }
    }
    out
}

/// The texts between backquotes.
pub fn codes(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
