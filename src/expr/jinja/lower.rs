//! From the parser's tree to the resolved [`Node`]s: names become roots, paths become references, and whatever can
//! be found wrong without values becomes a [`Problem`].

use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery::ast;
use minijinja::value::Value;

use super::builtin;
use super::dash::Subtraction;
use super::node::{Arg, Base, Kind, Node, Path};
use super::shape::Operator;
use super::value;
use crate::data::Data;
use crate::diagnostic::{certain, closest};
use crate::expr::{Problem, ProblemKind, Reference, Root};

/// What is known of an expression or template besides its tree.
#[derive(Default)]
pub(super) struct Analysis {
    pub references: Vec<Reference>,
    /// Every root that has to be fetched before the virtual machine runs.
    pub roots: Vec<Root>,
    pub paths: Vec<PathInfo>,
    pub subtractions: Vec<Subtraction>,
    pub problems: Vec<Problem>,
}

impl Analysis {
    /// For each path the position of its reference.
    pub fn reference_of_path(&self) -> Vec<Option<usize>> {
        self.paths.iter().map(|path| path.reference).collect()
    }
}

/// Where a path stands, for messages at run time.
pub(super) struct PathInfo {
    pub start: usize,
    /// Where the base ends, then each link.
    pub ends: Vec<usize>,
    pub reference: Option<usize>,
}

/// How the value of a node is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// As a value; a path must exist.
    Value,
    /// Directly under `default`, `is defined` or `is undefined`: a path may be missing (rule 4).
    Optional,
    /// Whole expression or bare emission: the only places for a secret (rule 40).
    Whole,
}

pub(super) struct Lower<'s> {
    pub source: &'s str,
    pub analysis: Analysis,
    /// Names bound by `for`, `set`, `with` and `macro`, innermost last; empty outside templates.
    pub scopes: Vec<Vec<&'s str>>,
}

impl<'s> Lower<'s> {
    pub fn new(source: &'s str) -> Lower<'s> {
        Lower {
            source,
            analysis: Analysis::default(),
            scopes: Vec::new(),
        }
    }

    pub fn problem(
        &mut self,
        range: Range<usize>,
        kind: ProblemKind,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.analysis.problems.push(Problem {
            range,
            kind,
            message: message.into(),
            help,
            fix: None,
        });
    }

    /// A name that is not among the known ones, with the one that was probably meant.
    pub fn mistyped<'k>(
        &mut self,
        range: Range<usize>,
        kind: ProblemKind,
        message: String,
        name: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        self.analysis.problems.push(Problem {
            range,
            kind,
            message,
            help: closest(name, known.clone()).map(|name| format!("did you mean `{name}`?")),
            fix: certain(name, known).map(str::to_owned),
        });
    }

