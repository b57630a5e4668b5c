//! The variables that say where telemetry goes: those that every program with OpenTelemetry knows.

use std::time::Duration;

use super::message::Worth;

/// The value of a variable of the environment.
type Environment<'e> = dyn Fn(&str) -> Option<String> + 'e;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Protobuf,
    Json,
}

/// Where one kind of telemetry goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub url: String,
    pub protocol: Protocol,
    pub headers: Vec<(String, String)>,
    pub timeout: Duration,
}

/// Which traces are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sampler {
    /// Whether what the parent decided counts, if there is one.
    pub by_parent: bool,
    /// The share of traces, from 0 to 1.
    pub ratio: f64,
}

/// What the environment says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub traces: Option<Target>,
    pub metrics: Option<Target>,
    pub sampler: Sampler,
    /// What describes this program.
    pub resource: Vec<(String, Worth)>,
    /// Whether prompts and answers are told.
    pub content: bool,
    /// Whether parents of other programs are taken and told.
    pub propagates: bool,
    pub batch: Batch,
    /// How often metrics are told.
    pub interval: Duration,
}

/// How spans are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub delay: Duration,
    pub queue: usize,
    pub size: usize,
}

impl Settings {
    /// Reads the environment. Without an endpoint there is nothing to do, and nothing is done.
    ///
    /// # Errors
    ///
    /// A variable with a value that has no meaning, and what to write instead.
    pub fn read(environment: &Environment<'_>) -> Result<Option<Settings>, String> {
        let variables = Variables(environment);
        if variables.is_true("OTEL_SDK_DISABLED") {
            return Ok(None);
        }
        let traces = variables.target("TRACES", "v1/traces")?;
        let metrics = variables.target("METRICS", "v1/metrics")?;
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        let propagators = variables
            .get("OTEL_PROPAGATORS")
            .unwrap_or_else(|| "tracecontext".to_owned());
        Ok(Some(Settings {
            traces,
            metrics,
            sampler: variables.sampler()?,
            resource: variables.resource(),
            content: variables.is_true("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
            propagates: propagators.split(',').any(|name| name.trim() == "tracecontext"),
            batch: Batch {
                delay: variables.millis("OTEL_BSP_SCHEDULE_DELAY", 5_000)?,
                queue: variables.number("OTEL_BSP_MAX_QUEUE_SIZE", 2_048)?,
                size: variables.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)?,
            },
            interval: variables.millis("OTEL_METRIC_EXPORT_INTERVAL", 60_000)?,
        }))
    }
}

struct Variables<'e>(&'e Environment<'e>);

