//! Makes a failing workflow small.

use super::flow::{Aim, Body, Cond, Expr, Flow, Handler, Kind, Step, Unit};

/// The smallest workflow found that still `fails`, by deleting steps and features one at a time until none can go.
pub fn shrink(mut flow: Flow, fails: &dyn Fn(&Flow) -> bool) -> Flow {
    loop {
        let mut smaller = false;
        let mut number = 0;
        while let Some(candidate) = edit(&flow, number) {
            if candidate != flow && fails(&candidate) {
                // The edits renumber; those from here on have not been tried on the new workflow.
                flow = candidate;
                smaller = true;
            } else {
                number += 1;
            }
        }
        if !smaller {
            return flow;
        }
    }
}

/// The workflow with its `number`th possible edit made.
fn edit(flow: &Flow, number: usize) -> Option<Flow> {
    let mut new = flow.clone();
    let mut left = number;
    let done = edit_flow(&mut new, &mut left) || {
        let mut children = new.children.iter_mut();
        children.any(|child| edit_flow(child, &mut left))
    };
    done.then(|| {
        let called = new.children_called();
        while !new.children.is_empty() && !called.contains(&(new.children.len() - 1)) {
            new.children.pop();
        }
        repair(&mut new);
        new.children.iter_mut().for_each(repair);
        new
    })
}

/// Whether it is this edit's turn.
fn turn(left: &mut usize) -> bool {
    let turn = *left == 0;
    *left = left.wrapping_sub(1);
    turn
}

fn take<T>(slot: &mut Option<T>, left: &mut usize) -> bool {
    slot.is_some() && turn(left) && slot.take().is_some()
}

fn edit_flow(flow: &mut Flow, left: &mut usize) -> bool {
    edit_list(&mut flow.steps, left) || take(&mut flow.timeout, left) || take(&mut flow.output, left)
}

/// Deletes a step, puts a block's inner list in its place, or edits a step.
fn edit_list(list: &mut Vec<Step>, left: &mut usize) -> bool {
    for place in 0..list.len() {
        if list.len() > 1 && turn(left) {
            list.remove(place);
            return true;
        }
        // Steps of a loop may need its names, so they stay inside.
        if !matches!(list[place].kind, Kind::ForEach { .. } | Kind::Loop { .. }) {
            for inner in 0..list[place].body().len() {
                if turn(left) {
                    let inner = list[place].body()[inner].clone();
                    list.splice(place..=place, inner);
                    return true;
                }
            }
        }
        let is_simple = list[place].kind == Kind::Then(Unit::Set(Expr::Int(0)));
        if !is_simple && turn(left) {
            list[place] = Step::new(list[place].id.clone(), Kind::Then(Unit::Set(Expr::Int(0))));
            return true;
        }
        if edit_step(&mut list[place], left) {
            return true;
        }
    }
    false
}

fn edit_step(step: &mut Step, left: &mut usize) -> bool {
    let settled = matches!(
        &step.kind,
        Kind::All { settle: true, .. } | Kind::ForEach { settle: true, .. }
    );
    let common = &mut step.common;
    if take(&mut common.timeout, left) || take(&mut common.retry, left) || take(&mut common.into, left) {
        return true;
    }
    // Settled errors always need an `output` that hides their messages.
    if take(&mut common.set_state, left) || (!settled && take(&mut common.output, left)) {
        return true;
    }
    if edit_handlers(&mut common.catch, left) {
        return true;
    }
    let done = edit_kind(&mut step.kind, left);
    if let (Kind::All { branches, .. }, Some(Expr::SettledMap(names))) = (&step.kind, &mut common.output) {
        *names = branches.names.clone().unwrap_or_default();
    }
    done
}

fn edit_handlers(handlers: &mut Vec<Handler>, left: &mut usize) -> bool {
    for place in 0..handlers.len() {
        if turn(left) {
            handlers.remove(place);
            return true;
        }
        let handler = &mut handlers[place];
        if take(&mut handler.on, left) || take(&mut handler.when, left) || edit_body(&mut handler.body, left) {
            return true;
        }
    }
    false
}

fn edit_body(body: &mut Body, left: &mut usize) -> bool {
    match body {
        Body::Steps(steps) => edit_list(steps, left),
        Body::Unit(unit) => edit_unit(unit, left),
    }
}

