//! The user's files: `read` reads what was named, `write` writes whole files, `paths` says where they lie and what they
//! are. Identities are read, and layouts written, by seal-disk.

mod paths;
mod read;
mod write;

pub(crate) use paths::{
    current_user, exists, folder_of, is_folder, is_stdin, name_of, owner, real_path, relative,
    work_tree_root,
};
pub(crate) use read::{read, read_text, read_utf8, regular_files, stdin_is_terminal};
pub(crate) use write::{Output, create_folder, create_private, lock_folder, write_all};
