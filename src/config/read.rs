//! Reading the configuration: strict keys, with a finding for everything that is not as it should be.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Config, Connection, ConnectionKind, Price, dify, secrets, server};
use crate::data::Sealed;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Build, Root};
use crate::graph::Name;
use crate::source::FileId;
use crate::yaml::{self, Entry, Node};

const TOP: &[&str] = &["connections", "mcp", "secrets", "dify"];
const CONNECTION: &[&str] = &["kind", "baseUrl", "key", "headers", "query", "prices", "answers"];
const PRICE: &[&str] = &["input", "output", "cached"];

/// The value of a variable of the environment.
type Environment<'e> = dyn Fn(&str) -> Option<String> + 'e;

pub(super) struct Reader<'e> {
    pub diagnostics: Vec<Diagnostic>,
    environment: &'e Environment<'e>,
}

/// Reads a text; `folder` is that of the file, which paths in it start from.
pub(super) fn read(
    file: FileId,
    text: &str,
    folder: &Path,
    environment: &Environment<'_>,
) -> (Config, Vec<Diagnostic>) {
    let (documents, diagnostics) = yaml::parse(file, text, &yaml::Limits::default());
    let mut reader = Reader {
        diagnostics,
        environment,
    };
    let mut config = Config::default();
    if let Some(second) = documents.get(1) {
        reader.report(
            Code::InvalidValue,
            second.root.span,
            "a configuration is one document",
            "remove the `---`",
        );
    }
    let Some(root) = documents
        .first()
        .map(|document| &document.root)
        .filter(|root| !root.is_null())
    else {
        return (config, reader.diagnostics);
    };
    for entry in reader.entries(root, "the configuration", TOP) {
        if *entry.key == *"secrets" {
            config.secrets = secrets::read(&mut reader, &entry.value, folder);
            continue;
        }
        if *entry.key == *"dify" {
            config.dify = dify::read(&mut reader, entry);
            continue;
        }
        for named in reader.mapping(&entry.value, &entry.key) {
            if *entry.key == *"mcp" {
                let server = server::read(&mut reader, named, folder);
                config.mcp.extend(server.map(|server| (named.key.clone(), server)));
            } else {
                let connection = reader.connection(named, folder);
                config
                    .connections
                    .extend(connection.map(|connection| (named.key.clone(), connection)));
            }
        }
    }
    (config, reader.diagnostics)
}

