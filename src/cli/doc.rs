//! `banister doc`.

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::primitives;
use crate::report::text::table;
use crate::script::kind::offers;
use crate::script::layers::nearest;

/// What has a page and is no primitive.
const KIND: &str = "kind";

/// Prints what a module in `stdlib/` must have, so that servers can be of its kind.
fn kind_page(context: &Context) {
    println!(
        "A kind of servers is a file `stdlib/KIND.rhai` of the site, or one that banister brings. Runbooks call these functions \
         of it,\nand `banister check` says which are missing. What `plain` does is a start: \
         `import \"plain\" as plain;`, then\n`fn review(server, from, to) {{ plain::review(server, from, to); }}`.\n"
    );
    for offer in offers() {
        println!("{}", context.style.bold(&offer.usage));
        for line in offer.about.lines() {
            println!("    {line}");
        }
        println!("    {}", context.style.dim(&format!("called by {}", offer.callers.join(", "))));
    }
}

/// Prints the page of a primitive, or the list of all.
pub fn doc(context: &Context, name: Option<&str>) -> Result<u8> {
    let Some(name) = name else {
        let rows: Vec<_> = primitives::all()
            .map(|primitive| primitive.page())
            .map(|page| vec![page.name.to_owned(), page.summary])
            .collect();
        print!("{}", table(&rows));
        println!("\nWhat a kind of servers must offer: `banister doc {KIND}`.");
        println!(
            "Read one with `banister doc NAME`. The examples speak of a practice server at release 0.2.10."
        );
        return Ok(0);
    };
    if name == KIND {
        kind_page(context);
        return Ok(0);
    }
    let Some(primitive) = primitives::find(name) else {
        let near = nearest(name, primitives::all().map(|primitive| primitive.name()));
        let help = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        return Err(Failure::new(Kind::Invalid, format!("there is no primitive `{name}`"))
            .help(format!("{help}List them with `banister doc`")));
    };
    let page = primitive.page();
    println!("{}\n\n{}", context.style.bold(&page.usage), page.body);
    Ok(0)
}
