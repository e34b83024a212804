//! `banister doc`.

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::primitive::Page;
use crate::primitives;
use crate::report::text::{Style, table};
use crate::script::layers::nearest;

/// Prints the page of a primitive, or the list of all.
pub fn doc(context: &Context, name: Option<&str>) -> Result<u8> {
    let Some(name) = name else {
        let rows: Vec<_> = primitives::ALL
            .iter()
            .map(|primitive| primitive.page())
            .map(|page| vec![page.name.to_owned(), page.summary])
            .collect();
        print!("{}", table(&rows));
        println!(
            "\nRead one with `banister doc NAME`. The examples speak of a practice server at release 0.2.10."
        );
        return Ok(0);
    };
    let Some(primitive) = primitives::find(name) else {
        let near = nearest(name, primitives::ALL.iter().map(|primitive| primitive.name()));
        let help = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        return Err(Failure::new(Kind::Invalid, format!("there is no primitive `{name}`"))
            .help(format!("{help}List them with `banister doc`")));
    };
    print!("{}", page(&primitive.page(), context.style));
    Ok(0)
}

/// A page as a person reads it.
pub fn page(page: &Page, style: Style) -> String {
    format!("{}\n\n{}\n", style.bold(&page.usage), page.body)
}
