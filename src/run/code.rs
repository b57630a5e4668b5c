//! The codes of errors that the interpreter and its providers raise.

/// Every code with what it means, in the order of the documentation. MCP servers and `fail` add codes of their own.
pub const FAILURE_CODES: &[(&str, &str)] = &[
    (
        "timeout",
        "an attempt of a step, or the whole run, took longer than its `timeout`",
    ),
    (
        "expression.undefined",
        "a path leads nowhere: a name or property is not there",
    ),
    ("expression.type", "an expression met or gave a value of the wrong type"),
    (
        "expression.failed",
        "an operation of an expression failed, such as a division by zero",
    ),
    (
        "expression.limit",
        "an expression took too many operations or made too large a value",
    ),
    (
        "schema.input",
        "the input of a step or of a called workflow breaks its schema",
    ),
    (
        "schema.output",
        "the output of a step or workflow, or an answer, breaks its schema",
    ),
    ("schema.state", "the state breaks `stateSchema`"),
    (
        "schema.event",
        "an emitted event breaks the schema that `events` declares",
    ),
    ("schema.suspend", "what a wait shows to a person breaks its schema"),
    (
        "http.network",
        "no answer came: the name, the connection or the transfer failed",
    ),
    (
        "http.status",
        "the answer has a status that `accept` does not list; `error.data.status` is the number",
    ),
    (
        "http.redirect",
        "a redirect is not followed, because it leads too far or to a host that is not granted",
    ),
    ("http.decode", "the body is not what its `Content-Type` says"),
    ("http.tooLarge", "the body is larger than an answer may be"),
    (
        "http.invalid",
        "the request cannot be made: its URL, method or a header is not valid",
    ),
    (
        "exec.exit",
        "the program ended with a status other than 0; `error.data` has the status and what it wrote to stderr",
    ),
    ("exec.notFound", "there is no such program"),
    (
        "exec.output",
        "the output is not the JSON or text that `stdout` promises",
    ),
    ("exec.tooLarge", "the program wrote more than an answer may hold"),
    ("exec.failed", "the program cannot be started or spoken to"),
    ("exec.invalid", "the command, an argument or a variable is not valid"),
    (
        "function.unknown",
        "the embedding program registered no function of that name",
    ),
    ("function.panicked", "a registered function panicked"),
    (
        "mcp.unavailable",
        "an MCP server is not configured, cannot be opened, or is gone before it answers",
    ),
    (
        "mcp.protocol",
        "an MCP server answers with an error, or not as the protocol says",
    ),
    ("mcp.tool", "a tool of an MCP server says that it failed, and why"),
    (
        "mcp.timeout",
        "an MCP server takes longer to open than its `timeout` in the configuration",
    ),
    (
        "agent.unavailable",
        "no connection to models is configured under the name that the agent's `model` has",
    ),
    (
        "agent.network",
        "no answer came from the provider of a model, or it broke off",
    ),
    (
        "agent.status",
        "the provider of a model answered with an error; `error.data.status` is the number",
    ),
    (
        "agent.decode",
        "what the provider of a model answered is not what its protocol says",
    ),
    (
        "agent.invalid",
        "a model cannot be asked: its connection or the question is not valid",
    ),
    (
        "agent.unscripted",
        "the answers of a scripted connection have no rule for a turn",
    ),
    (
        "agent.unrecorded",
        "a recording of exchanges with models does not have what a model is asked, or cannot be written",
    ),
    (
        "agent.truncated",
        "the answer of a model was cut off, because it had more tokens than it may have",
    ),
    ("agent.filtered", "the provider of a model withholds the answer"),
    (
        "limit.exceeded",
        "an agent has no answer yet and used up its turns, tokens or money; `error.data` says what it took",
    ),
    (
        "conversation.unknown",
        "there is no such message in the conversation, or the conversation is somebody else's",
    ),
    (
        "conversation.unavailable",
        "what was said in a conversation cannot be read or kept",
    ),
    (
        "tool.refused",
        "a person did not allow an agent to call a tool; the agent is told",
    ),
    (
        "tool.unknown",
        "an agent called a tool that it does not have; it is told",
    ),
    (
        "tool.arguments",
        "an agent called a tool with arguments that do not match; it is told",
    ),
    (
        "permission.net",
        "the operator has not granted the host: `--allow-net=HOST`",
    ),
    (
        "permission.exec",
        "the operator has not granted the program: `--allow-exec=PROGRAM`",
    ),
    (
        "permission.env",
        "the operator has not granted the variable: `--allow-env=NAME`",
    ),
    ("secret.missing", "a secret has no value"),
    ("secret.file", "the file with secrets cannot be read"),
    ("secret.command", "the command for secrets gives no value"),
    ("secret.name", "the command is not asked for a secret of such a name"),
    ("suspend.timeout", "nobody answered before the `timeout` of `suspend`"),
    (
        "event.timeout",
        "the event did not come before the `timeout` of `waitFor`",
    ),
    (
        "loop.limit",
        "a loop ran `maxIterations` times and its condition still asks for more, or steps were gone back to too often",
    ),
    (
        "race.failed",
        "no branch of an `andRace` with `until: success` succeeded",
    ),
    ("guardrail.failed", "a rule of an `andGuardrail` does not hold"),
    ("workflow.depth", "called workflows nest too deeply"),
    ("failed", "`fail` without a `code`"),
    ("internal", "a mistake in the interpreter itself; please report it"),
];
