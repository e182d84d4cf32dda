//! The clone's schema is the live one's, object by object, and what others wrote gets no rights in it.

#[path = "../support/mod.rs"]
mod support;

mod catalogs;
mod hostile;
mod missing;
mod roles;
mod speed;
