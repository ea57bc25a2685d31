//! The plans in `netsim/plans`, which every program carries.

/// A plan that needs no file.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// `fastx sim NAME`.
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),*) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../plans/", $name, ".toml")) }),*]
    };
}

/// In the order of `fastx sim --list`.
pub const SHIPPED: &[Shipped] =
    shipped!["campus", "satellite", "hotel", "mobile", "lan", "transatlantic", "typing", "cluster", "scale"];

/// The plan of this name.
pub fn shipped(name: &str) -> Option<Shipped> {
    SHIPPED.iter().find(|plan| plan.name == name).copied()
}
