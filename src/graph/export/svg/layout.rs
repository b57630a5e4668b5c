//! Where everything goes: sequences from top to bottom, the parts of a step side by side.
//!
//! Workflows are nested sequences, so no general graph layout is needed: sizes are worked out from the inside to the
//! outside, then everything is put into place.

use crate::graph::export::figure::{Flow, Inside, Item, Leap, Part, Role};

/// The width of a letter of the monospaced font, in the units of the drawing.
const LETTER: f64 = 7.0;
/// The height of a line.
pub(super) const LINE: f64 = 15.0;
/// No text is longer; the rest shows when the pointer rests on it.
const LONGEST: usize = 46;
const PADDING: f64 = 10.0;
const GAP: f64 = 26.0;
/// Between two steps with a condition on the arrow.
const LABELLED_GAP: f64 = 46.0;
const COLUMN_GAP: f64 = 22.0;
/// The room beside the body of a loop, for the way back.
pub(super) const WAY_BACK: f64 = 24.0;
/// From one way to a step elsewhere to the next.
pub(super) const LANE: f64 = 8.0;
/// The room of the symbol where ways part or meet.
pub(super) const SYMBOL: f64 = 16.0;

/// Steps in place, relative to the upper left corner.
pub(super) struct Sequence<'f> {
    pub width: f64,
    pub height: f64,
    pub steps: Vec<Placed<'f>>,
}

/// A step in place, relative to its sequence.
pub(super) struct Placed<'f> {
    pub item: &'f Item,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub inside: Option<Inner<'f>>,
}

/// What is inside a step, relative to the step.
pub(super) struct Inner<'f> {
    pub inside: &'f Inside,
    /// Where the title ends.
    pub top: f64,
    /// The columns of the work; of one that has handlers around it, its box is the only one.
    pub work: Vec<Column<'f>>,
    /// Handlers and cleanup.
    pub extras: Vec<Column<'f>>,
}

/// A part in place, relative to its step.
pub(super) struct Column<'f> {
    /// None for the step's own work.
    pub part: Option<&'f Part>,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub steps: Sequence<'f>,
}

impl Inner<'_> {
    /// Whether ways part at the top and meet at the bottom.
    pub fn parts_ways(&self) -> bool {
        matches!(self.inside.flow, Flow::Choice | Flow::Parallel | Flow::Race)
    }

    /// From the left of the first column of work to the right of the last.
    pub fn span(&self) -> (f64, f64) {
        let left = self.work.first().map_or(0.0, |column| column.x);
        let right = self.work.last().map_or(0.0, |column| column.x + column.width);
        (left, right)
    }
}

/// A text cut to what is drawn.
pub(super) fn cut(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    match text.chars().count() > LONGEST {
        true => text.chars().take(LONGEST - 1).map(plain).chain(['…']).collect(),
        false => text.chars().map(plain).collect(),
    }
}

pub(super) fn width_of(text: &str) -> f64 {
    // Letters outside Latin, Greek and Cyrillic may be twice as wide.
    let cells = |letter: char| if (letter as u32) < 0x1100 { 1.0 } else { 2.0 };
    cut(text).chars().map(cells).sum::<f64>() * LETTER
}

fn widest<'t>(lines: impl IntoIterator<Item = &'t str>) -> f64 {
    lines.into_iter().map(width_of).fold(0.0, f64::max)
}

pub(super) fn sequence(items: &[Item]) -> Sequence<'_> {
    let mut steps: Vec<Placed> = items.iter().map(place).collect();
    let labels = items.iter().filter_map(|item| item.condition.as_deref());
    // A condition stands on the arrow, behind an `if`.
    let label = widest(labels)
        + if items.iter().any(|item| item.condition.is_some()) {
            4.0 * LETTER
        } else {
            0.0
        };
    let width = steps.iter().map(|step| step.width).fold(label, f64::max) + 2.0 * side(items);
    let mut y = 0.0;
    for (at, step) in steps.iter_mut().enumerate() {
        y += match (at, &step.item.condition) {
            (_, Some(_)) => LABELLED_GAP,
            (0, None) => 0.0,
            (_, None) => GAP,
        };
        step.x = (width - step.width) / 2.0;
        step.y = y;
        y += step.height;
    }
    Sequence {
        width,
        height: y,
        steps,
    }
}

