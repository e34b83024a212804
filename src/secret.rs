//! Secrets: which values they are, how a record names them, and how a text is shown without them.
//!
//! In memory a text is exact, whatever is in it. Where values are written down or sent they pass [`encode`], which puts
//! the name and a keyed digest of a secret in the place of its value, and [`decode`], which puts the value back where
//! the digest still fits. Where it does not, one [`letter`](piece) of the text stands for what is not known. What is
//! made for eyes is [`Shown`], and nothing leads from there back to a value.
//!
//! The store is one for the process, because everything that writes, sends or shows text must know all of it.

mod automaton;
mod bits;
mod decode;
mod encode;
mod failure;
mod find;
mod form;
mod given;
mod key;
mod name;
mod parts;
mod piece;
mod reading;
mod same;
mod show;
mod store;
pub mod stored;
mod tail;
mod value;
mod weak;

pub use decode::{decode, put_together};
pub use encode::{encode, needs_encoding};
pub use failure::in_failure;
pub use given::{Unfit, exact_of, fill, given_to};
pub use key::{keep_key, keyed_digest, keyed_seal, use_key_of};
pub use name::named_like_a_secret;
pub use piece::{
    Lost, Why, forget_raw, from_version_1, has_letters, lost_in, names_in, of_server, to_server,
};
pub use same::{Sameness, same};
pub use show::{Shown, show, show_value, show_without_named};
pub use store::{forget_all, has_secrets, is_any, is_kept, is_value, keep, keep_word, know};
pub use tail::{tail, without_tail};
pub use value::{is_harmless, is_weak, password_of};

use crate::failure::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};

/// A secret by its name, as scripts and journals hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    #[serde(rename = "$secret")]
    pub name: String,
}

impl Secret {
    /// The value itself. Fails if it has not been looked up in this process.
    pub fn reveal(&self) -> Result<String> {
        store::value(&self.name).ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("the secret `{}` is not known here", self.name))
                .help("read it with `read_env` or `secret` in the same run")
        })
    }

    /// What stands for it in a text: one letter, which is filled in where a secret may go.
    pub fn letter(&self) -> char {
        piece::letter(piece::Piece::Now(self.name.clone()))
    }
}
