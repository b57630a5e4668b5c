//! Paths: the links behind a name, the special forms `steps.x.output` and `secrets.NAME`.

use std::ops::Range;

use minijinja::machinery::ast;

use super::lower::{Lower, PathInfo, Use};
use super::node::{Base, Kind, Link, Node, Path};
use super::value;
use crate::data::Data;
use crate::diagnostic::closest;
use crate::expr::{ProblemKind, Reference, Root, Segment, StepPart};

/// A link with the bytes it takes.
struct Found {
    link: Link,
    range: Range<usize>,
}

impl<'s> Lower<'s> {
    /// Resolves a name and everything that hangs on it.
    pub(super) fn path(&mut self, expr: &ast::Expr<'s>, usage: Use) -> Node {
        let end = expr.span().end_offset as usize;
        let mut outside_in = Vec::new();
        let mut base = expr;
        loop {
            base = match base {
                ast::Expr::GetAttr(attr) => {
                    outside_in.push(base);
                    &attr.expr
                }
                ast::Expr::GetItem(item) => {
                    outside_in.push(base);
                    &item.expr
                }
                _ => break,
            };
        }
        let mut links = Vec::new();
        let mut from = base.span().end_offset as usize;
        for expr in outside_in.into_iter().rev() {
            let to = expr.span().end_offset as usize;
            let found = match expr {
                ast::Expr::GetAttr(attr) => Found {
                    link: Link::Key(attr.name.into()),
                    range: to - attr.name.len()..to,
                },
                ast::Expr::GetItem(item) => Found {
                    link: self.subscript(&item.subscript_expr),
                    range: from.min(to)..to,
                },
                _ => continue,
            };
            links.push(found);
            from = to;
        }
        let ast::Expr::Var(var) = base else {
            let base = self.boxed(base);
            let start = base.range.start;
            let number = self.path_number(start, base.range.end, &links, None);
            let links = links.into_iter().map(|found| found.link).collect();
            let path = Path {
                number,
                base: Base::Node(base),
                links,
                optional: usage == Use::Optional,
            };
            return Node {
                range: start..end,
                kind: Kind::Path(path),
            };
        };
        let start = var.span().start_offset as usize;
        let name = start..var.span().end_offset as usize;
        let kind = self.named_path(var.id, name, links, usage, end);
        Node {
            range: start..end,
            kind,
        }
    }

    fn named_path(&mut self, id: &'s str, name: Range<usize>, links: Vec<Found>, usage: Use, end: usize) -> Kind {
        let optional = usage == Use::Optional;
        if self.is_bound(id) {
            if let Some(root) = Root::fixed(id) {
                // The name may be bound in one branch only; the engine then still has to find the root.
                self.root(root);
            }
            let number = self.path_number(name.start, name.end, &links, None);
            let links = links.into_iter().map(|found| found.link).collect();
            return Kind::Path(Path {
                number,
                base: Base::Bound(id.into()),
                links,
                optional,
            });
        }
        match id {
            "steps" => self.step_path(name, links, optional, end),
            "secrets" => self.secret(name, &links, usage, end),
            _ if id.starts_with("__") => {
                let message = "names do not begin with two underscores";
                self.problem(name, ProblemKind::ReservedName, message, None);
                Kind::Invalid
            }
            _ => self.root_path(Root::from_name(id), name.start, name, links, optional, end),
        }
    }

    fn root_path(
        &mut self,
        root: Root,
        start: usize,
        name: Range<usize>,
        links: Vec<Found>,
        optional: bool,
        end: usize,
    ) -> Kind {
        let path = links.iter().map(|found| match &found.link {
            Link::Key(key) => Segment::Key(key.clone()),
            Link::Index(index) => Segment::Index(*index),
            Link::Dynamic(_) => Segment::Dynamic,
        });
        let base_end = links.first().map_or(end, |first| {
            // An attribute's range begins behind its dot.
            let at = first.range.start;
            if matches!(first.link, Link::Key(_)) && self.source.as_bytes().get(at.wrapping_sub(1)) == Some(&b'.') {
                at - 1
            } else {
                at
            }
        });
        let reference = Reference {
            root: root.clone(),
            path: path.collect(),
            range: start..end,
            name,
            optional,
            segments: links.iter().map(|found| found.range.clone()).collect(),
        };
        self.analysis.references.push(reference);
        let reference = Some(self.analysis.references.len() - 1);
        let number = self.path_number(start, base_end, &links, reference);
        let base = Base::Root(self.root(root));
        let links = links.into_iter().map(|found| found.link).collect();
        Kind::Path(Path {
            number,
            base,
            links,
            optional,
        })
    }

