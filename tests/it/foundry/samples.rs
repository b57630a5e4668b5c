//! The files that Foundry's own runtimes come with: each loads, and runs to its end.

use std::path::{Path, PathBuf};

use super::*;
use crate::drive::witness::{Witness, response};

/// A file, what answers it, and what is shown last.
struct Case {
    file: &'static str,
    world: World,
    last: &'static str,
}

fn case(file: &'static str, world: World, last: &'static str) -> Case {
    Case { file, world, last }
}

fn cases() -> Vec<Case> {
    let text = |text: &str| vec![data!(text)];
    let said = |name: &'static str, answer: &str| World::said("hello").agent(name, &text(answer));
    let exit = || data!("exit");
    let menu = || said("MenuAgent", "soup").answers(&[data!("and?"), exit()]);
    let marketing = || {
        said("AnalystAgent", "a")
            .agent("WriterAgent", &text("w"))
            .agent("EditorAgent", &text("copy"))
    };
    let maths = || {
        World::said("2+2?")
            .agent("StudentAgent", &[data!("5?"), data!("4!")])
            .agent("TeacherAgent", &[data!("No."), data!("Congratulations!")])
    };
    let service = |resolved: bool| {
        let answers = [
            data!({ "IsResolved": false, "NeedsTicket": false, "IssueDescription": "pc", "AttemptedResolutionSteps": "off" }),
            data!({ "IsResolved": resolved, "NeedsTicket": true, "IssueDescription": "pc", "AttemptedResolutionSteps": "off" }),
        ];
        World::said("my pc is broken")
            .agent("SelfServiceAgent", &answers)
            .agent("TicketingAgent", &[data!({ "TicketId": "T1" })])
            .agent("TicketRoutingAgent", &[data!({ "TeamName": "Windows Support" })])
            .agent(
                "WindowsSupportAgent",
                &[data!({ "IsResolved": false, "NeedsEscalation": true, "ResolutionSummary": "none" })],
            )
            .agent("TicketResolutionAgent", &text("closed"))
            .agent(
                "TicketEscalationAgent",
                &[data!({ "IsComplete": false }), data!({ "IsComplete": true })],
            )
            .answers(&[data!("still broken"), data!("please")])
    };
    let ledger = |satisfied: bool, looping: bool| {
        data!({
            "is_request_satisfied": { "answer": satisfied, "reason": "found" },
            "is_in_loop": { "answer": looping, "reason": "again" },
            "is_progress_being_made": { "answer": true, "reason": "some" },
            "next_speaker": { "answer": "WeatherAgent", "reason": "it knows" },
            "instruction_or_question": { "answer": "Ask the sky", "reason": "so" }
        })
    };
    let research = World::said("weather?")
        .agent("ResearchAgent", &text("facts"))
        .agent("PlannerAgent", &text("plan"))
        .agent(
            "ManagerAgent",
            &[ledger(false, false), ledger(false, true), ledger(true, false)],
        )
        .agent("WeatherAgent", &text("sunny"))
        .agent("CoderAgent", &text("code"))
        .agent("KnowledgeAgent", &text("know"))
        .agent("SummaryAgent", &text("It is sunny."));
    let toolbox = |mut world: World| {
        world.env = objects(&[
            (
                "FOUNDRY_TOOLBOX_MCP_SERVER_URL",
                data!("https://learn.microsoft.com/api/mcp"),
            ),
            ("FOUNDRY_TOOLBOX_DOCS_SERVER_LABEL", data!("docs")),
            ("FOUNDRY_TOOLBOX_WEB_SEARCH_TOOL_NAME", data!("search")),
        ]);
        world
    };
    let with = |input: Data, world: World| World { input, ..world };
    let inputs = |place: &str| data!({ "is_location_defined": true, "is_location_confirmed": true, "place": place, "action": "ask" });
    let support = |category: &str| {
        World::said("help").agent(
            "TriageAgent",
            &[data!({ "NeedsClarification": false, "Category": category, "Reply": "General reply" })],
        )
    };
    let support = |category: &str| {
        support(category)
            .agent("TechSupportAgent", &text("tech"))
            .agent("BillingAgent", &text("bill"))
    };
    vec![
        case(
            "synthetic/portal-shape-route.yaml",
            {
                said("Triage-Agent", "x").agent(
                    "Triage-Agent",
                    &[
                        data!(r#"{"category": "Billing", "sub-category": "Billing", "confidence": 0.9}"#),
                        data!(r#"{"category": "Bug", "sub-category": "App", "confidence": 0.9}"#),
                    ],
                )
            },
            "App crashes on login",
        ),
        case(
            "synthetic/portal-shape-hitl.yaml",
            said("drafter-agent", "draft").answers(&[data!("shorter"), data!(" ok ")]),
            "Confirmed.\n\ndraft",
        ),
        case(
            "dotnet-samples/AotCheckpointing.yaml",
            said("GreeterAgent", "hi"),
            "[Sample] Workflow completed. Checkpoints persisted to disk.",
        ),
        case(
            "dotnet-samples/InvokeFoundryToolboxMcp.yaml",
            toolbox(said("FoundryToolboxMcpAgent", "summary")),
            "summary",
        ),
        case(
            "dotnet-samples/InputArguments.yaml",
            {
                said("LocationTriageAgent", "Where?")
                    .agent("LocationCaptureAgent", &[inputs("Vienna")])
                    .agent("LocationAwareAgent", &text("It is nice"))
                    .answers(&[data!("Vienna"), exit()])
            },
            "It is nice",
        ),
        case(
            "dotnet-samples/ConfirmInput.yaml",
            World::said("a").answers(&[data!("b"), data!("a")]),
            "You entered:\na\n\nConfirmed input:\na",
        ),
        case(
            "dotnet-samples/InvokeMcpTool.yaml",
            said("McpSearchAgent", "found"),
            "found",
        ),
        case(
            "dotnet-samples/InvokeHttpRequest.yaml",
            said("GitHubRepoInfoAgent", "a repo").answers(&[exit()]),
            "a repo",
        ),
        case("dotnet-samples/FunctionTools.yaml", menu(), "soup"),
        case(
            "dotnet-samples/ToolApproval.yaml",
            said("DocumentSearchAgent", "doc").answers(&[data!("more"), exit()]),
            "doc",
        ),
        case(
            "dotnet-samples/InvokeFunctionTool.yaml",
            {
                said("FunctionMenuAgent", "tasty")
                    .function("GetSpecials", data!("soup"))
                    .answers(&[data!({ "approved": true }), exit()])
            },
            "tasty",
        ),
        case("workflow-samples/MathChat.yaml", maths(), "GOLD STAR!"),
        case("workflow-samples/Marketing.yaml", marketing(), "copy"),
        case(
            "workflow-samples/CustomerSupport.yaml",
            service(false),
            "{\"IsComplete\":true}",
        ),
        case("workflow-samples/DeepResearch.yaml", research, "It is sunny."),
        case("python-samples/customer_support.yaml", service(true), ""),
        case(
            "python-samples/simple_workflow.yaml",
            with(data!({ "name": "Ada" }), World::default()),
            "Hello, Ada!",
        ),
        case(
            "python-samples/student_teacher.yaml",
            maths(),
            "GOLD STAR! The student has demonstrated understanding.",
        ),
        case(
            "python-samples/invoke_function_tool.yaml",
            {
                World::default()
                    .function("get_weather", data!({ "temp": 20 }))
                    .function("format_message", data!("20 F"))
            },
            "20 F",
        ),
        case(
            "python-samples/invoke_http_request.yaml",
            said("GitHubRepoInfoAgent", "a repo"),
            "a repo",
        ),
        case(
            "python-samples/workflow_declarative.yaml",
            with(data!({ "age": 8 }), World::default()),
            "You have been categorized as: child",
        ),
        case(
            "python-samples/conditional_workflow.yaml",
            with(data!({ "age": 70 }), World::default()),
            "You have been categorized as: senior",
        ),
        case(
            "python-samples/invoke_mcp_tool.yaml",
            with(
                data!({ "text": "q", "requireApproval": true }),
                said("DocsAgent", "docs").answers(&[data!("yes")]),
            ),
            "docs",
        ),
        case(
            "python-samples/declarative_customer_support.yaml",
            support("Billing"),
            "bill",
        ),
        case(
            "python-samples/human_in_loop.yaml",
            World::default().answers(&[data!("Ada"), data!("good"), data!("fine")]),
            "Thank you, Ada! Your feedback: fine",
        ),
        case("python-samples/function_tools.yaml", menu(), "soup"),
        case(
            "python-samples/agent_to_function_tool.yaml",
            {
                said("OrderAnalysisAgent", "{\"items\": 2}")
                    .function("calculate_order_total", data!({ "total": 12 }))
                    .function("format_order_confirmation", data!("Order confirmed: 12"))
            },
            "Order confirmed: 12",
        ),
        case(
            "python-samples/invoke_foundry_toolbox_mcp.yaml",
            toolbox(said("FoundryToolboxMcpAgent", "summary")),
            "summary",
        ),
        case("python-samples/marketing.yaml", marketing(), "copy"),
    ]
}

/// An MCP server whose tools all answer alike.
fn mcp_server() -> Witness {
    Witness::new(|request, _| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
        if !head.starts_with("POST") {
            return Some(response("405 Method Not Allowed", "", "").into_bytes());
        }
        let asked: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let result = match asked["method"].as_str() {
            Some("initialize") => serde_json::json!({
                "protocolVersion": asked["params"]["protocolVersion"],
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "loopback", "version": "1" },
            }),
            Some("tools/list") => {
                serde_json::json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] })
            }
            Some("tools/call") => {
                serde_json::json!({ "content": [{ "type": "text", "text": format!("about {}", asked["params"]["arguments"]) }] })
            }
            _ => return Some(response("202 Accepted", "", "").into_bytes()),
        };
        let answer = serde_json::json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        Some(response("200 OK", "content-type: application/json\r\n", &answer.to_string()).into_bytes())
    })
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false if path.extension().is_some_and(|extension| extension == "yaml") => found.push(path),
            false => {}
        }
    }
}

