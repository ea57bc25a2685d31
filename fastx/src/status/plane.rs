//! The control plane as text.

use cluster::Role;
use cluster::plane::PlaneStatus;
use cluster::transporter::Link;

pub(super) fn render(plane: &PlaneStatus) -> String {
    let PlaneStatus { server_id, role, namespace, broker } = plane;
    match (role, broker) {
        (Role::Standalone, _) => "cluster    none: this server stands alone (no broker.json)\n".to_owned(),
        (Role::Member | Role::Manager, Link::Up { since }) => {
            format!("cluster    {namespace}, as {server_id}; the broker is reached since {since:.0}\n")
        }
        (Role::Member | Role::Manager, Link::Down { since, why }) => format!(
            "cluster    {namespace}, as {server_id}; the broker is not reached since {since:.0}\n             why:  {why}\n"
        ),
    }
}
