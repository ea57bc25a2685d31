//! The cluster manager: keeps the cluster's documents, in a folder or in MongoDB, and answers the members' questions
//! about them over the transporter. Managers can be several; any of them may die.

mod folder;
mod mongo;
mod service;

pub use folder::{Folder, OpenError};
pub use mongo::{Mongo, MongoError, Settings, settings};
pub use service::Service;