/// The room on either side for the ways to steps elsewhere in the sequence: each has a lane, and a label before them.
fn side(items: &[Item]) -> f64 {
    let leaps: Vec<&Leap> = items.iter().flat_map(|item| &item.leaps).collect();
    let words: Vec<String> = leaps.iter().filter_map(|leap| leap.words()).collect();
    match leaps.len() {
        0 => 0.0,
        count => widest(words.iter().map(|words| &**words)) + 2.0 * PADDING + LANE * count as f64,
    }
}

fn place(item: &Item) -> Placed<'_> {
    let title = widest([&*item.id, &*item.what]) + 4.0 * LETTER;
    let Some(inside) = &item.inside else {
        return Placed {
            item,
            x: 0.0,
            y: 0.0,
            width: title + 2.0 * PADDING,
            // Each way to a step elsewhere leaves at a height of its own.
            height: (2.0 * LINE + 2.0 * PADDING).max(LINE * item.leaps.len() as f64 + PADDING),
            inside: None,
        };
    };
    let top = 2.0 * LINE + 1.5 * PADDING;
    let mut inner = Inner {
        inside,
        top,
        work: Vec::new(),
        extras: Vec::new(),
    };
    if inside.work.is_some() {
        inner.work.push(own_work(inside));
    }
    for part in &inside.parts {
        match part.role {
            Role::Work => inner.work.push(column(part)),
            Role::Handler | Role::Cleanup => inner.extras.push(extra(part)),
        }
    }
    let (mut x, mut bottom) = (PADDING, top);
    if inside.flow == Flow::Repeat {
        x += WAY_BACK;
    }
    let labelled = inner
        .work
        .iter()
        .any(|column| column.part.is_some_and(|part| !part.label.is_empty()));
    let symbols = if inner.parts_ways() { SYMBOL + GAP } else { 0.0 };
    let above = if labelled && symbols > 0.0 {
        symbols + LINE
    } else {
        symbols
    };
    let deepest = inner.work.iter().map(|column| column.height).fold(0.0, f64::max);
    for column in &mut inner.work {
        (column.x, column.y) = (x, top + above);
        x += column.width + COLUMN_GAP;
        bottom = bottom.max(top + deepest + above + symbols);
    }
    for column in &mut inner.extras {
        (column.x, column.y) = (x, top);
        x += column.width + COLUMN_GAP;
        bottom = bottom.max(top + column.height);
    }
    let wanted = x - COLUMN_GAP + PADDING;
    let width = wanted.max(title + 2.0 * PADDING);
    // What is narrower than the title stands in the middle below it.
    let shift = (width - wanted) / 2.0;
    for column in inner.work.iter_mut().chain(&mut inner.extras) {
        column.x += shift;
    }
    Placed {
        item,
        x: 0.0,
        y: 0.0,
        width,
        height: bottom + PADDING + 4.0,
        inside: Some(inner),
    }
}

fn own_work(inside: &Inside) -> Column<'_> {
    let label = inside.work.as_deref().unwrap_or_default();
    Column {
        part: None,
        x: 0.0,
        y: 0.0,
        width: width_of(label) + 2.0 * PADDING + 4.0 * LETTER,
        height: LINE + 2.0 * PADDING,
        steps: sequence(&[]),
    }
}

fn column(part: &Part) -> Column<'_> {
    let steps = sequence(&part.items);
    Column {
        part: Some(part),
        x: 0.0,
        y: 0.0,
        // The label stands on the way into the column.
        width: steps.width.max(width_of(&part.label) + 8.0).max(40.0),
        height: steps.height,
        steps,
    }
}

fn extra(part: &Part) -> Column<'_> {
    let steps = sequence(&part.items);
    Column {
        part: Some(part),
        x: 0.0,
        y: 0.0,
        width: steps.width.max(width_of(&part.label)) + 2.0 * PADDING,
        height: steps.height + LINE + 2.0 * PADDING,
        steps,
    }
}
