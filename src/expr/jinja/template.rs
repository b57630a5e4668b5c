//! Templates with statements: resolved like expressions and printed for the virtual machine.

use std::ops::Range;

use minijinja::machinery::ast;

use super::helper;
use super::lower::{Lower, Use};
use super::node::{Kind, Node};
use super::print::Printer;
use crate::data::Data;
use crate::expr::ProblemKind;

/// What an `{{ x }}` writes: an `if` without `else` writes nothing when it does not hold.
pub(super) fn emitted(mut node: Node) -> Node {
    if let Kind::If {
        otherwise: otherwise @ None,
        ..
    } = &mut node.kind
    {
        let range = node.range.end..node.range.end;
        *otherwise = Some(Box::new(Node {
            range,
            kind: Kind::Literal(Data::Null),
        }));
    }
    node
}

pub(super) struct TemplatePrinter<'s> {
    pub lower: Lower<'s>,
    pub printer: Printer,
    pub has_secrets: bool,
    /// How many captures, whose text goes through filters and variables, are open.
    captures: usize,
}

impl<'s> TemplatePrinter<'s> {
    pub fn new(source: &'s str) -> TemplatePrinter<'s> {
        let mut lower = Lower::new(source);
        lower.scopes.push(Vec::new());
        TemplatePrinter {
            lower,
            printer: Printer::default(),
            has_secrets: false,
            captures: 0,
        }
    }

    pub fn statements(&mut self, statements: &[ast::Stmt<'s>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &ast::Stmt<'s>) {
        match statement {
            ast::Stmt::Template(template) => self.statements(&template.children),
            // Written as an expression, so that it is counted like all other output.
            ast::Stmt::EmitRaw(raw) if raw.raw.is_empty() => {}
            ast::Stmt::EmitRaw(raw) => {
                self.printer.push("{{");
                self.printer.quoted(raw.raw);
                self.printer.push("}}");
            }
            ast::Stmt::EmitExpr(emit) => {
                let usage = if self.captures == 0 { Use::Whole } else { Use::Value };
                let node = emitted(self.lower.node(&emit.expr, usage));
                self.has_secrets |= matches!(node.kind, Kind::Secret(_));
                self.printer.push("{{");
                self.print(&node);
                self.printer.push("}}");
            }
            ast::Stmt::ForLoop(each) => self.for_loop(each),
            ast::Stmt::IfCond(condition) => {
                self.printer.push("{% if ");
                self.expression(&condition.expr);
                self.printer.push(" %}");
                self.statements(&condition.true_body);
                if !condition.false_body.is_empty() {
                    self.printer.push("{% else %}");
                    self.statements(&condition.false_body);
                }
                self.printer.push("{% endif %}");
            }
            ast::Stmt::WithBlock(with) => {
                self.lower.scopes.push(Vec::new());
                self.printer.push("{% with ");
                for (position, (target, value)) in with.assignments.iter().enumerate() {
                    if position > 0 {
                        self.printer.push(",");
                    }
                    let value = self.lower.node(value, Use::Value);
                    self.bind(target);
                    let target = target_text(target, true);
                    self.printer.push(&target);
                    self.printer.push("=");
                    self.print(&value);
                }
                self.printer.push(" %}");
                self.statements(&with.body);
                self.printer.push("{% endwith %}");
                self.lower.scopes.pop();
            }
            ast::Stmt::Set(set) => {
                let value = self.lower.node(&set.expr, Use::Value);
                self.bind(&set.target);
                self.printer.push("{% set ");
                self.printer.push(&target_text(&set.target, false));
                self.printer.push("=");
                self.printer.push(helper::KEEP);
                self.printer.push("(");
                self.print(&value);
                self.printer.push(") %}");
            }
            ast::Stmt::SetBlock(set) => {
                self.printer.push("{% set ");
                self.printer.push(&target_text(&set.target, false));
                if let Some(filter) = &set.filter {
                    self.printer.push("|");
                    self.filter_chain(filter);
                }
                self.printer.push(" %}");
                self.capture(&set.body);
                self.printer.push("{% endset %}");
                self.bind(&set.target);
            }
            ast::Stmt::FilterBlock(block) => {
                self.printer.push("{% filter ");
                self.filter_chain(&block.filter);
                self.printer.push(" %}");
                self.capture(&block.body);
                self.printer.push("{% endfilter %}");
            }
            ast::Stmt::Macro(declaration) => {
                let at = declaration.span();
                self.bind_name(declaration.name, at.start_offset as usize..at.end_offset as usize);
                self.printer.push("{% macro ");
                self.printer.push(declaration.name);
                self.macro_body(declaration);
                self.printer.push("{% endmacro %}");
            }
            ast::Stmt::CallBlock(block) => {
                let call = self.lower.call_node(&block.call);
                self.printer.push("{% call");
                let printed = std::mem::take(&mut self.printer.text);
                self.print(&call);
                let call = std::mem::replace(&mut self.printer.text, printed);
                self.macro_head(&block.macro_decl);
                self.printer.push(" ");
                self.printer.push(&call);
                self.printer.push(" %}");
                self.macro_statements(&block.macro_decl);
                self.printer.push("{% endcall %}");
            }
            ast::Stmt::Continue(_) => self.printer.push("{% continue %}"),
            ast::Stmt::Break(_) => self.printer.push("{% break %}"),
            ast::Stmt::Do(call) => {
                let node = self.lower.call_node(&call.call);
                self.printer.push("{% do ");
                self.print(&node);
                self.printer.push(" %}");
            }
            ast::Stmt::AutoEscape(block) => {
                let help = Some("texts are never escaped; use `| escape` where HTML is made".to_owned());
                self.unsupported("autoescape", block.span(), help);
            }
            ast::Stmt::Block(block) => self.unsupported("block", block.span(), None),
            ast::Stmt::Import(block) => self.unsupported("import", block.span(), None),
            ast::Stmt::FromImport(block) => self.unsupported("from", block.span(), None),
            ast::Stmt::Extends(block) => self.unsupported("extends", block.span(), None),
            ast::Stmt::Include(block) => self.unsupported("include", block.span(), None),
        }
    }

    fn for_loop(&mut self, each: &ast::Spanned<ast::ForLoop<'s>>) {
        let items = self.lower.node(&each.iter, Use::Value);
        self.lower.scopes.push(vec!["loop"]);
        self.bind(&each.target);
        self.printer.push("{% for ");
        self.printer.push(&target_text(&each.target, false));
        self.printer.push(" in (");
        self.print(&items);
        self.printer.push(")");
        if let Some(filter) = &each.filter_expr {
            self.printer.push(" if ");
            self.expression(filter);
        }
        self.printer.push(if each.recursive { " recursive %}" } else { " %}" });
        self.statements(&each.body);
        self.lower.scopes.pop();
        if !each.else_body.is_empty() {
            self.lower.scopes.push(Vec::new());
            self.printer.push("{% else %}");
            self.statements(&each.else_body);
            self.lower.scopes.pop();
        }
        self.printer.push("{% endfor %}");
    }

    /// Arguments, body and all.
    fn macro_body(&mut self, declaration: &ast::Spanned<ast::Macro<'s>>) {
        self.macro_head(declaration);
        self.printer.push(" %}");
        self.macro_statements(declaration);
    }

    fn macro_head(&mut self, declaration: &ast::Spanned<ast::Macro<'s>>) {
        let required = declaration.args.len() - declaration.defaults.len();
        self.printer.push("(");
        for (position, arg) in declaration.args.iter().enumerate() {
            self.printer.push(&target_text(arg, false));
            if let Some(default) = position
                .checked_sub(required)
                .and_then(|at| declaration.defaults.get(at))
            {
                self.printer.push("=");
                self.expression(default);
            }
            self.printer.push(",");
        }
        self.printer.push(")");
    }

    fn macro_statements(&mut self, declaration: &ast::Spanned<ast::Macro<'s>>) {
        self.lower.scopes.push(vec!["caller"]);
        for arg in &declaration.args {
            self.bind(arg);
        }
        self.capture(&declaration.body);
        self.lower.scopes.pop();
    }

    fn capture(&mut self, body: &[ast::Stmt<'s>]) {
        self.captures += 1;
        self.statements(body);
        self.captures -= 1;
    }

    fn filter_chain(&mut self, filter: &ast::Expr<'s>) {
        let node = self.lower.node(filter, Use::Value);
        self.print(&node);
    }

    /// Prints in brackets: some places take no bare `if`.
    fn expression(&mut self, expr: &ast::Expr<'s>) {
        let node = self.lower.node(expr, Use::Value);
        self.printer.push("(");
        self.print(&node);
        self.printer.push(")");
    }

    fn print(&mut self, node: &Node) {
        self.printer.node(node, &self.lower.analysis.roots);
    }

    fn unsupported(&mut self, name: &str, span: minijinja::machinery::Span, help: Option<String>) {
        let message = format!("`{{% {name} %}}` has no meaning in a workflow");
        let range = span.start_offset as usize..span.end_offset as usize;
        self.lower.problem(range, ProblemKind::Unsupported, message, help);
    }

    fn bind(&mut self, target: &ast::Expr<'s>) {
        match target {
            ast::Expr::Var(var) => {
                let span = var.span();
                self.bind_name(var.id, span.start_offset as usize..span.end_offset as usize);
            }
            ast::Expr::List(list) => list.items.iter().for_each(|item| self.bind(item)),
            _ => {}
        }
    }

    fn bind_name(&mut self, name: &'s str, range: Range<usize>) {
        if matches!(name, "steps" | "secrets" | "now") || name.starts_with("__") {
            let message = format!("`{name}` cannot be given another meaning");
            self.lower.problem(range, ProblemKind::ReservedName, message, None);
        } else if let Some(scope) = self.lower.scopes.last_mut() {
            scope.push(name);
        }
    }
}

/// The target of an assignment as written.
fn target_text(target: &ast::Expr<'_>, bracketed: bool) -> String {
    match target {
        ast::Expr::Var(var) => var.id.to_owned(),
        ast::Expr::GetAttr(attr) => format!("{}.{}", target_text(&attr.expr, true), attr.name),
        ast::Expr::List(list) => {
            let items: String = list
                .items
                .iter()
                .map(|item| format!("{},", target_text(item, true)))
                .collect();
            if bracketed { format!("({items})") } else { items }
        }
        _ => String::new(),
    }
}
