//! What decides for one action, as administrators keep it: functions in their order, a prefilter, and cases that must come
//! out right before it is saved.

mod case;
mod record;

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use case::{Case, Expected, Verdict};
pub use record::{MAX_RECORD, Record, Saved};

use crate::chain::{Chain, MAX_FUNCTIONS};
use crate::engine::{Call, Engine, Returned};
use crate::function::Function;
use crate::prefilter::Prefilter;
use crate::request::{Action, Moment, Request};

/// The longest plan, as compact JSON in bytes: two fit into a document of the store.
pub const MAX_PLAN: usize = 100 * 1024;
/// The most cases of a plan.
pub const MAX_CASES: usize = 100;
/// The longest name of a function or a case, in characters.
const MAX_NAME: usize = 64;

/// Without functions the server with the fewest sessions is taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Plan {
    pub prefilter: Prefilter,
    pub functions: Vec<Planned>,
    pub cases: Vec<Case>,
}

/// A function at its place in the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Planned {
    pub name: String,
    pub source: String,
    /// One that is not keeps its place, and does not run.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// Why a plan is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{count} functions are too many: at most {MAX_FUNCTIONS}")]
    Functions { count: usize },
    #[error("{count} cases are too many: at most {MAX_CASES}")]
    Cases { count: usize },
    #[error("it has {bytes} bytes with its cases; at most {MAX_PLAN} are kept")]
    TooLong { bytes: usize },
    #[error("`{name}` is no name: 1 to {MAX_NAME} printable characters")]
    Name { name: String },
    #[error("two of its functions, or two of its cases, have the name {name}")]
    Twice { name: String },
    #[error("the function {name} cannot run: {why}")]
    Unusable { name: String, why: String },
}

impl Plan {
    pub fn chain(&self) -> Chain {
        let enabled = self.functions.iter().filter(|planned| planned.enabled);
        let functions = enabled.map(|planned| Arc::new(planned.function())).collect();
        Chain { prefilter: self.prefilter.clone(), functions }
    }

    /// What can be known without running anything.
    pub fn check(&self) -> Result<(), PlanError> {
        let count = self.functions.len();
        if count > MAX_FUNCTIONS {
            return Err(PlanError::Functions { count });
        }
        if self.cases.len() > MAX_CASES {
            return Err(PlanError::Cases { count: self.cases.len() });
        }
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_PLAN {
            return Err(PlanError::TooLong { bytes });
        }
        names(self.functions.iter().map(|planned| &planned.name))?;
        names(self.cases.iter().map(|case| &case.name))?;
        for planned in &self.functions {
            if let Some(why) = planned.function().unreadable() {
                return Err(PlanError::Unusable { name: planned.name.clone(), why });
            }
        }
        Ok(())
    }

    /// Whether each function that is enabled is JavaScript, and a function: it is called without servers, and whatever else
    /// it does then does not count.
    pub async fn compiles(&self, engine: &dyn Engine, action: Action) -> Result<(), PlanError> {
        let request = Request::of(action, "nobody", "none");
        let moment = Moment { now: 0, utc_offset: 0, seed: 0 };
        for planned in self.functions.iter().filter(|planned| planned.enabled) {
            let function = planned.function();
            let call = Call { function: &function, request: &request, servers: &[], moment };
            if let Returned::Threw(why) = engine.run(call).await.returned
                && (why.starts_with("SyntaxError") || why.contains("the script is not a function"))
            {
                return Err(PlanError::Unusable { name: planned.name.clone(), why });
            }
        }
        Ok(())
    }

    /// What comes of each case.
    pub async fn verdicts(&self, engine: &dyn Engine) -> Vec<Verdict> {
        let chain = self.chain();
        let mut verdicts = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            verdicts.push(case.run(&chain, engine).await);
        }
        verdicts
    }
}

impl Planned {
    pub fn function(&self) -> Function {
        Function::new(&self.name, &self.source)
    }
}

impl From<Function> for Planned {
    fn from(Function { name, source }: Function) -> Self {
        Self { name, source, enabled: true }
    }
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), PlanError> {
    let mut seen = HashSet::new();
    for name in names {
        let length = name.chars().count();
        if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
            return Err(PlanError::Name { name: crate::text::cut(name, MAX_NAME) });
        }
        if !seen.insert(name) {
            return Err(PlanError::Twice { name: name.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(names: &[&str]) -> Plan {
        let function = |name: &&str| Planned::from(Function::new(name, "i => 'a'"));
        Plan { functions: names.iter().map(function).collect(), ..Plan::default() }
    }

    #[test]
    fn a_plan_that_cannot_be_meant_is_refused_with_the_reason() {
        assert_eq!(plan(&["a", "b"]).check(), Ok(()));
        assert_eq!(plan(&["a", "a"]).check(), Err(PlanError::Twice { name: "a".into() }));
        assert!(matches!(plan(&[""]).check(), Err(PlanError::Name { .. })));
        assert!(matches!(plan(&["a\n"]).check(), Err(PlanError::Name { .. })));
        let many: Vec<String> = (0..33).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(plan(&many).check(), Err(PlanError::Functions { count: 33 }));
        let mut long = plan(&["a"]);
        long.functions[0].source = "x".repeat(MAX_PLAN);
        assert!(matches!(long.check(), Err(PlanError::TooLong { .. })));
        let mut deep = plan(&["a"]);
        deep.functions[0].source = "(".repeat(1000);
        assert!(matches!(deep.check(), Err(PlanError::Unusable { .. })));
    }

    #[test]
    fn what_is_not_enabled_is_not_in_the_chain() {
        let mut plan = plan(&["a", "b"]);
        plan.functions[0].enabled = false;
        let names: Vec<_> = plan.chain().functions.iter().map(|function| function.name.clone()).collect();
        assert_eq!(names, ["b"]);
    }
}
