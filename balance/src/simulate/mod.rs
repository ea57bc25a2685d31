//! A day of session starts over a fleet that does not exist, to compare chains before people depend on one.
//!
//! ```text
//! scenario  machines, people, kinds of sessions     starts   what is started when: by chance, or from a table
//! machine   sessions, load, and what others know    day      from one event to the next
//! figures   what is measured                        plot     drawn as SVG
//! ```
//! The chains are real, in real workers; only the machines are made up. Everything comes from the seed: two days with the same
//! one end alike, as long as no function is killed at its deadline.

mod day;
mod figures;
mod machine;
mod plot;
mod scenario;
mod starts;

use day::Day;
pub use day::TRIES;
pub use figures::{Look, Outcome};
pub use plot::{Drawing, drawings};
pub use scenario::{Away, Chance, Kind, MAX_MACHINES, MAX_STARTS, Machines, Scenario, ScenarioError, Spread};
use serde_json::Value;
pub use starts::{Start, read_csv};

use crate::chain::Chain;
use crate::engine::Engine;

/// Over which machines, with which starts.
#[derive(Debug)]
pub struct Stage {
    pub scenario: Scenario,
    /// Server objects that take the place of the scenario's machines.
    pub servers: Option<Vec<Value>>,
    pub starts: Vec<Start>,
    pub seed: u64,
}

impl Stage {
    /// What the chain makes of the day.
    ///
    /// # Errors
    /// Two machines have one name, or there is none.
    pub async fn pass(
        &self,
        (name, chain): (&str, &Chain),
        engine: &dyn Engine,
        progress: impl FnMut(f64),
    ) -> Result<Outcome, ScenarioError> {
        let fleet = match &self.servers {
            Some(bodies) => machine::saved(bodies.clone())?,
            None => machine::fleet(&self.scenario)?,
        };
        if fleet.is_empty() || fleet.len() > MAX_MACHINES {
            return Err(ScenarioError::Count { what: "machines", count: fleet.len(), most: MAX_MACHINES });
        }
        let day = Day { chain, engine, starts: &self.starts, seed: self.seed, fleet };
        Ok(day.pass(name, progress).await)
    }
}
