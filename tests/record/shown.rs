//! How programs print a secret, and that a person does not see it.
