//! What a chain decided, as text and as JSON.

use balance::{Decision, Step};
use serde_json::{Value, json};

pub(super) fn text(decision: &Decision) -> String {
    let mut text = String::new();
    for (why, count) in &decision.unfit {
        text += &format!("not offered: {count} {why}\n");
    }
    text += &decision.steps.iter().map(step).collect::<String>();
    match &decision.result {
        Ok(id) => text + &format!("chosen: {id}\n"),
        Err(refused) => text + &format!("refused ({}): {refused}\n", refused.code()),
    }
}

fn step(step: &Step) -> String {
    let Step { function, offered, left, took, console, said } = step;
    let ms = took.as_secs_f64() * 1e3;
    let lines: String = console.iter().map(|line| format!("    {}: {}\n", line.level, line.text)).collect();
    format!("{function}: {offered} in, {left} out, {ms:.1} ms: {said}\n{lines}")
}

pub(super) fn json(decision: &Decision) -> Value {
    let unfit = decision.unfit.iter().map(|(why, count)| (why.to_string(), json!(count)));
    let (server, error) = match &decision.result {
        Ok(id) => (json!(id), Value::Null),
        Err(refused) => (Value::Null, json!({ "code": refused.code(), "message": refused.to_string() })),
    };
    json!({
        "serverId": server,
        "error": error,
        "notOffered": unfit.collect::<serde_json::Map<_, _>>(),
        "steps": decision.steps,
    })
}