#[test]
fn every_file_of_others_loads_and_runs_to_its_end() {
    let Some(list) = crate::suites::file("samples/foundry/SOURCES.md") else {
        return;
    };
    assert!(list.contains("Sources"));
    let root = PathBuf::from(std::env::var_os("INTERPRET_SUITES").unwrap()).join("samples/foundry");
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut cases = cases();
    let (mcp, web) = (
        mcp_server(),
        Witness::answering(&response(
            "200 OK",
            "content-type: application/json\r\n",
            r#"{"visibility": "public", "description": "a framework"}"#,
        )),
    );
    for path in all {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let at = cases.iter().position(|case| case.file == name);
        let case = cases.swap_remove(at.unwrap_or_else(|| panic!("nothing answers {name}")));
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("https://learn.microsoft.com/api/mcp", mcp.url()),
            ("https://mcp.ai.azure.com", mcp.url()),
            ("https://api.github.com/", web.url()),
        ] {
            text = text.replace(from, &to);
        }
        let mut world = case.world;
        if let Some(map) = world.env.as_map() {
            let url = map.iter().map(|(key, value)| match value.as_str() {
                Some(text) if text.starts_with("https://") => (key.clone(), data!(mcp.url())),
                _ => (key.clone(), value.clone()),
            });
            world.env = Data::from(url.collect::<Map>());
        }
        println!("{name}");
        let played = world.play(&text);
        assert!(
            matches!(played.end, Some(RunEnd::Completed(_))),
            "{name}: {:?} {:?}",
            played.end,
            played.shown
        );
        if !case.last.is_empty() {
            assert_eq!(
                played.shown.last().unwrap().trim(),
                case.last,
                "{name}: {:?}",
                played.shown
            );
        }
    }
    let left: Vec<&str> = cases.iter().map(|case| case.file).collect();
    assert!(left.is_empty(), "there are no such files: {left:?}");
}