    /// `steps.x.output…`: the id and the part are known at load.
    fn step_path(&mut self, name: Range<usize>, links: Vec<Found>, optional: bool, end: usize) -> Kind {
        let start = name.start;
        let mut links = links.into_iter();
        let message;
        let mut help = None;
        match (links.next(), links.next()) {
            (
                Some(Found {
                    link: Link::Key(id),
                    range,
                }),
                Some(Found {
                    link: Link::Key(part),
                    range: part_range,
                }),
            ) => {
                if let Some(part) = StepPart::parse(&part) {
                    return self.root_path(Root::Step { id, part }, start, range, links.collect(), optional, end);
                }
                let message = format!("a step has no `{part}`, only `output`, `input`, `status` and `error`");
                let known = StepPart::NAMES.iter().copied();
                if closest(&part, known.clone()).is_some() {
                    self.mistyped(part_range, ProblemKind::StepPath, message, &part, known);
                } else {
                    let help = Some(format!("write `steps.{id}.output.{part}`"));
                    self.problem(part_range, ProblemKind::StepPath, message, help);
                }
                return Kind::Invalid;
            }
            (
                Some(Found {
                    link: Link::Key(id), ..
                }),
                None,
            ) => {
                message = format!("`steps.{id}` is no value by itself");
                help = Some("add `.output`, `.input`, `.status` or `.error`".to_owned());
            }
            (None, _) => {
                message = "`steps` is no value by itself".to_owned();
                help = Some("name a step and what of it: `steps.<id>.output`".to_owned());
            }
            _ => message = "the id of a step must be written out".to_owned(),
        }
        self.problem(start..end, ProblemKind::StepPath, message, help);
        Kind::Invalid
    }

    /// `secrets.NAME`, which may only be a whole value or a bare emission (rule 40).
    fn secret(&mut self, name: Range<usize>, links: &[Found], usage: Use, end: usize) -> Kind {
        let range = name.start..end;
        let [
            Found {
                link: Link::Key(secret),
                range: segment,
            },
        ] = links
        else {
            let message = "a secret is named `secrets.NAME`";
            self.problem(range, ProblemKind::SecretNotAllowed, message, None);
            return Kind::Invalid;
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if !secret.bytes().all(is_plain) {
            let message = "the name of a secret is made of letters, digits, `_`, `-` and `.`";
            self.problem(segment.clone(), ProblemKind::SecretNotAllowed, message, None);
            return Kind::Invalid;
        }
        self.analysis.references.push(Reference {
            root: Root::Secrets,
            path: vec![Segment::Key(secret.clone())],
            range: range.clone(),
            name,
            optional: false,
            segments: vec![segment.clone()],
        });
        if usage != Use::Whole {
            let message = "a secret cannot be computed with: its value is not known before the call is made";
            let help = format!("write `=secrets.{secret}` alone, or `{{{{ secrets.{secret} }}}}` inside a text");
            self.problem(range, ProblemKind::SecretNotAllowed, message, Some(help));
            return Kind::Invalid;
        }
        Kind::Secret(secret.clone())
    }

    fn path_number(&mut self, start: usize, base_end: usize, links: &[Found], reference: Option<usize>) -> usize {
        let ends = std::iter::once(base_end)
            .chain(links.iter().map(|found| found.range.end))
            .collect();
        self.analysis.paths.push(PathInfo { start, ends, reference });
        self.analysis.paths.len() - 1
    }

    fn subscript(&mut self, expr: &ast::Expr<'s>) -> Link {
        let negative = match expr {
            ast::Expr::UnaryOp(unary) if matches!(unary.op, ast::UnaryOpKind::Neg) => Some(&unary.expr),
            _ => None,
        };
        let (ast::Expr::Const(constant), sign) = (negative.unwrap_or(expr), if negative.is_some() { -1 } else { 1 })
        else {
            return Link::Dynamic(self.boxed(expr));
        };
        match value::to_data(&constant.value) {
            Ok(Data::Text(key)) if sign == 1 => Link::Key(key),
            Ok(Data::Int(index)) => Link::Index(index * sign),
            _ => Link::Dynamic(self.boxed(expr)),
        }
    }
}