impl Reader<'_> {
    pub fn report(
        &mut self,
        code: Code,
        span: crate::source::Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.diagnostics.push(Diagnostic::error(code, span, message).help(help));
    }

    /// The entries of a mapping.
    pub fn mapping<'n>(&mut self, node: &'n Node, key: &str) -> &'n [Entry] {
        let entries = node.as_map();
        if entries.is_none() {
            let message = format!("`{key}` needs a mapping, but is a {}", node.kind());
            self.report(
                Code::WrongType,
                node.span,
                message,
                "write names below it, each with its value",
            );
        }
        entries.unwrap_or_default()
    }

    /// The entries of a mapping whose keys are known; others are reported.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str, known: &[&'static str]) -> Vec<&'n Entry> {
        let all = self.mapping(node, what).iter();
        let (mine, unknown): (Vec<_>, Vec<_>) = all.partition(|entry| known.contains(&&*entry.key));
        for entry in unknown.into_iter().filter(|entry| !entry.key.starts_with("x-")) {
            let message = format!("`{}` is not a key of {what}", entry.key);
            let finding = Diagnostic::error(Code::UnknownKey, entry.key_span, message);
            let mut finding = finding.suggest(&entry.key, known.iter().copied());
            if finding.help.is_empty() {
                finding = finding.help(format!("its keys are `{}`", known.join("`, `")));
            }
            self.diagnostics.push(finding);
        }
        mine
    }

    fn connection(&mut self, entry: &Entry, folder: &Path) -> Option<Connection> {
        let name = &entry.key;
        let variable = |key: &str| {
            let name: String = name
                .chars()
                .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
                .collect();
            (self.environment)(&format!("INTERPRET_{}_{key}", name.to_ascii_uppercase()))
        };
        let overridden = [variable("KIND"), variable("BASE_URL"), variable("ANSWERS")];
        let [kind, base_url, answers] = overridden;
        let entries = self.entries(&entry.value, &format!("the connection `{name}`"), CONNECTION);
        let find = |key: &str| {
            entries
                .iter()
                .find(|entry| &*entry.key == key)
                .map(|entry| &entry.value)
        };
        let text = |reader: &mut Self, key: &str| find(key).and_then(|node| reader.text(key, node));
        let words: Vec<&str> = ConnectionKind::ALL.iter().map(|kind| kind.word()).collect();
        let written = match (kind, find("kind")) {
            (Some(word), node) => Some((Name::from(word), node.map_or(entry.key_span, |node| node.span))),
            (None, Some(node)) => self.text("kind", node).map(|word| (word, node.span)),
            (None, None) => {
                let message = format!("the connection `{name}` needs `kind`");
                let help = format!("add `kind:` and one of `{}`", words.join("`, `"));
                self.report(Code::MissingKey, entry.key_span, message, help);
                None
            }
        };
        let kind = written.and_then(|(word, span)| {
            let kind = ConnectionKind::parse(&word);
            if kind.is_none() {
                let message = format!("there is no kind of connection `{word}`");
                let finding =
                    Diagnostic::error(Code::InvalidValue, span, message).suggest(&word, words.iter().copied());
                self.diagnostics
                    .push(finding.help(format!("the kinds are `{}`", words.join("`, `"))));
            }
            kind
        });
        let base_url = base_url.map(Name::from).or_else(|| text(self, "baseUrl"));
        let answers = match (answers, find("answers")) {
            (Some(path), _) => vec![Name::from(path)],
            (None, Some(node)) => match node.as_list() {
                Some(paths) => paths.iter().filter_map(|path| self.text("answers", path)).collect(),
                None => self.text("answers", node).into_iter().collect(),
            },
            (None, None) => Vec::new(),
        };
        let key = find("key").and_then(|node| self.sealed("key", node));
        let headers = find("headers")
            .map(|node| self.sealed_entries("headers", node))
            .unwrap_or_default();
        let query = find("query")
            .map(|node| self.sealed_entries("query", node))
            .unwrap_or_default();
        let prices = find("prices").map(|node| self.prices(node)).unwrap_or_default();
        let kind = kind?;
        if kind == ConnectionKind::Scripted && find("answers").is_none() && answers.is_empty() {
            let message = format!("the connection `{name}` is a script and needs `answers`");
            self.report(
                Code::MissingKey,
                entry.key_span,
                message,
                "add for example `answers: answers.yaml`",
            );
            return None;
        }
        Some(Connection {
            kind,
            base_url,
            key,
            headers,
            query,
            prices,
            answers: answers.into_iter().map(|path| folder.join(&*path)).collect(),
            place: entry.key_span,
        })
    }

    /// A text.
    pub fn text(&mut self, key: &str, node: &Node) -> Option<Name> {
        let text = node.as_str().map(Name::from);
        if text.is_none() {
            let message = format!("`{key}` needs a text, but is a {}", node.kind());
            self.report(Code::WrongType, node.span, message, "put it in quotes");
        }
        text
    }

    /// A text that may hold secrets: `=secrets.NAME`, or a template with them.
    pub fn sealed(&mut self, key: &str, node: &Node) -> Option<Sealed> {
        let text = self.text(key, node)?;
        let help = "write for example `=secrets.OPENAI_API_KEY`";
        let build = match Build::from_scalar(&text) {
            Ok(build) => build,
            Err(problems) => {
                let message = problems
                    .first()
                    .map_or_else(|| "it cannot be read".to_owned(), |problem| problem.message.clone());
                self.report(Code::ExpressionSyntax, node.span, message, help);
                return None;
            }
        };
        if let Some(other) = build
            .references()
            .iter()
            .find(|reference| reference.root != Root::Secrets)
        {
            let message = format!("`{}` is not known here, where only `secrets` are", other.root);
            self.report(Code::UnknownName, node.span, message, help);
            return None;
        }
        match build.eval_sealed(&|_: &Root| None) {
            Ok(sealed) => Some(sealed),
            Err(error) => {
                self.report(Code::InvalidValue, node.span, error.message, help);
                None
            }
        }
    }

    pub fn sealed_entries(&mut self, key: &str, node: &Node) -> Vec<(Name, Sealed)> {
        let entries = self.mapping(node, key).iter();
        let values = entries.map(|entry| Some((entry.key.clone(), self.sealed(&entry.key, &entry.value)?)));
        values.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn prices(&mut self, node: &Node) -> BTreeMap<Name, Price> {
        let mut prices = BTreeMap::new();
        for model in self.mapping(node, "prices") {
            let entries = self.entries(&model.value, "a price", PRICE);
            let mut number = |key: &str| {
                let entry = entries.iter().find(|entry| &*entry.key == key)?;
                let number = entry.value.as_scalar().and_then(|scalar| scalar.data.as_f64());
                let number = number.filter(|number| *number >= 0.0);
                if number.is_none() {
                    let message = format!("`{key}` is what a million tokens cost, a number from 0 on");
                    self.report(Code::InvalidValue, entry.value.span, message, "write for example `2.5`");
                }
                number
            };
            let (input, output, cached) = (number("input"), number("output"), number("cached"));
            match (input, output) {
                (Some(input), Some(output)) => drop(prices.insert(model.key.clone(), Price { input, output, cached })),
                _ if ["input", "output"]
                    .iter()
                    .all(|key| entries.iter().any(|entry| &*entry.key == *key)) => {}
                _ => {
                    let message = format!("the price of `{}` needs `input` and `output`", model.key);
                    self.report(
                        Code::MissingKey,
                        model.key_span,
                        message,
                        "add both, for a million tokens each",
                    );
                }
            }
        }
        prices
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::McpWay;
    use crate::graph::Millis;
    use crate::source::Sources;

    fn config(text: &str, environment: &[(&str, &str)]) -> (Config, Vec<String>) {
        let file = Sources::new().add("interpret.yaml", text);
        let lookup = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let (config, findings) = read(file, text, Path::new("workflows"), &lookup);
        let lines = findings
            .iter()
            .map(|finding| format!("{}: {}", finding.code, finding.message));
        (config, lines.collect())
    }

    const WHOLE: &str = "
connections:
  openai:
    kind: chat-completions
    baseUrl: https://api.example.com/v1
    key: =secrets.API_KEY
    headers: { X-Title: plain, Authorization: \"Bearer {{ secrets.OTHER }}\" }
    prices: { gpt-4o: { input: 2.5, output: 10 } }
  script: { kind: scripted, answers: answers.yaml }
";

    #[test]
    fn connections_are_read_with_their_secrets_as_references() {
        let (config, findings) = config(WHOLE, &[]);
        assert!(findings.is_empty(), "{findings:?}");
        let openai = &config.connections["openai"];
        assert_eq!(openai.kind, ConnectionKind::ChatCompletions);
        let names = |sealed: &Sealed| sealed.secrets().into_iter().collect::<Vec<Arc<str>>>();
        assert_eq!(names(openai.key.as_ref().unwrap()), ["API_KEY".into()]);
        assert_eq!(names(&openai.headers[1].1), ["OTHER".into()]);
        assert_eq!(openai.prices["gpt-4o"].output, 10.0);
        assert_eq!(
            config.connections["script"].answers,
            [Path::new("workflows/answers.yaml")]
        );
    }

    #[test]
    fn mcp_servers_are_read_as_programs_and_addresses() {
        let (config, findings) = config(
            "
mcp:
  files: { command: [./server, --token, =secrets.TOKEN], env: { LEVEL: debug }, timeout: 5s }
  desk: { url: 'https://mcp.example.com/mcp', headers: { Authorization: 'Bearer {{ secrets.DESK }}' } }
",
            &[],
        );
        assert!(findings.is_empty(), "{findings:?}");
        let McpWay::Process {
            program,
            arguments,
            env,
            folder,
        } = &config.mcp["files"].way
        else {
            panic!("a program")
        };
        assert_eq!(
            (&**program, env.len(), folder.as_path()),
            ("./server", 1, Path::new("workflows"))
        );
        assert_eq!(arguments[1].secrets().len(), 1);
        assert_eq!(config.mcp["files"].timeout, Millis(5000));
        let McpWay::Http { headers, .. } = &config.mcp["desk"].way else {
            panic!("an address")
        };
        assert_eq!(headers[0].1.secrets().len(), 1);
    }

    #[test]
    fn sources_of_secrets_lie_beside_the_configuration() {
        let text = "secrets: { envFile: .env, command: [./manager, get, 'interpret/{name}'] }";
        let (config, findings) = config(text, &[]);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(config.secrets.env_file.as_deref(), Some(Path::new("workflows/.env")));
        let command = config.secrets.command.unwrap();
        assert_eq!(command.shown("KEY"), "./manager get interpret/KEY");
        assert_eq!(command.folder, Path::new("workflows"));
    }

    #[test]
    fn variables_of_the_environment_override_the_file() {
        let environment = [
            ("INTERPRET_OPENAI_BASE_URL", "http://127.0.0.1:1"),
            ("INTERPRET_SCRIPT_KIND", "responses"),
        ];
        let (config, findings) = config(WHOLE, &environment);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(
            config.connections["openai"].base_url.as_deref(),
            Some("http://127.0.0.1:1")
        );
        assert_eq!(config.connections["script"].kind, ConnectionKind::Responses);
    }

    #[test]
    fn keys_are_digests_or_secrets() {
        let hash = format!("sha256:{}", "0a".repeat(32));
        let text = format!("dify: {{ statuses: all, keys: {{ greet: '{hash}', order: [=secrets.ORDER, '{hash}'] }} }}");
        let (config, findings) = config(&text, &[]);
        assert!(findings.is_empty(), "{findings:?}");
        let told: Vec<String> = (config.dify.keys.iter())
            .map(|key| match &key.known_by {
                crate::config::KnownBy::Digest(digest) => format!("{} {digest}", key.workflow),
                crate::config::KnownBy::Secret(sealed) => format!("{} {}", key.workflow, sealed.secrets().len()),
            })
            .collect();
        assert_eq!(
            told,
            [format!("greet {hash}"), "order 1".to_owned(), format!("order {hash}")]
        );
        assert!(config.dify.all_statuses);
    }

    #[test]
    fn mistakes_are_found() {
        let found = |text: &str| config(text, &[]).1.join("\n");
        let connection = |keys: &str| found(&format!("connections: {{ a: {{ {keys} }} }}"));
        assert!(found("conections: {}").starts_with("unknown-key"));
        assert!(found("connections: [1]").starts_with("wrong-type"));
        assert!(connection("kind: chat, baseUrl: x").starts_with("invalid-value"));
        assert!(connection("baseUrl: x").starts_with("missing-key"));
        assert!(connection("kind: scripted").contains("needs `answers`"));
        assert!(connection("kind: responses, key: =env.KEY").starts_with("unknown-name"));
        assert!(connection("kind: responses, url: x").starts_with("unknown-key"));
        assert!(connection("kind: responses, prices: { m: { input: 1 } }").contains("needs `input` and `output`"));
        assert!(connection("kind: responses, prices: { m: { input: -1, output: 1 } }").contains("a million tokens"));
        assert_eq!(found(""), "");
        let secrets = |keys: &str| found(&format!("secrets: {{ {keys} }}"));
        assert_eq!(secrets("envFile: .env, command: [pass, show, 'x/{name}']"), "");
        assert!(secrets("env-file: .env").starts_with("unknown-key"));
        assert!(secrets("envFile: [a]").starts_with("wrong-type"));
        assert!(secrets("command: pass").starts_with("wrong-type"));
        assert!(secrets("command: [pass, show]").starts_with("invalid-value"));
        assert!(secrets("command: []").starts_with("invalid-value"));
        assert!(secrets("command: ['{name}']").starts_with("invalid-value"));
        let key = |value: &str| found(&format!("dify: {{ keys: {{ a: {value} }} }}"));
        let plain = key("app-0123456789abcdefghijklmn");
        assert!(plain.starts_with("invalid-value") && !plain.contains("0123"), "{plain}");
        assert!(key("'sha256:12'").starts_with("invalid-value"));
        assert!(key("=env.KEY").starts_with("unknown-name"));
        assert!(key("1").starts_with("wrong-type"));
        assert!(found("dify: { keys: [a] }").starts_with("wrong-type"));
        assert!(found("dify: { key: {} }").starts_with("unknown-key"));
        assert!(found("dify: { statuses: some }").starts_with("invalid-value"));
        let server = |keys: &str| found(&format!("mcp: {{ a: {{ {keys} }} }}"));
        assert!(server("").starts_with("missing-key"));
        assert!(server("command: [a], url: 'http://b'").starts_with("conflicting-keys"));
        assert!(server("command: [a], headers: { b: c }").starts_with("conflicting-keys"));
        assert!(server("command: a").starts_with("wrong-type"));
        assert!(server("command: []").starts_with("invalid-value"));
        assert!(server("command: [a], arguments: [b]").starts_with("unknown-key"));
        assert!(server("url: mcp.example.com").starts_with("invalid-value"));
        assert!(server("url: 'http://b', headers: { c: =env.KEY }").starts_with("unknown-name"));
        assert!(server("url: 'http://b', timeout: soon").starts_with("invalid-duration"));
    }
}
