//! What a name means: a field of a row, a row, something from outside, an enumeration.

use std::ops::Range;

use super::Binder;
use crate::diagnostic::closest;
use crate::expr::ProblemKind;
use crate::expr::powerfx::enums::Enumeration;
use crate::expr::powerfx::formula::{Globals, Reference};
use crate::expr::powerfx::ir::{Expr, Kind};
use crate::expr::powerfx::syntax::{Ident, Node, NodeKind};
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::Value;

impl Binder<'_> {
    pub(super) fn name(&mut self, ident: &Ident) -> Expr {
        if let Some(found) = self.scoped(ident) {
            return found;
        }
        let late: Vec<usize> = (0..self.scopes.len())
            .rev()
            .filter(|level| self.scopes[*level].row == Type::Any && self.scopes[*level].name.is_none())
            .collect();
        let known = match &self.options.globals {
            Globals::Any => late.is_empty(),
            Globals::Named(names) => names.iter().any(|name| **name == *ident.name),
        };
        if known {
            return self.global(ident);
        }
        if let Some(of) = Enumeration::named(&ident.name) {
            // An enumeration alone has no value; `dot` takes its members.
            let message = format!("`{}` is an enumeration, not a value", of.name);
            let help = of
                .members
                .first()
                .map(|(member, _)| format!("write one of its values, such as `{}.{member}`", of.name));
            self.report_with(ProblemKind::Syntax, &ident.span, message, help);
            return self.nothing(&ident.span);
        }
        if !late.is_empty() {
            if self.options.globals == Globals::Any {
                self.refer(ident, true);
            }
            return Expr::new(Kind::Late(ident.name.clone(), late), Type::Any, ident.span.clone());
        }
        self.unknown(ident);
        self.nothing(&ident.span)
    }

    fn unknown(&mut self, ident: &Ident) {
        let mut names: Vec<String> = Vec::new();
        for scope in &self.scopes {
            match &scope.name {
                Some(name) => names.push(name.to_string()),
                None => names.extend(
                    scope
                        .row
                        .columns()
                        .into_iter()
                        .flat_map(|row| row.names().map(str::to_owned)),
                ),
            }
        }
        if let Globals::Named(known) = &self.options.globals {
            names.extend(known.iter().map(|name| name.to_string()));
        }
        let similar = closest(&ident.name, names.iter().map(String::as_str));
        let help = similar.map(|name| format!("did you mean `{name}`?"));
        let help = help.or_else(|| {
            crate::expr::powerfx::functions::find(&ident.name)
                .map(|function| format!("a function is called with parentheses: `{}()`", function.name))
        });
        self.report_with(
            ProblemKind::UnknownName,
            &ident.span,
            format!("`{}` is not known here", ident.name),
            help,
        );
    }

    /// A field of a scope, `ThisRecord`, or a name given with `As`; the innermost goes first.
    pub(super) fn scoped(&self, ident: &Ident) -> Option<Expr> {
        for (level, scope) in self.scopes.iter().enumerate().rev() {
            let whole = || Expr::new(Kind::Scope(level), scope.row.clone(), ident.span.clone());
            match &scope.name {
                Some(name) if *name == ident.name => return Some(whole()),
                Some(_) => {}
                None => {
                    if let Some(of) = scope.row.columns().and_then(|columns| columns.get(&ident.name)) {
                        let kind = Kind::Field(Box::new(whole()), ident.name.clone());
                        return Some(Expr::new(kind, of.clone(), ident.span.clone()));
                    }
                    if scope.this && &*ident.name == "ThisRecord" {
                        return Some(whole());
                    }
                }
            }
        }
        None
    }

    pub(super) fn global(&mut self, ident: &Ident) -> Expr {
        if let Globals::Named(names) = &self.options.globals
            && !names.iter().any(|name| **name == *ident.name)
        {
            self.unknown(ident);
            return self.nothing(&ident.span);
        }
        self.refer(ident, false);
        Expr::new(
            Kind::Global(ident.name.clone(), Vec::new()),
            Type::Any,
            ident.span.clone(),
        )
    }

    fn refer(&mut self, ident: &Ident, maybe: bool) {
        self.references.push(Reference {
            name: ident.name.clone(),
            path: Vec::new(),
            range: ident.span.clone(),
            maybe,
        });
    }

    pub(super) fn dot(&mut self, of: &Node, field: &Ident, span: &Range<usize>) -> Expr {
        if let NodeKind::Name(name) = &of.kind
            && let Some(member) = self.member(name, field, span)
        {
            return member;
        }
        let of = self.expr(of);
        match (of.kind, of.of) {
            (Kind::Global(name, mut path), Type::Any) => {
                // The reference that `of` made is made longer.
                if let Some(reference) = self.references.iter_mut().rev().find(|known| known.range == of.span) {
                    reference.path.push((field.name.clone(), field.span.clone()));
                    reference.range.end = span.end;
                }
                path.push(field.name.clone());
                Expr::new(Kind::Global(name, path), Type::Any, span.clone())
            }
            (kind, from) => {
                let found = match &from {
                    Type::Record(columns) => columns.get(&field.name).cloned(),
                    Type::Table(columns) => {
                        let column = columns.get(&field.name).cloned();
                        column.map(|of| Type::table_of(&field.name, of))
                    }
                    Type::Any | Type::Blank => Some(Type::Any),
                    Type::Untyped => Some(Type::Untyped),
                    _ => None,
                };
                let of_type = found.unwrap_or_else(|| {
                    let names = from.columns().cloned().unwrap_or_default();
                    let help = closest(&field.name, names.names()).map(|name| format!("did you mean `{name}`?"));
                    let message = format!("{from} has no `{}` here", field.name);
                    self.report_with(ProblemKind::UnknownName, &field.span, message, help);
                    Type::Any
                });
                let of = Expr::new(kind, from, of.span);
                Expr::new(Kind::Field(Box::new(of), field.name.clone()), of_type, span.clone())
            }
        }
    }

    /// `TimeUnit.Days`, unless the name means something else here.
    fn member(&mut self, name: &Ident, field: &Ident, span: &Range<usize>) -> Option<Expr> {
        let of = Enumeration::named(&name.name)?;
        let shadowed = match &self.options.globals {
            Globals::Any => false,
            Globals::Named(names) => names.iter().any(|known| **known == *name.name),
        };
        let scoped = self.scopes.iter().any(|scope| match &scope.name {
            Some(as_name) => *as_name == name.name,
            None => scope
                .row
                .columns()
                .is_some_and(|columns| columns.get(&name.name).is_some()),
        });
        if shadowed || scoped {
            return None;
        }
        let Some(raw) = of.member(&field.name) else {
            let similar = closest(&field.name, of.members.iter().map(|(name, _)| *name));
            let help = similar.map(|name| format!("did you mean `{}.{name}`?", of.name));
            let message = format!("`{}` has no `{}`", of.name, field.name);
            self.report_with(ProblemKind::UnknownName, &field.span, message, help);
            return Some(self.nothing(span));
        };
        let value = Value::Enum(of, raw.clone());
        Some(Expr::new(Kind::Constant(value), Type::Enum(of), span.clone()))
    }
}
