//! Actions: one file for each family, and the list of them.

mod agent;
mod branch;
mod conversation;
mod each;
mod end;
mod goto;
mod http;
mod input;
mod question;
mod send;
mod table;
mod tool;
mod variable;

pub(super) use input::talk;

use super::reader::{Action, Fields, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Name, Op};
use crate::yaml::Node;

/// Declares every action once: its variant, the names it goes by, and what reads it. The text is its documentation.
macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = [$($name:literal),+] in $module:ident::$read:ident,)+) => {
        /// The kinds of actions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Kind {
            /// Every name of every kind, the one to write first.
            pub const NAMES: &'static [&'static str] = &[$($($name,)+)+];

            /// The kind of a name, with the name as it is to be written; the case does not matter.
            fn parse(name: &str) -> Option<(Kind, &'static str)> {
                $($(if name.eq_ignore_ascii_case($name) {
                    return Some((Kind::$variant, $name));
                })+)+
                None
            }

            fn read(self, reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
                match self { $(Kind::$variant => $module::$read(reader, action, fields),)+ }
            }

            /// Whether it reads or writes conversations.
            pub fn talks(name: &str) -> bool {
                matches!(
                    Kind::parse(name),
                    Some((
                        Kind::InvokeAzureAgent
                            | Kind::AddConversationMessage
                            | Kind::CopyConversationMessages
                            | Kind::RetrieveConversationMessage
                            | Kind::RetrieveConversationMessages,
                        _
                    ))
                )
            }
        }

        /// The actions of Foundry: the names of each, and what it does.
        pub fn kinds() -> impl Iterator<Item = (&'static [&'static str], &'static str)> {
            const ALL: &[(&[&str], &str)] = &[$((&[$($name),+], concat!($($doc, "\n"),+)),)+];
            ALL.iter().map(|(names, doc)| (*names, doc.trim()))
        }
    };
}

actions! {
    /// Gives a variable a value.
    SetVariable = ["SetVariable", "SetValue"] in variable::set,
    /// Gives a variable a text.
    SetTextVariable = ["SetTextVariable"] in variable::set_text,
    /// Gives several variables values, one after the other.
    SetMultipleVariables = ["SetMultipleVariables"] in variable::set_multiple,
    /// Takes its value from a variable.
    ResetVariable = ["ResetVariable"] in variable::reset,
    /// Takes their values from all variables of a scope.
    ClearAllVariables = ["ClearAllVariables"] in variable::clear,
    /// Reads a text as a value of a type.
    ParseValue = ["ParseValue"] in variable::parse,
    /// Changes the rows of a table.
    EditTable = ["EditTable"] in table::edit,
    /// Changes the rows of a table.
    EditTableV2 = ["EditTableV2"] in table::edit_v2,
    /// Goes on with the actions of the first condition that holds.
    ConditionGroup = ["ConditionGroup"] in branch::group,
    /// Goes on with the actions of one condition, or with others.
    If = ["If"] in branch::when,
    /// Runs actions for each row of a table.
    Foreach = ["Foreach"] in each::read,
    /// Ends the loop around it.
    BreakLoop = ["BreakLoop"] in each::leave,
    /// Goes on with the next round of the loop around it.
    ContinueLoop = ["ContinueLoop"] in each::next,
    /// Goes on at another action.
    GotoAction = ["GotoAction"] in goto::read,
    /// Shows the user a message.
    SendActivity = ["SendActivity", "SendMessage"] in send::read,
    /// Asks the user, and reads the answer.
    Question = ["Question"] in question::read,
    /// Waits for what the user says.
    RequestExternalInput = ["RequestExternalInput"] in input::read,
    /// Asks an agent.
    InvokeAzureAgent = ["InvokeAzureAgent"] in agent::read,
    /// Calls a function.
    InvokeFunctionTool = ["InvokeFunctionTool"] in tool::function,
    /// Calls a tool of an MCP server.
    InvokeMcpTool = ["InvokeMcpTool"] in tool::mcp,
    /// Sends an HTTP request.
    HttpRequestAction = ["HttpRequestAction", "HttpRequest"] in http::read,
    /// Begins a conversation.
    CreateConversation = ["CreateConversation"] in conversation::create,
    /// Adds a message to a conversation.
    AddConversationMessage = ["AddConversationMessage"] in conversation::add,
    /// Adds messages to a conversation.
    CopyConversationMessages = ["CopyConversationMessages"] in conversation::copy,
    /// Reads a message of a conversation.
    RetrieveConversationMessage = ["RetrieveConversationMessage"] in conversation::retrieve,
    /// Reads messages of a conversation.
    RetrieveConversationMessages = ["RetrieveConversationMessages"] in conversation::list,
    /// Ends the run.
    EndConversation = [
        "EndConversation",
        "EndWorkflow",
        "EndDialog",
        "CancelDialog",
        "CancelAllDialogs",
        "CancelWorkflow"
    ] in end::read,
}

