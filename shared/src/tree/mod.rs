//! Many files of one source: which sealed objects they hold, and which objects are gone from it.
//!
//! [`collect`] reads texts and finds what is sealed for which place; [`prune`] guards against a source that lost its
//! objects by mistake; [`survey`] says of one text what is wrong with it. Pure: where texts come from is not known here.

mod clear;
pub mod collect;
mod collected;
pub mod duplicates;
mod held;
pub mod prune;
mod ruled;
pub mod survey;
mod unread;
mod word;

pub use ruled::Ruled;
