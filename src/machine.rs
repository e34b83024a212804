//! What a primitive may touch on the machine it runs on.

pub mod actions;
pub mod archive;
pub mod backup;
pub mod compose;
pub mod edits;
pub mod env_file;
pub mod exclude;
pub mod files;
pub mod git;
pub mod health;
pub mod http;
pub mod installation;
pub mod makefile;
pub mod mariadb;
pub mod part;
pub mod postgres;
pub mod redis;
pub mod release;
pub mod restic;
pub mod root;
pub mod roots;
pub mod search;
pub mod settings_drift;
pub mod tree;
pub mod volume;
pub mod yaml;