/// Kinds that neither runtime upstream supports, with what to do instead.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("AdaptiveCardPrompt", "ask with `Question`"),
    ("AnswerQuestionWithAI", "ask an agent with `InvokeAzureAgent`"),
    (
        "BeginDialog",
        "put the actions into this file and go there with `GotoAction`",
    ),
    ("CSATQuestion", "ask with `Question`"),
    ("DeleteActivity", "what is shown stays; leave it out"),
    ("EmitEvent", "tell the user with `SendActivity`"),
    (
        "GetActivityMembers",
        "give what is known of the user with the input of the run",
    ),
    (
        "GetConversationMembers",
        "give what is known of the user with the input of the run",
    ),
    ("InvokeAIBuilderModelAction", "ask an agent with `InvokeAzureAgent`"),
    (
        "InvokeAzureResponse",
        "write the agent as a document with `kind: Agent` and ask it with `InvokeAzureAgent`",
    ),
    (
        "InvokeConnectorAction",
        "call its API with `HttpRequestAction`, or a tool with `InvokeMcpTool`",
    ),
    ("InvokeCustomModelAction", "ask an agent with `InvokeAzureAgent`"),
    ("InvokeFlowAction", "call the flow's address with `HttpRequestAction`"),
    (
        "InvokeSkillAction",
        "call it with `HttpRequestAction` or `InvokeFunctionTool`",
    ),
    (
        "LogCustomTelemetryEvent",
        "every action is in the trace of the run already; leave it out",
    ),
    (
        "OAuthInput",
        "give the server's headers in `interpret.yaml`, and call it with `InvokeMcpTool`",
    ),
    (
        "RecognizeIntent",
        "ask an agent for the intent and read its `responseObject`",
    ),
    ("RepeatDialog", "go back with `GotoAction`"),
    (
        "RepeatUntil",
        "go back with `GotoAction` in a `ConditionGroup`, or use `Foreach`",
    ),
    (
        "ReplaceDialog",
        "put the actions into this file and go there with `GotoAction`",
    ),
    (
        "SearchAndSummarizeContent",
        "give an agent a search tool and ask it with `InvokeAzureAgent`",
    ),
    (
        "SearchAndSummarizeWithCustomModel",
        "give an agent a search tool and ask it with `InvokeAzureAgent`",
    ),
    (
        "SearchKnowledgeSources",
        "call the search with `InvokeMcpTool` or `HttpRequestAction`",
    ),
    ("SignOutUser", "signing in and out is up to the server; leave it out"),
    (
        "TransferConversation",
        "tell the user with `SendActivity`, and call the other side with `HttpRequestAction`",
    ),
    (
        "TransferConversationV2",
        "tell the user with `SendActivity`, and call the other side with `HttpRequestAction`",
    ),
    (
        "UnknownDialogAction",
        "the editor did not know this action either; write it anew",
    ),
    ("UpdateActivity", "show another message with `SendActivity`"),
    ("WaitForConnectorTrigger", "wait with `RequestExternalInput`"),
    (
        "While",
        "go back with `GotoAction` in a `ConditionGroup`, or use `Foreach`",
    ),
];

/// Reads a list of actions.
pub(super) fn list(reader: &mut Reader<'_>, key: &str, node: &Node) {
    if node.is_null() {
        return;
    }
    let Some(items) = node.as_list() else {
        reader.wrong_type(
            key,
            node,
            "a list of actions",
            format!("write each behind a dash, under `{key}:`"),
        );
        return;
    };
    for item in items {
        one(reader, item);
    }
}

