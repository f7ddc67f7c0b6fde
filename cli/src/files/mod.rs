//! The user's files: `read` reads what was named, `write` writes whole files, `paths` says where they lie and what they
//! are, `trust` who could change them, `stdout` which of them standard output is, `walk` which lie in a folder. Identities are read, and layouts written,
//! by seal-disk.

mod paths;
mod read;
mod stdout;
mod trust;
mod walk;
mod write;

pub(crate) use paths::{
    Kind, exists, folder_of, git_folder, is_bare, is_empty, is_folder, is_link, is_of_git,
    is_same_file, is_stdin, is_stdout, kind, name_of, names_a_folder, real_path, relative,
    without_dots, work_tree_root,
};
pub(crate) use read::{list, read, read_text, read_utf8, stdin_is_terminal};
pub(crate) use stdout::{EMPTIED, stdout_file, stdout_is_appended_to};
pub(crate) use trust::{Distrust, Owner, distrust, owner_of};
pub(crate) use walk::{Walked, files_in, read_small};
pub(crate) use write::{
    Complete, Output, Over, complete_beside, create_folder, create_private, lock_folder, name_all,
    remove_own, stays_inside, write_all,
};