fn edit_kind(kind: &mut Kind, left: &mut usize) -> bool {
    match kind {
        Kind::Then(unit) => edit_unit(unit, left),
        Kind::When { then, otherwise, .. } => {
            take(otherwise, left)
                || edit_body(then, left)
                || otherwise.as_mut().is_some_and(|otherwise| edit_body(otherwise, left))
        }
        Kind::Branch {
            branches, otherwise, ..
        } => {
            for place in 0..branches.len() {
                if branches.len() > 1 && turn(left) {
                    branches.remove(place);
                    return true;
                }
                if edit_list(&mut branches[place].1, left) {
                    return true;
                }
            }
            take(otherwise, left) || otherwise.as_mut().is_some_and(|otherwise| edit_list(otherwise, left))
        }
        Kind::All { branches, .. } | Kind::Race { branches, .. } => {
            for place in 0..branches.lists.len() {
                if branches.lists.len() > 1 && turn(left) {
                    branches.lists.remove(place);
                    branches.names.iter_mut().for_each(|names| drop(names.remove(place)));
                    return true;
                }
                if edit_list(&mut branches.lists[place], left) {
                    return true;
                }
            }
            match kind {
                Kind::All { concurrency, .. } => take(concurrency, left),
                _ => false,
            }
        }
        Kind::Tap(body) => edit_body(body, left),
        Kind::ForEach {
            items,
            concurrency,
            steps,
            ..
        } => {
            if let Expr::List(items) = items
                && items.len() > 1
                && turn(left)
            {
                items.pop();
                return true;
            }
            take(concurrency, left) || edit_list(steps, left)
        }
        Kind::Loop { steps, .. } => edit_list(steps, left),
        Kind::Child { input, .. } => take(input, left),
        Kind::Guardrail(rules) => rules.len() > 1 && turn(left) && rules.pop().is_some(),
        Kind::Try { steps, finally } => {
            if !finally.is_empty() && turn(left) {
                finally.clear();
                return true;
            }
            edit_list(steps, left) || (!finally.is_empty() && edit_list(finally, left))
        }
        Kind::Agent(agent) => agent.tools.len() > 1 && turn(left) && agent.tools.pop().is_some(),
        Kind::Jump(jump) => {
            if !jump.arms.is_empty() && turn(left) {
                jump.arms.pop();
                return true;
            }
            take(&mut jump.otherwise, left)
        }
        Kind::Map(_) | Kind::Sleep(_) => false,
    }
}

fn edit_unit(unit: &mut Unit, left: &mut usize) -> bool {
    match unit {
        Unit::Suspend { timeout, when, go_on } => {
            if timeout.is_some() && turn(left) {
                (*timeout, *go_on) = (None, false);
                return true;
            }
            take(when, left)
        }
        Unit::WaitFor { timeout, key, .. } => take(timeout, left) || take(key, left),
        // What follows in the list was not written for these without a condition.
        Unit::Fail { .. } | Unit::End { .. } | Unit::Cancel { .. } | Unit::Emit { .. } => false,
        Unit::Set(Expr::Int(0)) | Unit::Rethrow => false,
        Unit::Set(value) if turn(left) => {
            *value = Expr::Int(0);
            true
        }
        Unit::Set(_) | Unit::Assign(_) | Unit::Call => false,
    }
}

/// Makes a workflow valid again: what reads a deleted step reads 0, and no jump goes there.
fn repair(flow: &mut Flow) {
    let mut ids = std::collections::BTreeSet::new();
    flow.walk(&mut |step| {
        ids.insert(step.id.clone());
    });
    let mut fix = |expr: &mut Expr| {
        if matches!(expr, Expr::Step(id, _) if !ids.contains(id)) {
            *expr = Expr::Int(0);
        }
    };
    flow.expressions(&mut fix);
}

impl Flow {
    fn expressions(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        if let Some(output) = &mut self.output {
            output.each(change);
        }
        in_list(&mut self.steps, change);
    }
}

fn in_list(steps: &mut [Step], change: &mut dyn FnMut(&mut Expr)) {
    let ids: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
    let there = |aim: &Aim| match aim {
        Aim::Step(id) => ids.contains(id),
        Aim::End => true,
    };
    for step in steps.iter_mut() {
        if let Kind::Jump(jump) = &mut step.kind {
            jump.arms.retain(|(_, aim)| there(aim));
            jump.otherwise = jump.otherwise.take().filter(there);
        }
    }
    for step in steps {
        in_step(step, change);
    }
}

