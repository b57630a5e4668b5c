//! A run, to be coloured onto a drawing.

use std::collections::HashMap;

/// What a run has made of each step, by the ids of steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks(HashMap<String, Visit>);

/// What a run has made of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// How it went; of several visits, the most serious.
    pub mark: Mark,
    /// How many times it was begun, skipped or both: for the items of a list and the iterations of a loop.
    pub times: u32,
}

/// How a step went, from harmless to serious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Its condition did not hold.
    Skipped,
    /// It ended well.
    Success,
    /// It was at work when the record ends.
    Running,
    /// It was waiting when the record ends.
    Waiting,
    /// It was cancelled.
    Cancelled,
    /// It failed.
    Error,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Mark; 6] = [
        Mark::Success,
        Mark::Skipped,
        Mark::Running,
        Mark::Waiting,
        Mark::Cancelled,
        Mark::Error,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mark::Skipped => "skipped",
            Mark::Success => "success",
            Mark::Running => "running",
            Mark::Waiting => "waiting",
            Mark::Cancelled => "cancelled",
            Mark::Error => "error",
        }
    }

    /// A colour that white and black paper both bear.
    pub(super) fn colour(self) -> &'static str {
        match self {
            Mark::Skipped => "#8c959f",
            Mark::Success => "#1a7f37",
            Mark::Running => "#0969da",
            Mark::Waiting => "#bf8700",
            Mark::Cancelled => "#6e7781",
            Mark::Error => "#cf222e",
        }
    }
}

impl Marks {
    /// Notes how one visit of a step went: the step at this address, as in events.
    pub fn add(&mut self, address: &str, mark: Mark) {
        let visit = self.0.entry(step(address)).or_insert(Visit { mark, times: 0 });
        visit.mark = visit.mark.max(mark);
        visit.times += 1;
    }

    /// What became of a step, by its id.
    pub fn get(&self, id: &str) -> Option<Visit> {
        self.0.get(id).copied()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The id of the step at an address: `load@2[3]/approve/then` is `approve/then`, and a call of
/// a tool, `desk[2]/search[0]`, is `desk/search`. Steps of child workflows stand behind
/// a colon and are not part of the drawing; what is given is then the step that called.
fn step(address: &str) -> String {
    let own = address.split(':').next().unwrap_or_default();
    let plain = |segment: &str| segment.split(['+', '@', '[']).next().unwrap_or_default().to_owned();
    let mut id = String::new();
    for segment in own.split('/').rev() {
        // Only a call of a tool has a number behind it and nothing inside.
        let tool = id.is_empty() && segment.ends_with(']');
        let segment = plain(segment);
        // Units without an id of their own go by their owner's.
        let suffix = tool || matches!(&*segment, "then" | "else") || segment.starts_with("catch.");
        id = match id.is_empty() {
            true => segment,
            false => format!("{segment}/{id}"),
        };
        if !suffix {
            break;
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_the_id_of_its_step() {
        assert_eq!(step("load@2[3]/put"), "put");
        assert_eq!(step("approve/then"), "approve/then");
        assert_eq!(step("each[1]/fetch@2/catch.0"), "fetch/catch.0");
        assert_eq!(step("call:ask"), "call");
        assert_eq!(step("each[1]/desk[2]/search[0]"), "desk/search");
        assert_eq!(step("desk[2]/approve.search[0]"), "desk/approve.search");
    }

    #[test]
    fn of_several_visits_the_most_serious_counts() {
        let mut marks = Marks::default();
        marks.add("each[0]/put", Mark::Success);
        marks.add("each[1]/put", Mark::Error);
        marks.add("each[2]/put", Mark::Skipped);
        let visit = Visit {
            mark: Mark::Error,
            times: 3,
        };
        assert_eq!(marks.get("put"), Some(visit));
        assert_eq!(marks.get("each"), None);
    }
}
