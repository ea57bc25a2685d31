//! Plans by chance: small networks in which everything goes wrong that can, as an administrator would write them.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::plan::{Plan, parse};

const TAKES: &str = "a string takes what is written";

/// The plan of this number: text, as in a file. Always the same for the same number.
pub fn text(number: u64) -> String {
    Writer { rng: StdRng::seed_from_u64(number), out: String::new() }.plan(number)
}

/// The plan of this number.
pub fn plan(number: u64) -> Plan {
    let text = text(number);
    parse(format!("random-{number}.toml").as_ref(), &text)
        .unwrap_or_else(|error| panic!("what is written here is a plan: {error}\n{text}"))
}

struct Writer {
    rng: StdRng,
    out: String,
}

impl Writer {
    fn plan(mut self, number: u64) -> String {
        let length = self.rng.random_range(10..60_u64);
        self.line(&format!(
            "title = \"By chance, number {number}\"\nlength = \"{length}s\"\nseed = {number}"
        ));
        for (path, nat) in [("cloud", false), ("site", true), ("port", false), ("home", true)] {
            self.path(path, nat);
        }
        let gateways = self.rng.random_range(1..=2);
        self.host("gateway", "gateway", gateways, "\"cloud\"", "");
        let nodes = self.rng.random_range(1..=3);
        let transport = self.one_of(&["auto", "auto", "quic", "tls"]);
        self.host("node", "node", nodes, "\"port\", \"site\"", &format!("transport = \"{transport}\"\n"));
        let people = self.rng.random_range(1..=2);
        self.host("person", "client", people, "\"home\"", "");
        for index in 0..self.rng.random_range(1..=3) {
            self.work(index, length);
        }
        for _ in 0..self.rng.random_range(0..=4) {
            self.fault(length);
        }
        self.out
    }

    fn line(&mut self, line: &str) {
        writeln!(self.out, "{line}").expect(TAKES);
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.rng.random_range(0..choices.len())]
    }

    fn once_in(&mut self, times: u32) -> bool {
        self.rng.random_range(0..times) == 0
    }

    fn path(&mut self, name: &str, nat: bool) {
        let both = self.model();
        self.line(&format!("\n[path.{name}]\nboth = {both}"));
        if name == "site" {
            self.line("shared = true");
        }
        if nat && self.once_in(2) {
            let idle = self.rng.random_range(5..120);
            self.line(&format!("nat = {{ idle = \"{idle}s\" }}"));
        } else if nat {
            self.line("nat = {}");
        }
        if name == "site" {
            let udp = self.one_of(&["\"open\"", "\"open\"", "\"blocked\"", "{ blockedAfter = \"15s\" }"]);
            self.line(&format!("firewall = {{ udp = {udp} }}"));
        }
    }

    fn model(&mut self) -> String {
        let mut model = format!("{{ delay = \"{}us\"", self.rng.random_range(100..80_000));
        if self.once_in(2) {
            write!(model, ", jitter = \"{}us\"", self.rng.random_range(1..5_000)).expect(TAKES);
        }
        if self.once_in(2) {
            write!(model, ", rate = \"{}Mbit/s\"", self.rng.random_range(2..200)).expect(TAKES);
        }
        if self.once_in(3) {
            write!(model, ", loss = \"{}%\"", f64::from(self.rng.random_range(1..30_u32)) / 10.0)
                .expect(TAKES);
        }
        for what in ["duplicate", "corrupt"] {
            if self.once_in(8) {
                write!(model, ", {what} = \"0.5%\"").expect(TAKES);
            }
        }
        if self.once_in(8) {
            model.push_str(", reorder = { share = \"1%\", by = \"5ms\" }");
        }
        model + " }"
    }

    fn host(&mut self, name: &str, role: &str, count: u32, path: &str, more: &str) {
        self.line(&format!(
            "\n[[host]]\nname = \"{name}\"\nrole = \"{role}\"\ncount = {count}\npath = [{path}]\n{more}"
        ));
    }

    fn work(&mut self, index: u32, length: u64) {
        let kind = self.one_of(&["bulk", "keystrokes", "openClose", "idle"]);
        let start = self.rng.random_range(0..length / 2);
        let streams = self.rng.random_range(1..=3);
        self.line(&format!(
            "[[work]]\nname = \"work-{index}\"\ndo = \"{kind}\"\nfrom = \"person\"\nto = \"node\"\n\
             start = \"{start}s\"\nstreams = {streams}"
        ));
        if kind == "bulk" {
            let direction = self.one_of(&["up", "down"]);
            let size = self.rng.random_range(1..5_000);
            self.line(&format!("direction = \"{direction}\"\nsize = \"{size}kB\""));
        }
    }

    fn fault(&mut self, length: u64) {
        let at = self.rng.random_range(0..length);
        let lasts = self.rng.random_range(1..20);
        let (action, undone) = match self.rng.random_range(0..9) {
            0 => ("kill = \"node\"".to_owned(), true),
            1 => ("restart = \"node\"".to_owned(), false),
            2 => ("kill = \"gateway\"".to_owned(), true),
            3 => ("restart = \"gateway\"".to_owned(), false),
            4 => ("drain = \"gateway\"".to_owned(), false),
            5 => ("cut = \"site\"".to_owned(), true),
            6 => ("rebind = \"site\"".to_owned(), false),
            7 => ("pause = \"node\"".to_owned(), true),
            _ => ("udp = { path = \"site\", becomes = \"blocked\" }".to_owned(), true),
        };
        self.line(&format!("\n[[fault]]\nat = \"{at}s\"\ndo = {{ {action} }}"));
        if undone {
            self.line(&format!("lasts = \"{lasts}s\""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_a_plan_and_always_the_same() {
        for number in 0..500 {
            assert_eq!(plan(number), plan(number));
        }
        assert_ne!(text(1), text(2));
    }
}
