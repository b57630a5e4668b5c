//! The graph as a picture that needs nothing else: no script, no font, no network.

mod layout;

use std::collections::BTreeSet;
use std::fmt::Write;

use self::layout::{Column, Inner, LANE, LINE, Placed, SYMBOL, Sequence, WAY_BACK, cut, sequence, width_of};
use super::figure::{Figure, Flow, Inside, Role, Shape};
use super::marks::{Mark, Marks};
use crate::graph::Graph;

const MARGIN: f64 = 24.0;
const TERMINAL: f64 = 28.0;
const GAP: f64 = 30.0;
/// Below a sequence, where the ways to its end come in.
const END: f64 = 5.0;

/// Colours for white paper, and for black where the reader prefers that.
const STYLE: &str = "\
svg{background:#fff;font:12px ui-monospace,Menlo,Consolas,monospace}\
text{fill:#1f2328}.dim{fill:#59636e}.paper{fill:#fff}.box{fill:#f6f8fa;stroke:#59636e}.group{fill:none;stroke:#8c959f}\
.extra{fill:none;stroke:#8c959f;stroke-dasharray:4 3}.way{fill:none;stroke:#59636e}.back{stroke-dasharray:4 3}\
.symbol{fill:#59636e;stroke:#59636e}.head{fill:#59636e}\
@media (prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.dim{fill:#9198a1}.paper{fill:#0d1117}\
.box{fill:#151b23;stroke:#9198a1}.way{stroke:#9198a1}.symbol{fill:#9198a1;stroke:#9198a1}.head{fill:#9198a1}}";

/// The graph as SVG, with a legend of what occurs in it. Sequences run from top to bottom, branches stand side by side,
/// handlers and cleanups to the right of what they belong to.
pub fn to_svg(graph: &Graph, marks: &Marks) -> String {
    let figure = Figure::of(graph);
    let steps = sequence(&figure.body);
    let title = width_of(&figure.title) + 40.0;
    let legend = Legend::of(&figure, marks);
    let width = steps.width.max(title).max(legend.width()) + 2.0 * MARGIN;
    let middle = width / 2.0;
    let mut drawing = Drawing {
        marks,
        out: String::new(),
    };
    let mut y = MARGIN;
    drawing.terminal(middle, y, &figure.title);
    y += TERMINAL;
    let first = y;
    if !steps.steps.is_empty() {
        y += GAP;
    }
    let top = y;
    drawing.sequence(&steps, middle - steps.width / 2.0, top);
    if let Some(step) = steps.steps.first() {
        drawing.way(middle, first, top + step.y, step.item.condition.as_deref());
    }
    y += steps.height;
    let ends = figure.body.last().is_none_or(|last| last.goes_on);
    let leaps = figure.body.iter().flat_map(|item| &item.leaps);
    if ends || leaps.into_iter().any(|leap| leap.to.is_none()) {
        // A way to the end comes in from the side where no step goes on.
        let from = if ends { y } else { y + END };
        drawing.way(middle, from, y + GAP, None);
    }
    y += GAP;
    drawing.terminal(middle, y, "end");
    y += TERMINAL + GAP;
    y = legend.draw(&mut drawing, MARGIN, y) + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{y:.0}\" viewBox=\"0 0 {width:.0} {y:.0}\" \
         role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>\n<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" \
         refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n\
         {}</svg>\n",
        escaped(&format!("workflow {}", figure.title)),
        drawing.out
    )
}

struct Drawing<'m> {
    marks: &'m Marks,
    out: String,
}

