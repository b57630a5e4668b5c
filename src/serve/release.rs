//! Releases of what is served: see [`crate::store::releases`].

use std::sync::Arc;

use super::catalog::Served;
use super::problem::Problem;
use super::service::Service;
use crate::store::releases::{self, LATEST, Release};

impl Service {
    /// Keeps what is served from now on as releases, each workflow in its highest version. What cannot be kept is served
    /// all the same: only its release is missing.
    pub(super) async fn release(&self) {
        let now = self.driver().clock().now();
        for served in self.catalog().iter() {
            let (id, hash) = (&served.program.main().header.id, &served.program.hash);
            if let Err(error) = releases::release(&**self.driver().store(), id, hash, now).await {
                tracing::warn!(workflow = %id, %error, "the release is not kept");
            }
        }
    }

    /// The definition of a workflow with a tag, or that of a release by its id; without a name, and for [`LATEST`], what
    /// is served.
    ///
    /// # Errors
    ///
    /// The workflow is not served, or has no such release, or its definition cannot be used any more.
    pub(super) async fn released(&self, workflow: &str, name: Option<&str>) -> Result<Arc<Served>, Problem> {
        let served = self.workflow(workflow, None)?;
        let Some(name) = name.filter(|name| *name != LATEST) else {
            return Ok(served);
        };
        let release = self.find_release(workflow, name).await?;
        if release.definition == served.program.hash {
            return Ok(served);
        }
        let program = self.driver().program(&release.definition).await?;
        let unknown = || Problem::UnknownRelease(workflow.to_owned(), name.to_owned());
        let definition = self.driver().store().definition(&release.definition).await?;
        Ok(Arc::new(Served {
            definition: definition.ok_or_else(unknown)?,
            env: self.environment(&program),
            triggers: Vec::new(),
            program,
        }))
    }

    /// The release of a workflow with a tag, an id or a number.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) async fn find_release(&self, workflow: &str, name: &str) -> Result<Release, Problem> {
        let found = releases::find(&**self.driver().store(), workflow, name).await?;
        found.ok_or_else(|| Problem::UnknownRelease(workflow.to_owned(), name.to_owned()))
    }
}
