//! What authors bring along from other systems, and what it is here.

/// The step kind that is meant by a word of another system.
pub(super) fn kind(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "if" | "condition" | "when" => "andWhen",
        "switch" | "branch" | "choice" => "andBranch",
        "parallel" | "all" => "andAll",
        "race" => "andRace",
        "foreach" | "forEach" | "for" | "matrix" | "map" => "andForEach",
        "while" | "loop" => "andDoWhile",
        "until" | "repeat" => "andDoUntil",
        "wait" | "delay" | "sleep" => "andSleep",
        "try" => "andTry",
        "step" | "task" | "action" | "run" => "andThen",
        "subworkflow" | "call" => "andWorkflow",
        "llm" => "andAgent",
        _ => return None,
    })
}

/// What to write instead of a key that steps of another system have.
pub(super) fn in_step(key: &str) -> Option<&'static str> {
    Some(match key {
        "if" | "when" | "condition" | "only_if" | "onlyIf" => {
            "a step that runs only sometimes is `kind: andWhen`, with the key `condition: =...`"
        }
        "uses" | "action" => {
            "there are no actions here: a step does a unit of work, such as `http` or `exec`, or calls another \
             workflow with `kind: andWorkflow`"
        }
        "run" | "script" | "shell" | "command" | "cmd" => {
            "a program is started by the unit `exec: { command: [program, argument] }`"
        }
        "needs" | "depends_on" | "dependsOn" | "after" => {
            "steps run in the order of the list; branches of `kind: andAll` run side by side"
        }
        "next" | "goto" => "the next step is the one below; `andBranch` chooses between several ways",
        "then" | "do" | "body" => "the steps inside this one stand under `steps`",
        "foreach" | "forEach" | "for_each" | "with_items" | "loop" | "matrix" => {
            "a step for each item of a list is `kind: andForEach` with `items: =...`"
        }
        "url" | "method" | "headers" | "body_json" => "a request is the unit `http: { method: GET, url: ... }`",
        "continue-on-error" | "ignore_errors" | "on_error" | "onError" | "rescue" => {
            "`catch` handles errors; `kind: andTap` only reports them"
        }
        "retries" | "max_attempts" | "maxAttempts" => "repetitions are `retry: { attempts: 3, delay: 1s }`",
        "return" | "returns" => "what the step hands on is `output`; `end: { output: ... }` ends the workflow",
        "with" | "args" | "parameters" | "params" | "inputs" => {
            "the values stand in the unit itself, such as `http: { body: ... }` or `input` of `kind: andWorkflow`"
        }
        "env" => "variables of a program stand inside `exec: { env: ... }`",
        _ => return None,
    })
}

/// What to write instead of a key that workflows of another system have.
pub(super) fn in_workflow(key: &str) -> Option<&'static str> {
    Some(match key {
        "on" | "schedule" | "cron" => "what starts a workflow stands under `triggers`",
        "jobs" | "tasks" | "stages" | "nodes" | "workflow" | "actions" => "the steps stand in the list `steps`",
        "input" | "inputs" | "params" | "parameters" | "args" => {
            "the input is described by a JSON Schema under `inputSchema`"
        }
        "output" | "outputs" | "returns" => {
            "the output is what the last step gives; `outputSchema` describes it, `end: { output: ... }` gives it \
             earlier"
        }
        "vars" | "variables" => "what the workflow remembers is `state`; a step sets it with `setState`",
        "env" | "environment" => "variables are asked for by `permissions: { env: [NAME] }` and read as `env.NAME`",
        "secrets" => "secrets are asked for by `permissions: { secrets: [NAME] }`",
        "retry" => "what all calls share stands under `defaults: { retry: ... }`",
        _ => return None,
    })
}
