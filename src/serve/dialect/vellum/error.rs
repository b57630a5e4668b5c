//! Why an execution failed, in the words of this protocol.

use crate::data;
use crate::data::Data;
use crate::drive::Rest;
use crate::graph::Name;
use crate::run::{FAILURE_CODES, Failure, RunEnd};

/// What kind of failure it is. Clients let words pass that they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    WorkflowCancelled,
    WorkflowTimeout,
    /// None of Vellum's: the execution is not over, but waits for somebody.
    WorkflowPaused,
    ProviderCredentials,
    ProviderQuota,
    Provider,
    IntegrationCredentials,
    LimitReached,
    Internal,
    Node,
    NodeCancelled,
    NodeTimeout,
    InvalidInputs,
    InvalidOutputs,
    InvalidState,
    UserDefined,
}

impl Code {
    /// The code for a failure in an execution of a workflow.
    pub fn of(failure: &Failure, workflow: &str) -> Code {
        let status = || failure.data.get("status").and_then(Data::as_i64);
        match &*failure.code {
            // The run itself is a step that is called like its workflow.
            "timeout" if failure.step.as_deref() == Some(workflow) => Code::WorkflowTimeout,
            "timeout" | "suspend.timeout" | "event.timeout" | "mcp.timeout" => Code::NodeTimeout,
            "secret.missing" => Code::IntegrationCredentials,
            "agent.status" if matches!(status(), Some(401 | 403)) => Code::ProviderCredentials,
            "agent.status" if status() == Some(429) => Code::ProviderQuota,
            code if code.starts_with("agent.") => Code::Provider,
            "loop.limit" | "limit.exceeded" | "workflow.depth" => Code::LimitReached,
            "schema.input" => Code::InvalidInputs,
            "schema.output" => Code::InvalidOutputs,
            "schema.state" => Code::InvalidState,
            "internal" => Code::Internal,
            "failed" => Code::UserDefined,
            code if FAILURE_CODES.iter().any(|(known, _)| *known == code) => Code::Node,
            // An author has made it up.
            _ => Code::UserDefined,
        }
    }

    /// As the API of executions calls it.
    pub fn of_api(self) -> &'static str {
        match self {
            Code::WorkflowCancelled => "WORKFLOW_CANCELLED",
            Code::WorkflowTimeout => "WORKFLOW_TIMEOUT",
            Code::WorkflowPaused => "WORKFLOW_PAUSED",
            Code::ProviderCredentials => "PROVIDER_CREDENTIALS_UNAVAILABLE",
            Code::ProviderQuota => "PROVIDER_QUOTA_EXCEEDED",
            Code::Provider => "LLM_PROVIDER",
            Code::IntegrationCredentials => "INTEGRATION_CREDENTIALS_UNAVAILABLE",
            Code::LimitReached => "NODE_EXECUTION_COUNT_LIMIT_REACHED",
            Code::Internal => "INTERNAL_SERVER_ERROR",
            Code::Node | Code::InvalidOutputs | Code::InvalidState => "NODE_EXECUTION",
            Code::NodeCancelled => "NODE_CANCELLED",
            Code::NodeTimeout => "NODE_TIMEOUT",
            Code::InvalidInputs => "INVALID_INPUTS",
            Code::UserDefined => "USER_DEFINED_ERROR",
        }
    }

    /// As the newer events call it.
    pub fn of_events(self) -> &'static str {
        match self {
            Code::Provider => "PROVIDER_ERROR",
            Code::Internal => "INTERNAL_ERROR",
            Code::LimitReached => "NODE_EXECUTION",
            Code::InvalidOutputs => "INVALID_OUTPUTS",
            Code::InvalidState => "INVALID_STATE",
            code => code.of_api(),
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub code: Code,
    pub message: Name,
    /// What programs read.
    pub raw: Data,
}

impl Wrong {
    /// Why an execution of a workflow, or a step in it, failed.
    pub fn of(failure: &Failure, workflow: &str) -> Wrong {
        Wrong {
            code: Code::of(failure, workflow),
            message: failure.message.clone(),
            raw: failure.to_data(),
        }
    }

    /// A step that somebody or something has cancelled.
    pub fn step_cancelled() -> Wrong {
        Wrong {
            code: Code::NodeCancelled,
            message: "the step was cancelled".into(),
            raw: Data::Null,
        }
    }

    /// An execution that somebody has cancelled.
    pub fn cancelled(reason: Option<&Name>) -> Wrong {
        Wrong {
            code: Code::WorkflowCancelled,
            message: match reason {
                Some(reason) => format!("the execution was cancelled: {reason}").into(),
                None => "the execution was cancelled".into(),
            },
            raw: Data::Null,
        }
    }

    /// An execution that is not over, because it waits for somebody.
    pub fn paused(execution: &Name, rest: &Rest) -> Wrong {
        let steps: Vec<&str> = rest.waits.iter().map(|wait| wait.address.as_str()).collect();
        let message = match steps.as_slice() {
            [] => "the execution is held, and goes on when it is resumed".to_owned(),
            steps => format!(
                "the execution is not over: it waits for somebody at {}, and goes on when that is answered",
                steps.join(", ")
            ),
        };
        Wrong {
            code: Code::WorkflowPaused,
            message: message.into(),
            raw: data!({ "execution_id": execution.clone(), "waiting": steps }),
        }
    }

    /// As the API of executions tells it.
    pub fn to_api(&self) -> Data {
        data!({
            "message": self.message.clone(),
            "code": self.code.of_api(),
            "raw_data": self.raw.clone(),
            "stacktrace": null
        })
    }

    /// As the newer events tell it.
    pub fn to_events(&self) -> Data {
        data!({ "message": self.message.clone(), "code": self.code.of_events(), "raw_data": self.raw.clone() })
    }
}

/// Why an execution of a workflow has ended without a result.
pub(super) fn of_end(end: &RunEnd, workflow: &str) -> Option<Wrong> {
    match end {
        RunEnd::Completed(_) => None,
        RunEnd::Failed(failure) => Some(Wrong::of(failure, workflow)),
        RunEnd::Cancelled(reason) => Some(Wrong::cancelled(reason.as_ref())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_ours_has_one_of_theirs() {
        let of = |code: &str, data: Data| {
            let failure = Failure::new(code, "why").with_data(data).at(&"step".into(), 1);
            Code::of(&failure, "w").of_api()
        };
        for (code, _) in FAILURE_CODES {
            let user = matches!(of(code, Data::Null), "USER_DEFINED_ERROR");
            assert_eq!(user, *code == "failed", "{code}");
        }
        assert_eq!(of("OUT_OF_STOCK", Data::Null), "USER_DEFINED_ERROR");
        assert_eq!(of("http.status", Data::Null), "NODE_EXECUTION");
        assert_eq!(of("agent.status", data!({ "status": 429 })), "PROVIDER_QUOTA_EXCEEDED");
        assert_eq!(
            of("agent.status", data!({ "status": 401 })),
            "PROVIDER_CREDENTIALS_UNAVAILABLE"
        );
        assert_eq!(of("agent.status", data!({ "status": 500 })), "LLM_PROVIDER");
        assert_eq!(of("timeout", Data::Null), "NODE_TIMEOUT");
        let whole = Failure::new("timeout", "late").at(&"w".into(), 1);
        assert_eq!(Code::of(&whole, "w").of_api(), "WORKFLOW_TIMEOUT");
    }
}
