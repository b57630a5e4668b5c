//! Jumps within a list.

use super::super::flow::{Aim, Jump};
use super::*;

fn jump(id: &str, arms: &[(Cond, &str)], otherwise: Option<&str>, limit: u32) -> Step {
    let aim = |to: &str| match to {
        "end" => Aim::End,
        id => Aim::Step(id.to_owned()),
    };
    let arms = arms
        .iter()
        .map(|(condition, to)| (condition.clone(), aim(to)))
        .collect();
    let otherwise = otherwise.map(aim);
    Step::new(id, Kind::Jump(Jump { arms, otherwise, limit }))
}

fn above(than: i64) -> Cond {
    Cond::Above(Expr::Data, than)
}

#[test]
fn a_jump_forwards_passes_steps_over() {
    expect(
        flow([
            jump("j", &[(no(), "a"), (yes(), "b")], Some("end"), 0),
            call("a"),
            set("b", output_of("a", 7)),
            jump("k", &[(no(), "a")], None, 0),
            jump("l", &[], Some("end"), 0),
            call("c"),
        ]),
        World::empty(),
        "completed 7 at 0
         b success 0-0
         j success 0-0
         k success 0-0
         l success 0-0",
    );
}

#[test]
fn what_comes_again_begins_anew_and_has_its_own_calls() {
    // Behind the second call, `b` reads nothing of the first `c`, and `a` is still known.
    let list = [
        call("a"),
        call("b"),
        jump("j", &[(above(20), "d")], None, 1),
        call("c"),
        jump("k", &[], Some("b"), 1),
        set(
            "d",
            Expr::List(vec![output_of("a", 0), output_of("b", 0), output_of("c", 0)]),
        ),
    ];
    let world = calls([("x/a#1", 10), ("x/b#1", 20), ("x/c#1", 30), ("x/b+1#1", 40)]);
    expect(
        flow([attempt("x", list, [])]),
        world,
        "completed [10,40,0] at 100
         x success 0-100
         x/a success 0-10
         x/b success 10-30
         x/b+1 success 60-100
         x/c success 30-60
         x/d+1 success 100-100
         x/j success 30-30
         x/j+1 success 100-100
         x/k success 60-60
         x/a#1 done 0-10
         x/b#1 done 10-30
         x/b+1#1 done 60-100
         x/c#1 done 30-60",
    );
}

#[test]
fn jumps_backwards_are_counted_for_their_list() {
    let back = catch(jump("j", &[], Some("a"), 1), Body::Unit(Unit::Set(Expr::Int(9))));
    let inner = [call("a"), back];
    expect(
        flow([each("x", None, inner.clone()), jump("k", &[], Some("x"), 0)]),
        World::empty(),
        "error loop.limit at 6
         k error 6-6
         x success 0-6
         x[0]/a success 0-1
         x[0]/a+1 success 1-2
         x[0]/j success 1-1
         x[0]/j+1 success 2-2
         x[1]/a success 2-3
         x[1]/a+1 success 3-4
         x[1]/j success 3-3
         x[1]/j+1 success 4-4
         x[2]/a success 4-5
         x[2]/a+1 success 5-6
         x[2]/j success 5-5
         x[2]/j+1 success 6-6
         x[0]/a#1 done 0-1
         x[0]/a+1#1 done 1-2
         x[1]/a#1 done 2-3
         x[1]/a+1#1 done 3-4
         x[2]/a#1 done 4-5
         x[2]/a+1#1 done 5-6",
    );
}
