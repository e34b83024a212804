//! `banister customize`.

use super::context::Context;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::machine::files::write_durably;
use crate::script::layers::kinds::Kinds;
use crate::script::layers::{Folder, Layers};
use crate::script::reference::definitions::{FILE, HEAD, definitions};
use crate::script::reference::examples::examples;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes the site's file for a bundled runbook or module, all of it comments. Never over a file that is there.
pub fn customize(context: &Context, name: &str) -> Result<u8> {
    let site = context.site()?;
    let there =
        [Folder::Runbooks, Folder::Stdlib].into_iter().find(|folder| Layers::is_bundled(*folder, name));
    let Some(folder) = there else {
        let message = format!("the program brings no runbook or module `{name}`");
        return Err(Failure::new(Kind::Invalid, message).help("list the runbooks with `banister list`"));
    };
    let text = Layers::bundled_text(folder, name).unwrap_or_default();
    let file = site.folder().join(folder.name()).join(format!("{name}.rhai"));
    let failed = || format!("can't write `{}`", file.display());
    std::fs::create_dir_all(site.folder().join(folder.name())).or_fail(Kind::Invalid, failed)?;
    if file.exists() {
        return Err(Failure::new(Kind::Invalid, format!("there is a file `{}` already", file.display()))
            .help("edit that one, or move it away first"));
    }
    // Cut off half-way it is a comment still, which changes nothing.
    let mut open = std::fs::File::create_new(&file).or_fail(Kind::Invalid, failed)?;
    open.write_all(examples(&text).as_bytes())
        .and_then(|()| open.sync_all())
        .or_fail(Kind::Invalid, failed)?;
    Layers::keep_base(site.folder(), folder, name)?;
    let editors = write_definitions(site.folder(), Kinds::of(context.servers(&site)?))?;
    if context.json {
        println!("{}", json!({ "file": file, "definitions": editors }));
        return Ok(0);
    }
    println!("wrote {}: all of it is comments, so that it changes nothing yet", file.display());
    if let Some(editors) = editors {
        println!(
            "wrote {}: from it, Rhai's language server completes and explains in an editor",
            editors.display()
        );
    }
    println!("next:  take the `//` from what you want to change, then `banister check`");
    Ok(0)
}

/// Writes what an editor has to know, of this version of the program and of the site as it is; not over a file that is
/// somebody's own.
fn write_definitions(site: &Path, kinds: Kinds) -> Result<Option<PathBuf>> {
    let file = site.join(FILE);
    let failed = || format!("can't write `{}`", file.display());
    let is_ours = match std::fs::read_to_string(&file) {
        Ok(text) => text.starts_with(HEAD),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if !is_ours {
        return Ok(None);
    }
    let text = definitions(&Arc::new(Layers::of_site(Some(site), kinds)));
    std::fs::create_dir_all(file.parent().unwrap_or(site)).or_fail(Kind::Invalid, failed)?;
    write_durably(&file, text.as_bytes())?;
    Ok(Some(file))
}
