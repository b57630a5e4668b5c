//! A server of one's own: workflows from a folder, with a function of this program that they can call.
//!
//! `cargo run --example serve`, then
//! `curl localhost:3141/workflows/greet/execute -d '{"input": {"name": "Ada"}}'`

use std::sync::Arc;

use interpret::data;
use interpret::drive::{Driver, SystemClock};
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::{Functions, Providers};
use interpret::secret::Secrets;
use interpret::serve::{Access, Server, Settings};
use interpret::store::{Limits, Memory};

const GREET: &str = "
kind: Workflow
id: greet
steps:
  - { kind: andThen, id: shout, function: { name: shout, arguments: =input } }
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = Functions::new().with("shout", |arguments| async move {
        let name = arguments.get("name").map(|name| name.to_text()).unwrap_or_default();
        Ok(data!({ "text": format!("HELLO {}", name.to_uppercase()) }))
    });
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let clock = Arc::new(SystemClock);
    let providers = Providers::new(permit, secrets, clock.clone()).with_functions(functions);
    let driver = Driver::new(Arc::new(Memory::new(Limits::default())), Arc::new(providers), clock);
    let server = Server::new(driver, Settings::default());
    server.serve(&load::load_text("greet.yaml", GREET)).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3141").await?;
    println!("http://{}/workflows", listener.local_addr()?);
    Ok(server.listen(listener, Access::default()).await?)
}