    pub fn is_bound(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(&name))
    }

    /// Resolves an expression.
    pub fn node(&mut self, expr: &ast::Expr<'s>, usage: Use) -> Node {
        let end = expr.span().end_offset as usize;
        let (start, kind) = match expr {
            // The engine knows it as `none` only (rule 5).
            ast::Expr::Var(name) if name.id == "null" && !self.is_bound(name.id) => {
                (expr.span().start_offset as usize, Kind::Literal(Data::Null))
            }
            ast::Expr::Var(_) | ast::Expr::GetAttr(_) | ast::Expr::GetItem(_) => return self.path(expr, usage),
            ast::Expr::Const(constant) => (expr.span().start_offset as usize, self.literal(&constant.value, expr)),
            ast::Expr::Slice(slice) => {
                let base = self.node(&slice.expr, Use::Value);
                let mut part = |part: &Option<ast::Expr<'s>>| part.as_ref().map(|part| self.boxed(part));
                let (start, stop, step) = (part(&slice.start), part(&slice.stop), part(&slice.step));
                (
                    base.range.start,
                    Kind::Slice {
                        base: Box::new(base),
                        start,
                        stop,
                        step,
                    },
                )
            }
            ast::Expr::UnaryOp(unary) => {
                let inner = self.boxed(&unary.expr);
                let start = (expr.span().start_offset as usize).min(inner.range.start);
                match (&unary.op, *inner) {
                    // This is also how `not in` is parsed, with a span that begins too early.
                    (
                        ast::UnaryOpKind::Not,
                        Node {
                            kind:
                                Kind::Binary {
                                    operator: Operator::In,
                                    left,
                                    right,
                                },
                            ..
                        },
                    ) => (
                        left.range.start,
                        Kind::Binary {
                            operator: Operator::NotIn,
                            left,
                            right,
                        },
                    ),
                    (ast::UnaryOpKind::Not, inner) => (start, Kind::Not(Box::new(inner))),
                    (ast::UnaryOpKind::Neg, inner) => (start, Kind::Negate(Box::new(inner))),
                }
            }
            ast::Expr::BinOp(binary) => {
                let known = self.analysis.problems.len();
                let left = self.boxed(&binary.left);
                let right = self.boxed(&binary.right);
                if matches!(binary.op, ast::BinOpKind::Sub) {
                    self.dashed_name(&left, &right, known);
                }
                (
                    left.range.start,
                    Kind::Binary {
                        operator: operator(binary.op),
                        left,
                        right,
                    },
                )
            }
            ast::Expr::Compare(chain) => {
                let first = self.boxed(&chain.expr);
                let rest = chain
                    .ops
                    .iter()
                    .map(|op| (compare_operator(op.op), self.node(&op.expr, Use::Value)));
                let rest = rest.collect();
                (first.range.start, Kind::Chain { first, rest })
            }
            ast::Expr::IfExpr(conditional) => {
                let then = self.boxed(&conditional.true_expr);
                let condition = self.boxed(&conditional.test_expr);
                let otherwise = conditional.false_expr.as_ref().map(|expr| self.boxed(expr));
                (
                    then.range.start,
                    Kind::If {
                        condition,
                        then,
                        otherwise,
                    },
                )
            }
            ast::Expr::Filter(filter) => self.filter(filter),
            ast::Expr::Test(test) => {
                let optional = matches!(test.name, "defined" | "undefined");
                let input = self.node(&test.expr, if optional { Use::Optional } else { Use::Value });
                let name = self.normalised(test.name);
                if !builtin::TESTS.contains(&&*name) {
                    self.unknown("test", test.name, builtin::TESTS, input.range.end..end);
                }
                let args = self.args(&test.args);
                (
                    input.range.start,
                    Kind::Test {
                        name,
                        input: Box::new(input),
                        args,
                    },
                )
            }
            ast::Expr::Call(call) => self.call(call),
            ast::Expr::List(list) => {
                let items = list.items.iter().map(|item| self.node(item, Use::Value)).collect();
                (expr.span().start_offset as usize, Kind::List(items))
            }
            ast::Expr::Tuple(tuple) => {
                let items: Vec<Node> = tuple.items.iter().map(|item| self.node(item, Use::Value)).collect();
                (expr.span().start_offset as usize, Kind::List(items))
            }
            ast::Expr::Map(map) => {
                let entries = map.keys.iter().zip(&map.values);
                let entries = entries.map(|(key, value)| (self.node(key, Use::Value), self.node(value, Use::Value)));
                let entries = entries.collect();
                (expr.span().start_offset as usize, Kind::Map(entries))
            }
        };
        Node {
            range: start.min(end)..end,
            kind,
        }
    }

    pub fn boxed(&mut self, expr: &ast::Expr<'s>) -> Box<Node> {
        Box::new(self.node(expr, Use::Value))
    }

    pub fn args(&mut self, args: &[ast::CallArg<'s>]) -> Vec<Arg> {
        args.iter()
            .map(|arg| match arg {
                ast::CallArg::Pos(expr) => Arg::Positional(self.node(expr, Use::Value)),
                ast::CallArg::Kwarg(name, expr) => Arg::Named(Arc::from(*name), self.node(expr, Use::Value)),
                ast::CallArg::PosSplat(expr) => Arg::Spread(self.node(expr, Use::Value)),
                ast::CallArg::KwargSplat(expr) => Arg::NamedSpread(self.node(expr, Use::Value)),
            })
            .collect()
    }

    fn literal(&mut self, value: &Value, expr: &ast::Expr<'s>) -> Kind {
        match value::to_data(value) {
            Ok(data) => Kind::Literal(data),
            Err(_) => {
                let span = expr.span();
                let range = span.start_offset as usize..span.end_offset as usize;
                self.problem(range, ProblemKind::TooLarge, "the number is too large", None);
                Kind::Invalid
            }
        }
    }

    fn filter(&mut self, filter: &ast::Spanned<ast::Filter<'s>>) -> (usize, Kind) {
        let span = filter.span();
        let name = self.normalised(filter.name);
        let usage = if matches!(&*name, "default" | "d") {
            Use::Optional
        } else {
            Use::Value
        };
        let input = filter.expr.as_ref().map(|expr| Box::new(self.node(expr, usage)));
        let at = span.start_offset as usize;
        let name_range = at..at + filter.name.len();
        if !builtin::is_filter(&name) {
            self.unknown("filter", filter.name, builtin::FILTERS, name_range);
        }
        let args = self.args(&filter.args);
        self.named_in_arguments(&name, &args);
        let start = input.as_ref().map_or(at, |input| input.range.start);
        (start, Kind::Filter { name, input, args })
    }

    /// Filters such as `map('upper')` and `select('odd')` take the name of another one.
    fn named_in_arguments(&mut self, filter: &str, args: &[Arg]) {
        let (position, what, known) = match filter {
            "map" => (0, "filter", builtin::FILTERS),
            "select" | "reject" => (0, "test", builtin::TESTS),
            "selectattr" | "rejectattr" => (1, "test", builtin::TESTS),
            _ => return,
        };
        if let Some(Arg::Positional(Node {
            kind: Kind::Literal(Data::Text(name)),
            range,
        })) = args.get(position)
            && !known.contains(&&**name)
        {
            self.unknown(what, name, known, range.clone());
        }
    }

    /// Resolves the call of a `{% do %}` or `{% call %}`.
    pub fn call_node(&mut self, call: &ast::Spanned<ast::Call<'s>>) -> Node {
        let (start, kind) = self.call(call);
        Node {
            range: start..call.span().end_offset as usize,
            kind,
        }
    }

    fn call(&mut self, call: &ast::Spanned<ast::Call<'s>>) -> (usize, Kind) {
        let start = call.span().start_offset as usize;
        match call.identify_call() {
            ast::CallType::Function(name) => {
                let at = call.expr.span();
                let range = at.start_offset as usize..at.end_offset as usize;
                if name == "now" && !self.is_bound(name) {
                    if !call.args.is_empty() {
                        self.problem(range, ProblemKind::Unsupported, "`now()` takes no arguments", None);
                    }
                    return (start, self.now(start..call.span().end_offset as usize));
                }
                if !self.is_bound(name) && !builtin::FUNCTIONS.contains(&name) {
                    self.unknown_call(name, range);
                }
                (
                    start,
                    Kind::Call {
                        name: name.into(),
                        args: self.args(&call.args),
                    },
                )
            }
            ast::CallType::Method(ast::Expr::Var(base), name)
                if base.id == "loop" && self.is_bound("loop") && matches!(name, "cycle" | "changed") =>
            {
                (
                    start,
                    Kind::Method {
                        base: base.id.into(),
                        name: name.into(),
                        args: self.args(&call.args),
                    },
                )
            }
            ast::CallType::Method(_, name) | ast::CallType::Block(name) => {
                let base = self.boxed(base_of(&call.expr));
                self.args(&call.args);
                let end = call.expr.span().end_offset as usize;
                let message = format!("values have no methods, so there is no `{name}()`");
                self.problem(
                    end - name.len()..end,
                    ProblemKind::UnknownFunction,
                    message,
                    method_help(name),
                );
                (base.range.start, Kind::Invalid)
            }
            _ => {
                let callee = self.boxed(&call.expr);
                let message = "only functions can be called";
                self.problem(callee.range.clone(), ProblemKind::UnknownFunction, message, None);
                (callee.range.start, Kind::Invalid)
            }
        }
    }

    fn now(&mut self, range: Range<usize>) -> Kind {
        let reference = Reference {
            root: Root::Now,
            path: Vec::new(),
            name: range.clone(),
            range: range.clone(),
            optional: false,
            segments: Vec::new(),
        };
        self.analysis.references.push(reference);
        let number = self.analysis.paths.len();
        let reference = Some(self.analysis.references.len() - 1);
        self.analysis.paths.push(PathInfo {
            start: range.start,
            ends: vec![range.end],
            reference,
        });
        let base = Base::Root(self.root(Root::Now));
        Kind::Path(Path {
            number,
            base,
            links: Vec::new(),
            optional: false,
        })
    }

    /// The position of a root, which is added if it is new.
    pub fn root(&mut self, root: Root) -> usize {
        let roots = &mut self.analysis.roots;
        roots.iter().position(|known| *known == root).unwrap_or_else(|| {
            roots.push(root);
            roots.len() - 1
        })
    }

    /// Whitespace may stand around the dots of a dotted name, and the engine drops it.
    fn normalised(&self, name: &str) -> Arc<str> {
        name.split_ascii_whitespace().collect::<String>().into()
    }

    fn unknown(&mut self, what: &str, name: &str, known: &[&'static str], range: Range<usize>) {
        let message = format!("there is no {what} `{name}`");
        self.mistyped(
            range,
            ProblemKind::UnknownFunction,
            message,
            name,
            known.iter().copied(),
        );
    }

    fn unknown_call(&mut self, name: &str, range: Range<usize>) {
        if builtin::is_filter(name) {
            let help = Some(format!("`{name}` is a filter: write `x | {name}`"));
            self.problem(
                range,
                ProblemKind::UnknownFunction,
                format!("there is no function `{name}`"),
                help,
            );
        } else {
            let bound = self.scopes.concat();
            let known = builtin::FUNCTIONS.iter().chain(&["now"]).copied().chain(bound);
            let message = format!("there is no function `{name}`");
            self.mistyped(range, ProblemKind::UnknownFunction, message, name, known);
        }
    }
}

fn base_of<'e, 's>(callee: &'e ast::Expr<'s>) -> &'e ast::Expr<'s> {
    match callee {
        ast::Expr::GetAttr(attr) => &attr.expr,
        other => other,
    }
}

fn method_help(name: &str) -> Option<String> {
    let filter = match name {
        "strip" | "lstrip" | "rstrip" => "trim",
        "toUpperCase" | "to_upper" | "uppercase" => "upper",
        "toLowerCase" | "to_lower" | "lowercase" => "lower",
        "toString" | "to_string" | "str" => "string",
        "size" | "count" | "len" => "length",
        "toFixed" => "round(2)",
        "filter" => "select(…)",
        "includes" | "contains" | "has" => return Some("use the operator: `item in list`".to_owned()),
        "keys" => "list",
        "items" => "items",
        "get" => "default(…)",
        "isoformat" | "strftime" => "date('%Y-%m-%d')",
        "append" | "extend" => return Some("join lists with `a + b`".to_owned()),
        "startswith" | "startsWith" => return Some("use the test: `x is startingwith('…')`".to_owned()),
        "endswith" | "endsWith" => return Some("use the test: `x is endingwith('…')`".to_owned()),
        _ if builtin::is_filter(name) => name,
        _ => return None,
    };
    Some(format!("use the filter: `x | {filter}`"))
}

fn operator(op: ast::BinOpKind) -> Operator {
    match op {
        ast::BinOpKind::Eq => Operator::Equal,
        ast::BinOpKind::Ne => Operator::NotEqual,
        ast::BinOpKind::Lt => Operator::Less,
        ast::BinOpKind::Lte => Operator::LessOrEqual,
        ast::BinOpKind::Gt => Operator::Greater,
        ast::BinOpKind::Gte => Operator::GreaterOrEqual,
        ast::BinOpKind::ScAnd => Operator::And,
        ast::BinOpKind::ScOr => Operator::Or,
        ast::BinOpKind::Add => Operator::Add,
        ast::BinOpKind::Sub => Operator::Subtract,
        ast::BinOpKind::Mul => Operator::Multiply,
        ast::BinOpKind::Div => Operator::Divide,
        ast::BinOpKind::FloorDiv => Operator::FloorDivide,
        ast::BinOpKind::Rem => Operator::Remainder,
        ast::BinOpKind::Pow => Operator::Power,
        ast::BinOpKind::Concat => Operator::Concatenate,
        ast::BinOpKind::In => Operator::In,
    }
}

fn compare_operator(op: ast::CompareOpKind) -> Operator {
    match op {
        ast::CompareOpKind::Eq => Operator::Equal,
        ast::CompareOpKind::Ne => Operator::NotEqual,
        ast::CompareOpKind::Lt => Operator::Less,
        ast::CompareOpKind::Lte => Operator::LessOrEqual,
        ast::CompareOpKind::Gt => Operator::Greater,
        ast::CompareOpKind::Gte => Operator::GreaterOrEqual,
        ast::CompareOpKind::In => Operator::In,
        ast::CompareOpKind::NotIn => Operator::NotIn,
    }
}