impl Drawing<'_> {
    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(element);
        self.out.push('\n');
    }

    /// A text whose middle, or left end, is at a place.
    fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let full = match cut(text) == text {
            true => String::new(),
            false => format!("<title>{}</title>", escaped(text)),
        };
        let text = escaped(&cut(text));
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{full}{text}</text>"
        ));
    }

    fn terminal(&mut self, middle: f64, y: f64, text: &str) {
        let width = width_of(text) + 36.0;
        let x = middle - width / 2.0;
        self.put(format_args!(
            "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{TERMINAL}\" rx=\"14\"/>"
        ));
        self.text(middle, y + 18.0, "", "middle", text);
    }

    /// An arrow straight down, with what has to hold beside it.
    fn way(&mut self, x: f64, from: f64, to: f64, condition: Option<&str>) {
        self.put(format_args!(
            "<path class=\"way\" d=\"M{x:.1} {from:.1}V{to:.1}\" marker-end=\"url(#head)\"/>"
        ));
        if let Some(condition) = condition {
            self.label(x, (from + to) / 2.0 - 4.0, &format!("if {condition}"));
        }
    }

    /// A text on an arrow.
    fn label(&mut self, x: f64, y: f64, text: &str) {
        let width = width_of(text) + 6.0;
        self.put(format_args!(
            "<rect class=\"paper\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{LINE}\"/>",
            x - width / 2.0,
            y - LINE / 2.0
        ));
        self.text(x, y + 4.0, "dim", "middle", text);
    }

    fn sequence(&mut self, sequence: &Sequence, x: f64, y: f64) {
        let middle = x + sequence.width / 2.0;
        for step in &sequence.steps {
            self.step(step, x + step.x, y + step.y);
        }
        for pair in sequence.steps.windows(2).filter(|pair| pair[0].item.goes_on) {
            let from = y + pair[0].y + pair[0].height;
            self.way(middle, from, y + pair[1].y, pair[1].item.condition.as_deref());
        }
        self.leaps(sequence, x, y);
    }

    /// The ways to steps elsewhere in the sequence, each in a lane of its own to the right.
    fn leaps(&mut self, sequence: &Sequence, x: f64, y: f64) {
        let mut lane = x + sequence.width;
        for step in &sequence.steps {
            for (at, leap) in step.item.leaps.iter().enumerate() {
                lane -= LANE;
                let (right, from) = (x + step.x + step.width, y + step.y + 10.0);
                let from = from + (at as f64 * LINE).min(step.height - 16.0);
                let target = sequence.steps.iter().find(|step| Some(step.item.node) == leap.to);
                let (head, to, end) = match target {
                    Some(target) => (
                        " marker-end=\"url(#head)\"",
                        y + target.y + target.height - 6.0,
                        x + target.x + target.width,
                    ),
                    None => ("", y + sequence.height + END, x + sequence.width / 2.0),
                };
                self.put(format_args!(
                    "<path class=\"way back\" d=\"M{right:.1} {from:.1}H{lane:.1}V{to:.1}H{end:.1}\"{head}/>"
                ));
                if let Some(words) = leap.words() {
                    self.label(right + 6.0 + width_of(&words) / 2.0, from, &words);
                }
            }
        }
    }

    fn step(&mut self, step: &Placed, x: f64, y: f64) {
        let visit = self.marks.get(&step.item.id);
        let look = visit.map(|visit| look(visit.mark)).unwrap_or_default();
        let mut id = step.item.id.clone();
        if let Some(visit) = visit.filter(|visit| visit.times > 1) {
            let _ = write!(id, " ×{}", visit.times);
        }
        let (width, height) = (step.width, step.height);
        let Some(inner) = &step.inside else {
            self.shape(step.item.shape, x, y, width, height, &look);
            self.text(x + width / 2.0, y + 22.0, "", "middle", &id);
            self.text(x + width / 2.0, y + 22.0 + LINE, "dim", "middle", &step.item.what);
            return;
        };
        self.put(format_args!(
            "<rect class=\"group\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"{look}/>"
        ));
        self.text(x + 10.0, y + 18.0, "", "start", &id);
        self.text(x + 10.0, y + 18.0 + LINE, "dim", "start", &step.item.what);
        self.inside(inner, step.item.shape, x, y);
    }

    fn inside(&mut self, inner: &Inner, shape: Shape, x: f64, y: f64) {
        for column in &inner.work {
            match &inner.inside.work {
                Some(work) if column.part.is_none() => {
                    let (left, top) = (x + column.x, y + column.y);
                    self.shape(shape, left, top, column.width, column.height, "");
                    self.text(left + column.width / 2.0, top + 21.0, "dim", "middle", work);
                }
                _ => {
                    let left = x + column.x + (column.width - column.steps.width) / 2.0;
                    self.sequence(&column.steps, left, y + column.y);
                }
            }
        }
        if inner.parts_ways() {
            self.parting(inner, x, y);
        }
        if inner.inside.flow == Flow::Repeat {
            inner.work.iter().for_each(|column| self.way_back(column, x, y));
        }
        for column in &inner.extras {
            self.extra(column, x, y);
        }
    }

    /// The symbol where ways part, the ways, and the symbol where they meet.
    fn parting(&mut self, inner: &Inner, x: f64, y: f64) {
        let (left, right) = inner.span();
        let middle = x + (left + right) / 2.0;
        let top = y + inner.top;
        let deepest = inner.work.iter().map(|column| column.height).fold(0.0, f64::max);
        let end = inner.work.first().map_or(top, |column| y + column.y) + deepest + GAP - SYMBOL / 2.0;
        for column in &inner.work {
            let at = x + column.x + column.width / 2.0;
            let (from, to) = (top + SYMBOL, y + column.y);
            let bend = from + 4.0;
            let condition = column
                .steps
                .steps
                .first()
                .and_then(|step| step.item.condition.as_deref());
            let first = column.steps.steps.first().map_or(column.height, |step| step.y);
            self.put(format_args!(
                "<path class=\"way\" d=\"M{middle:.1} {from:.1}V{bend:.1}H{at:.1}V{:.1}\" marker-end=\"url(#head)\"/>",
                to + first
            ));
            if let Some(label) = column.part.map(|part| &*part.label).filter(|label| !label.is_empty()) {
                self.label(at, to - 16.0, label);
            }
            if let Some(condition) = condition {
                self.label(at, to + first - 22.0, &format!("if {condition}"));
            }
            let leaves = to + column.steps.height;
            self.put(format_args!(
                "<path class=\"way\" d=\"M{at:.1} {leaves:.1}V{:.1}H{middle:.1}V{end:.1}\"/>",
                end - 4.0
            ));
        }
        self.symbol(inner.inside.flow, middle, top);
        self.symbol(inner.inside.flow, middle, end);
    }

    fn symbol(&mut self, flow: Flow, x: f64, y: f64) {
        let half = SYMBOL / 2.0;
        match flow {
            Flow::Choice => self.put(format_args!(
                "<path class=\"symbol\" d=\"M{x:.1} {y:.1}l{half} {half}l-{half} {half}l-{half} -{half}z\"/>"
            )),
            Flow::Race => self.put(format_args!(
                "<circle class=\"symbol\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"6\"/>",
                y + half
            )),
            Flow::Parallel | Flow::Steps | Flow::Repeat => self.put(format_args!(
                "<rect class=\"symbol\" x=\"{:.1}\" y=\"{:.1}\" width=\"48\" height=\"4\"/>",
                x - 24.0,
                y + half - 2.0
            )),
        }
    }

    fn way_back(&mut self, column: &Column, x: f64, y: f64) {
        let (Some(first), Some(last)) = (column.steps.steps.first(), column.steps.steps.last()) else {
            return;
        };
        let left = x + column.x + (column.width - column.steps.width) / 2.0;
        let lane = x + column.x - WAY_BACK / 2.0;
        let (from, to) = (
            y + column.y + last.y + last.height / 2.0,
            y + column.y + first.y + first.height / 2.0,
        );
        // A body of one step is left and entered at different heights.
        let (from, to) = if from == to { (from + 8.0, to - 8.0) } else { (from, to) };
        self.put(format_args!(
            "<path class=\"way back\" d=\"M{:.1} {from:.1}H{lane:.1}V{to:.1}H{:.1}\" marker-end=\"url(#head)\"/>",
            left + last.x,
            left + first.x
        ));
    }

    fn extra(&mut self, column: &Column, x: f64, y: f64) {
        let (x, y) = (x + column.x, y + column.y);
        let (width, height) = (column.width, column.height);
        self.put(format_args!(
            "<rect class=\"extra\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>"
        ));
        let label = column.part.map(|part| &*part.label).unwrap_or_default();
        self.text(x + 8.0, y + 15.0, "dim", "start", label);
        let (left, top) = (x + (width - column.steps.width) / 2.0, y + LINE + 10.0);
        self.sequence(&column.steps, left, top);
        if let Some((step, condition)) = column.steps.steps.first().and_then(|step| {
            let condition = step.item.condition.as_deref()?;
            Some((step, condition))
        }) {
            let to = top + step.y;
            self.way(left + column.steps.width / 2.0, to - 30.0, to, Some(condition));
        }
    }

    fn shape(&mut self, shape: Shape, x: f64, y: f64, width: f64, height: f64, look: &str) {
        let slant = 9.0;
        match shape {
            Shape::Plain | Shape::Wait => {
                let round = if shape == Shape::Wait { height / 2.0 } else { 3.0 };
                self.put(format_args!(
                    "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"{look}/>"
                ));
            }
            Shape::Call => self.put(format_args!(
                "<path class=\"box\" d=\"M{:.1} {y:.1}H{:.1}L{:.1} {:.1}H{x:.1}z\"{look}/>",
                x + slant,
                x + width,
                x + width - slant,
                y + height
            )),
            Shape::Stop => self.put(format_args!(
                "<path class=\"box\" d=\"M{:.1} {y:.1}H{:.1}L{:.1} {middle:.1}L{:.1} {bottom:.1}H{:.1}L{x:.1} {middle:.1}z\"{look}/>",
                x + slant,
                x + width - slant,
                x + width,
                x + width - slant,
                x + slant,
                middle = y + height / 2.0,
                bottom = y + height
            )),
        }
    }
}

