//! The workflow API inside an application that has routes of its own.
//!
//! `cargo run --example mount`, then `curl localhost:8080/flows/workflows` and `curl localhost:8080/hello`

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use interpret::drive::{Driver, SystemClock};
use interpret::graph::Name;
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::Providers;
use interpret::secret::Secrets;
use interpret::serve::{Caller, Scope, Server, Settings};
use interpret::store::{Limits, Memory};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let clock = Arc::new(SystemClock);
    let providers = Providers::new(permit, secrets, clock.clone());
    let driver = Driver::new(Arc::new(Memory::new(Limits::default())), Arc::new(providers), clock);
    let server = Server::new(driver, Settings::default());
    let loaded = load::load(&["workflows"]);
    server.serve(&loaded).await?;
    // Who may ask is up to this application: here, everybody is Ada, and sees what runs for her.
    let caller = Caller {
        scope: Scope::Run,
        user: Some(Name::from("ada")),
    };
    let flows = server.router().layer(axum::Extension(caller));
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .nest("/flows", flows);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://{}/flows/workflows", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