impl Variables<'_> {
    /// A variable; empty is as if it were not set.
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn number(&self, name: &str, default: usize) -> Result<usize, String> {
        let Some(value) = self.get(name) else {
            return Ok(default);
        };
        let number = value.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| format!("{name} is `{value}`, not a whole number above 0"))
    }

    fn millis(&self, name: &str, default: usize) -> Result<Duration, String> {
        Ok(Duration::from_millis(self.number(name, default)? as u64))
    }

    /// Where a kind of telemetry goes; its own variables come before those for both.
    fn target(&self, kind: &str, path: &str) -> Result<Option<Target>, String> {
        let exporter = format!("OTEL_{kind}_EXPORTER");
        match self.get(&exporter).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(None),
            Some(other) => return Err(format!("{exporter} is `{other}`; it may be `otlp` or `none`")),
        }
        let general = |key: &str| format!("OTEL_EXPORTER_OTLP_{key}");
        let own = |key: &str| format!("OTEL_EXPORTER_OTLP_{kind}_{key}");
        let either = |key: &str| self.get(&own(key)).or_else(|| self.get(&general(key)));
        let base = || {
            Some(format!(
                "{}/{path}",
                self.get(&general("ENDPOINT"))?.trim_end_matches('/')
            ))
        };
        let Some(url) = self.get(&own("ENDPOINT")).or_else(base) else {
            return Ok(None);
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            // The address may hold a password.
            return Err(
                "the endpoint of OpenTelemetry is no address that begins with `http://` or `https://`".to_owned(),
            );
        }
        let protocol = match either("PROTOCOL").as_deref() {
            None | Some("http/protobuf") => Protocol::Protobuf,
            Some("http/json") => Protocol::Json,
            Some(other) => {
                return Err(format!(
                    "{} is `{other}`; it may be `http/protobuf` or `http/json`, which collectors take at port 4318",
                    general("PROTOCOL")
                ));
            }
        };
        let millis = match self.get(&own("TIMEOUT")) {
            Some(_) => self.millis(&own("TIMEOUT"), 10_000)?,
            None => self.millis(&general("TIMEOUT"), 10_000)?,
        };
        Ok(Some(Target {
            url,
            protocol,
            headers: pairs(&either("HEADERS").unwrap_or_default()),
            timeout: millis,
        }))
    }

    fn sampler(&self) -> Result<Sampler, String> {
        let name = self.get("OTEL_TRACES_SAMPLER");
        let name = name.as_deref().unwrap_or("parentbased_always_on");
        let (by_parent, kind) = match name.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, name),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => match self.get("OTEL_TRACES_SAMPLER_ARG") {
                None => 1.0,
                Some(share) => {
                    let ratio = share.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
                    ratio.ok_or_else(|| format!("OTEL_TRACES_SAMPLER_ARG is `{share}`, not a number from 0 to 1"))?
                }
            },
            _ => {
                return Err(format!(
                    "OTEL_TRACES_SAMPLER is `{name}`; it may be `always_on`, `always_off` or `traceidratio`, also behind \
                     `parentbased_`"
                ));
            }
        };
        Ok(Sampler { by_parent, ratio })
    }

    fn resource(&self) -> Vec<(String, Worth)> {
        let given = pairs(&self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        let mut resource: Vec<(String, Worth)> = vec![
            ("service.name".to_owned(), "interpret".into()),
            ("service.version".to_owned(), env!("CARGO_PKG_VERSION").into()),
            ("telemetry.sdk.name".to_owned(), "interpret".into()),
            ("telemetry.sdk.language".to_owned(), "rust".into()),
            ("telemetry.sdk.version".to_owned(), env!("CARGO_PKG_VERSION").into()),
        ];
        let name = self
            .get("OTEL_SERVICE_NAME")
            .map(|name| ("service.name".to_owned(), name));
        for (key, value) in given.into_iter().chain(name) {
            resource.retain(|(known, _)| *known != key);
            resource.push((key, Worth::Text(value)));
        }
        resource
    }
}

/// `key=value` pairs between commas, the values percent-encoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(key, value)| (key.trim().to_owned(), decoded(value.trim())));
    pairs.filter(|(key, _)| !key.is_empty()).collect()
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let escape = || u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok();
        match (bytes[at], escape()) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        Settings::read(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");

    #[test]
    fn without_an_endpoint_nothing_is_told() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("OTEL_SERVICE_NAME", "shop")]), Ok(None));
        assert_eq!(read(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        let none = [
            ENDPOINT,
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ];
        assert_eq!(read(&none), Ok(None));
    }

    #[test]
    fn the_variables_of_a_kind_come_before_those_of_all() {
        let settings = read(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://metrics.example.com/in"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x%2Cy, tenant = a"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "20"),
            ("OTEL_SERVICE_NAME", "shop"),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "service.name=other,deployment.environment.name=test%20a",
            ),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ]);
        let settings = settings.unwrap().unwrap();
        let (traces, metrics) = (settings.traces.unwrap(), settings.metrics.unwrap());
        assert_eq!(traces.url, "http://127.0.0.1:4318/v1/traces");
        assert_eq!(
            (traces.protocol, traces.timeout),
            (Protocol::Protobuf, Duration::from_millis(20))
        );
        assert_eq!(traces.headers[0], ("authorization".to_owned(), "Bearer x,y".to_owned()));
        assert_eq!(metrics.url, "https://metrics.example.com/in");
        assert_eq!(metrics.protocol, Protocol::Json);
        let of = |key: &str| {
            settings
                .resource
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, worth)| worth.clone())
        };
        assert_eq!(of("service.name"), Some("shop".into()));
        assert_eq!(of("deployment.environment.name"), Some("test a".into()));
        assert_eq!(
            settings.sampler,
            Sampler {
                by_parent: true,
                ratio: 0.25
            }
        );
    }

    #[test]
    fn what_has_no_meaning_is_said() {
        let wrong = |name: &'static str, value: &'static str| read(&[ENDPOINT, (name, value)]).unwrap_err();
        assert!(wrong("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").contains("`http/protobuf`"));
        assert!(wrong("OTEL_TRACES_SAMPLER", "often").contains("always_on"));
        assert!(wrong("OTEL_TRACES_EXPORTER", "zipkin").contains("`none`"));
        assert!(wrong("OTEL_BSP_MAX_QUEUE_SIZE", "0").contains("above 0"));
        let secret = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "user:word@host")]).unwrap_err();
        assert!(!secret.contains("word"), "{secret}");
    }
}