/// What the shapes, symbols and colours that occur mean.
struct Legend {
    shapes: BTreeSet<Shape>,
    flows: BTreeSet<Flow>,
    extras: bool,
    leaps: bool,
    marks: BTreeSet<Mark>,
}

const ROW: f64 = 22.0;

impl Legend {
    fn of(figure: &Figure, marks: &Marks) -> Legend {
        let mut legend = Legend {
            shapes: BTreeSet::new(),
            flows: BTreeSet::new(),
            extras: false,
            leaps: false,
            marks: BTreeSet::new(),
        };
        figure.walk(&mut |item| {
            legend.leaps |= !item.leaps.is_empty();
            legend.marks.extend(marks.get(&item.id).map(|visit| visit.mark));
            match &item.inside {
                None => drop(legend.shapes.insert(item.shape)),
                Some(Inside { flow, parts, work }) => {
                    legend.flows.insert(*flow);
                    legend.extras |= parts.iter().any(|part| part.role != Role::Work);
                    if work.is_some() {
                        legend.shapes.insert(item.shape);
                    }
                }
            }
        });
        legend.flows.remove(&Flow::Steps);
        legend
    }

    fn width(&self) -> f64 {
        290.0
    }

    /// Draws one line for each, and gives where the last ends.
    fn draw(&self, drawing: &mut Drawing, x: f64, mut y: f64) -> f64 {
        let mut line = |drawing: &mut Drawing, text: &str| {
            drawing.text(x + 48.0, y + 13.0, "dim", "start", text);
            y += ROW;
            y - ROW
        };
        for shape in &self.shapes {
            let text = match shape {
                Shape::Plain => "evaluates",
                Shape::Call => "calls something outside, or a workflow",
                Shape::Wait => "waits",
                Shape::Stop => "fails, ends or cancels",
            };
            let y = line(drawing, text);
            drawing.shape(*shape, x + 4.0, y + 1.0, 32.0, 16.0, "");
        }
        for flow in &self.flows {
            let text = match flow {
                Flow::Choice => "one of the ways",
                Flow::Parallel => "all of the ways, side by side",
                Flow::Race => "all of the ways, the first decides",
                Flow::Repeat => "again, or for each item",
                Flow::Steps => continue,
            };
            let y = line(drawing, text);
            match flow {
                Flow::Repeat => drawing.put(format_args!(
                    "<path class=\"way back\" d=\"M{:.1} {:.1}H{:.1}\" marker-end=\"url(#head)\"/>",
                    x + 4.0,
                    y + 9.0,
                    x + 36.0
                )),
                _ => drawing.symbol(*flow, x + 24.0 - 4.0, y + 1.0),
            }
        }
        if self.leaps {
            let y = line(drawing, "goes on elsewhere");
            drawing.put(format_args!(
                "<path class=\"way back\" d=\"M{:.1} {:.1}H{:.1}\" marker-end=\"url(#head)\"/>",
                x + 4.0,
                y + 9.0,
                x + 36.0
            ));
        }
        if self.extras {
            let y = line(drawing, "after an error, or in any case");
            drawing.put(format_args!(
                "<rect class=\"extra\" x=\"{:.1}\" y=\"{:.1}\" width=\"32\" height=\"16\" rx=\"4\"/>",
                x + 4.0,
                y + 1.0
            ));
        }
        for mark in &self.marks {
            let y = line(drawing, mark.as_str());
            drawing.shape(Shape::Plain, x + 4.0, y + 1.0, 32.0, 16.0, &look(*mark));
        }
        y
    }
}

fn look(mark: Mark) -> String {
    let dash = match mark {
        Mark::Skipped | Mark::Cancelled => ";stroke-dasharray:5 3",
        _ => "",
    };
    format!(" style=\"stroke:{};stroke-width:2.5{dash}\"", mark.colour())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML knows no other control characters.
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