fn one(reader: &mut Reader<'_>, node: &Node) -> Option<()> {
    let Some(entries) = node.as_map() else {
        reader.wrong_type("actions", node, "actions", "an action is a mapping with a `kind`");
        return None;
    };
    let anchor = node
        .entry("kind")
        .or(entries.first())
        .map_or(node.span, |entry| entry.key_span);
    let Some(written) = node.entry("kind").filter(|entry| !entry.value.is_null()) else {
        let finding = Diagnostic::error(Code::MissingKey, anchor, "an action needs `kind`").here("`kind` is missing");
        reader.report(finding.help("add for example `kind: SendActivity`"));
        return None;
    };
    let word = written.value.as_scalar().map_or("", |scalar| &*scalar.text);
    let Some((kind, name)) = Kind::parse(word) else {
        unknown(reader, word, &written.value);
        return None;
    };
    let anchor = written.value.span;
    let mut fields = Fields::new(entries, format!("`{name}`"), anchor);
    let text = |key: &str| {
        node.get(key)
            .and_then(Node::as_str)
            .filter(|text| !text.is_empty())
            .map(Name::from)
    };
    let id = node
        .get("id")
        .and_then(Node::as_scalar)
        .filter(|id| !id.text.is_empty());
    let label = reader.flow.here();
    let id = match id {
        Some(scalar) => {
            let span = node.get("id").map_or(anchor, |id| id.span);
            reader.target(scalar.text.clone(), label, span);
            scalar.text.clone()
        }
        None => reader.unused(name),
    };
    let action = Action {
        kind: name,
        id,
        name: text("displayName"),
        purpose: text("description"),
        origin: node.span,
    };
    if node
        .get("disabled")
        .and_then(Node::as_scalar)
        .is_some_and(|flag| flag.data.as_bool() == Some(true))
    {
        let message = format!("`{}` is disabled, and ends the run where it stands", action.id);
        let span = node.entry("disabled").map_or(anchor, |entry| entry.key_span);
        let finding = Diagnostic::warning(Code::Unreachable, span, message);
        reader.report(
            finding.help("as in Foundry, nothing goes on behind a disabled action; remove it, or what follows"),
        );
        end::stop(reader, &action);
        fields.ignore();
        return Some(());
    }
    let read = kind.read(reader, &action, &mut fields);
    if read.is_some() {
        fields.close(reader);
    }
    read
}

/// A kind that cannot be run.
fn unknown(reader: &mut Reader<'_>, word: &str, node: &Node) {
    let unsupported = UNSUPPORTED.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    let finding = match unsupported {
        Some((name, instead)) => {
            let message =
                format!("`{name}` is not supported, and neither is it in Foundry's own runtimes, which pass over it");
            Diagnostic::error(Code::UnknownKind, node.span, message).help(*instead)
        }
        None => {
            let message = format!("`{word}` is no kind of action");
            let finding =
                Diagnostic::error(Code::UnknownKind, node.span, message).suggest(word, Kind::NAMES.iter().copied());
            match finding.help.is_empty() {
                true => finding.help("Foundry would pass over it without a word; remove it if it is not needed"),
                false => finding,
            }
        }
    };
    reader.report(finding);
}

/// What shows the user a text: the event and what is kept of it.
fn show(action: &Action, suffix: &str, text: crate::expr::Build, agent: Option<&str>) -> crate::graph::Node {
    use super::reader::{computed, keeping};
    use crate::expr::Build;
    use crate::expr::foundry::{Compute, Part};

    let literal = |text: &str| Build::Literal(text.into());
    let mut data = vec![
        ("role".into(), literal("assistant")),
        ("text".into(), text.clone()),
        ("action".into(), literal(&action.id)),
    ];
    data.extend(agent.map(|agent| ("agent".into(), literal(agent))));
    let op = Op::Emit {
        when: None,
        event: "message".into(),
        data: Build::map(data),
        schema: None,
    };
    let mut node = action.node(suffix, op);
    node.keys.get_or_insert_default().output = Some(text);
    keeping(
        node,
        vec![(super::SHOWN.into(), computed(Compute::Part(Part::Output, "")))],
    )
}

/// The node, with something else for what follows it.
fn hand_on(mut node: crate::graph::Node, output: crate::expr::Build) -> crate::graph::Node {
    let keys = node.keys.get_or_insert_default();
    if let Some(shown) = keys.output.replace(output)
        && let Some((_, value)) = keys.set_state.iter_mut().find(|(key, _)| &**key == super::SHOWN)
    {
        *value = shown;
    }
    node
}

/// The node, which is passed over unless something holds.
fn provided(mut node: crate::graph::Node, test: crate::expr::foundry::Test) -> crate::graph::Node {
    node.keys.get_or_insert_default().condition = Some(agent::condition(test));
    node
}

/// The node, which is passed over unless a test holds, if there is one.
fn provided_if(node: crate::graph::Node, test: Option<crate::expr::foundry::Test>) -> crate::graph::Node {
    match test.filter(|test| literal(test) != Some(true)) {
        Some(test) => provided(node, test),
        None => node,
    }
}

/// Whether a test never holds.
fn is_never(test: &crate::expr::foundry::Test) -> bool {
    literal(test) == Some(false)
}

/// What a test comes to, where that was written out.
fn literal(test: &crate::expr::foundry::Test) -> Option<bool> {
    match test {
        crate::expr::foundry::Test::Value(value, _) => value.literal()?.as_bool(),
        _ => None,
    }
}
