/// Declares every code once: variant, stable name, summary. Its page must be there, or this does not compile.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// The stable code of a finding. Names are part of the interface: they never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The stable name, as printed in brackets.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// What the code means, in one or a few sentences.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$variant => concat!($($doc, "\n"),+).trim_ascii(),)+ }
            }

            /// Its page of the documentation, in Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Code::$variant => include_str!(concat!("../../docs/errors/", $name, ".md")),)+ }
            }

            /// The code of a stable name.
            pub fn parse(name: &str) -> Option<Code> {
                match name { $($name => Some(Code::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    // Files and YAML.

    /// A file cannot be read.
    Unreadable = "unreadable",
    /// A file is not UTF-8 text.
    NotUtf8 = "not-utf8",
    /// A file, its nesting or what its aliases expand to is larger than the limits allow.
    TooLarge = "too-large",
    /// The text is not YAML.
    Syntax = "syntax",
    /// A key stands twice in one mapping.
    DuplicateKey = "duplicate-key",
    /// A key is not a plain text.
    BadKey = "bad-key",
    /// A YAML feature that workflow files do not use: a merge key, a tag, an unknown alias.
    UnsupportedYaml = "unsupported-yaml",
    /// A value that YAML reads otherwise than it looks, such as an unquoted `{{ x }}`.
    NeedsQuotes = "needs-quotes",

    // The shape of a definition.

    /// No language is known for a document of this shape.
    UnknownDocument = "unknown-document",
    /// A path holds no workflow.
    NoWorkflows = "no-workflows",
    /// A key that is not part of the language here.
    UnknownKey = "unknown-key",
    /// A `kind` that does not exist.
    UnknownKind = "unknown-kind",
    /// A required key is missing.
    MissingKey = "missing-key",
    /// A value of the wrong type.
    WrongType = "wrong-type",
    /// A value of the right type that is not allowed here.
    InvalidValue = "invalid-value",
    /// Keys that exclude each other.
    ConflictingKeys = "conflicting-keys",
    /// An id that is not made of letters, digits, `_` and `-`, or is a word with another meaning.
    InvalidId = "invalid-id",
    /// An id that stands for two things.
    DuplicateId = "duplicate-id",
    /// A duration that cannot be read.
    InvalidDuration = "invalid-duration",

    // Expressions and templates.

    /// An expression or template does not parse.
    ExpressionSyntax = "expression-syntax",
    /// An expression stands where only a literal may.
    NotLiteral = "not-literal",
    /// A text where a condition, list or number must be computed; mostly a missing `=`.
    MissingEquals = "missing-equals",
    /// A name that is not in scope here.
    UnknownName = "unknown-name",
    /// A step that does not exist.
    UnknownStep = "unknown-step",
    /// A step that cannot have run yet, or cannot be seen from here.
    StepNotReadable = "step-not-readable",
    /// A property that the schema does not declare.
    UnknownProperty = "unknown-property",
    /// A filter, test or function that does not exist.
    UnknownFunction = "unknown-function",
    /// Types that cannot work together, such as a text compared with a number.
    TypeMismatch = "type-mismatch",
    /// A secret outside the fields that may hold one.
    SecretNotAllowed = "secret-not-allowed",
    /// A name that the file's `permissions` do not ask for.
    NotPermitted = "not-permitted",

    // References and flow.

    /// A workflow that is not among the loaded files.
    UnknownWorkflow = "unknown-workflow",
    /// An agent that is not among the loaded files.
    UnknownAgent = "unknown-agent",
    /// An event that the workflow does not declare.
    UnknownEvent = "unknown-event",
    /// A step that can never run.
    Unreachable = "unreachable",
    /// Workflows that call each other without an end.
    EndlessRecursion = "endless-recursion",
    /// A wait where none is allowed.
    WaitNotAllowed = "wait-not-allowed",

    // Schemas.

    /// Not a valid JSON Schema.
    InvalidSchema = "invalid-schema",
    /// A default or example that its own schema refuses.
    DefaultMismatch = "default-mismatch",
    /// A value that its schema refuses.
    SchemaMismatch = "schema-mismatch",
    /// An output that its schema requires and no path produces.
    OutputNeverProduced = "output-never-produced",
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
