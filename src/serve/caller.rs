//! Who asks, and what they may do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Problem;
use crate::graph::Name;

/// What a caller may do. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To look at workflows and executions.
    Read,
    /// To begin executions and go on with them.
    Run,
    /// Everything, for everybody.
    Admin,
}

impl Scope {
    /// Each, from the least to the most.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Run, Scope::Admin];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Run => "run",
            Scope::Admin => "admin",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What it may do.
    pub scope: Scope,
    /// For whom it asks; executions of others are hidden from it then, unless it is an admin.
    pub user: Option<Name>,
}

impl Caller {
    /// Somebody on this machine, where nobody has to say who they are.
    pub const LOCAL: Caller = Caller {
        scope: Scope::Admin,
        user: None,
    };

    /// Somebody who has not said who they are, where that is not asked.
    pub const NOBODY: Caller = Caller {
        scope: Scope::Read,
        user: None,
    };

    /// Refuses what needs more than the caller has.
    ///
    /// # Errors
    ///
    /// [`Problem::MissingScope`], which names what is missing.
    pub fn may(&self, scope: Scope) -> Result<(), Problem> {
        match self.scope >= scope {
            true => Ok(()),
            false => Err(Problem::MissingScope(scope)),
        }
    }

    /// For whom an execution runs that the caller begins.
    pub(super) fn acts_for(&self, asked: Option<Name>) -> Result<Option<Name>, Problem> {
        match (self.only(), asked) {
            (None, asked) => Ok(asked.or_else(|| self.user.clone())),
            (Some(own), Some(asked)) if *own != asked => {
                Err(Problem::Forbidden("the token is for another user".to_owned()))
            }
            (Some(own), _) => Ok(Some(own.clone())),
        }
    }

    /// Whether the caller may know of an execution of somebody.
    pub(super) fn may_see(&self, user: Option<&str>) -> bool {
        self.only().is_none_or(|own| user == Some(&**own))
    }

    /// The only user whose executions the caller sees; `None`: it sees all.
    pub(super) fn only(&self) -> Option<&Name> {
        match self.scope {
            Scope::Admin => None,
            Scope::Read | Scope::Run => self.user.as_ref(),
        }
    }
}

/// Who asks stands among the extensions of a request; where nobody looked, it is somebody on this machine.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Self::Rejection> {
        Ok(parts.extensions.get().cloned().unwrap_or(Caller::LOCAL))
    }
}
