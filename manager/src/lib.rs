//! The cluster manager: keeps the cluster's documents, in a folder or in MongoDB, answers the members' questions about
//! them over the transporter, and knows which servers are there. Managers can be several; any of them may die.

pub mod admission;
mod fleet;
mod folder;
pub mod founding;
mod manager;
mod mongo;
mod service;
pub mod settings;
pub mod transfer;
mod watched;

pub use admission::Admission;
pub use folder::{Folder, OpenError};
pub use manager::{Manager, StartError};
pub use mongo::{Mongo, MongoError, PrepareError, Settings, prepare};
pub use service::Service;
pub use settings::Keep;