fn in_step(step: &mut Step, change: &mut dyn FnMut(&mut Expr)) {
    if let Some(output) = &mut step.common.output {
        output.each(change);
    }
    for handler in &mut step.common.catch {
        in_body(&mut handler.body, change);
    }
    match &mut step.kind {
        Kind::Then(unit) => in_unit(unit, change),
        Kind::When {
            condition,
            then,
            otherwise,
        } => {
            condition.each(change);
            in_body(then, change);
            otherwise.iter_mut().for_each(|body| in_body(body, change));
        }
        Kind::Branch {
            branches, otherwise, ..
        } => {
            for (condition, steps) in branches {
                condition.each(change);
                in_list(steps, change);
            }
            otherwise.iter_mut().for_each(|steps| in_list(steps, change));
        }
        Kind::All { branches, .. } | Kind::Race { branches, .. } => {
            branches.lists.iter_mut().for_each(|steps| in_list(steps, change));
        }
        Kind::Tap(body) => in_body(body, change),
        Kind::ForEach { items, steps, .. } => {
            items.each(change);
            in_list(steps, change);
        }
        Kind::Loop { condition, steps, .. } => {
            condition.each(change);
            in_list(steps, change);
        }
        Kind::Jump(jump) => jump.arms.iter_mut().for_each(|arm| arm.0.each(change)),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| entry.1.each(change)),
        Kind::Child { input, .. } => input.iter_mut().for_each(|input| input.each(change)),
        Kind::Guardrail(rules) => {
            for rule in rules {
                rule.require.each(change);
                rule.rewrite.iter_mut().for_each(|value| value.each(change));
            }
        }
        Kind::Try { steps, finally } => {
            in_list(steps, change);
            in_list(finally, change);
        }
        Kind::Sleep(_) | Kind::Agent(_) => {}
    }
}

fn in_body(body: &mut Body, change: &mut dyn FnMut(&mut Expr)) {
    match body {
        Body::Steps(steps) => in_list(steps, change),
        Body::Unit(unit) => in_unit(unit, change),
    }
}

fn in_unit(unit: &mut Unit, change: &mut dyn FnMut(&mut Expr)) {
    match unit {
        Unit::Set(value) => value.each(change),
        Unit::Assign(entries) => entries.iter_mut().for_each(|entry| entry.1.each(change)),
        Unit::Emit { when, data, .. } => {
            when.iter_mut().for_each(|when| when.each(change));
            data.each(change);
        }
        Unit::End { when, output } => {
            when.iter_mut().for_each(|when| when.each(change));
            output.iter_mut().for_each(|output| output.each(change));
        }
        Unit::Suspend { when, .. } | Unit::Fail { when, .. } | Unit::Cancel { when } => {
            when.iter_mut().for_each(|when| when.each(change));
        }
        Unit::Call | Unit::WaitFor { .. } | Unit::Rethrow => {}
    }
}

impl Expr {
    /// Calls `change` with this expression and, if it is still composed, with its parts.
    fn each(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        change(self);
        match self {
            Expr::Plus(inner, _) | Expr::Text(inner) => inner.each(change),
            Expr::List(items) => items.iter_mut().for_each(|item| item.each(change)),
            Expr::Object(entries) => entries.iter_mut().for_each(|entry| entry.1.each(change)),
            _ => {}
        }
    }
}

impl Cond {
    fn each(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        match self {
            Cond::Odd(expr) | Cond::Above(expr, _) | Cond::Raw(expr) => expr.each(change),
            Cond::Code(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate::{Knobs, generate};
    use super::super::oracle::{EffectEnd, Prediction, predict};
    use super::super::world::World;
    use super::*;

    #[test]
    fn what_is_left_still_fails_and_is_small() {
        for seed in 0..300 {
            let fails = |flow: &Flow| match predict(flow, &World::new(seed)) {
                Prediction::Clear(fate) => fate
                    .effects
                    .values()
                    .any(|call| call.how == EffectEnd::Cancelled && call.started_at > 0),
                Prediction::Ambiguous(_) => false,
            };
            let flow = generate(
                seed,
                &Knobs {
                    size: 15,
                    ..Knobs::default()
                },
            );
            if fails(&flow) {
                let small = shrink(flow, &fails);
                assert!(fails(&small) && small.size() <= 10, "{seed}: {small:#?}");
            }
        }
    }
}
