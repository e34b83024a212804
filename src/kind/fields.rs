//! The fields of a table that is read from TOML, as the source has them: the comments above them are the only documentation
//! that there is.

/// A field that can be written.
pub struct Field {
    pub name: String,
    /// Its type, as Rust writes it.
    pub form: String,
    /// Its comment, line by line.
    pub comment: Vec<String>,
}

/// The public fields of the struct `table` in the text of its file, from top to bottom.
pub fn fields(source: &str, table: &str) -> Vec<Field> {
    let head = format!("pub struct {table} {{");
    let body = source.split_once(&head).map_or("", |(_, rest)| rest);
    let (mut fields, mut comment) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim).take_while(|line| *line != "}") {
        if let Some(said) = line.strip_prefix("///") {
            comment.push(said.trim().to_owned());
        } else if let Some((name, form)) = line.strip_prefix("pub ").and_then(|field| field.split_once(": "))
        {
            let (name, form) = (name.to_owned(), form.trim_end_matches(',').to_owned());
            fields.push(Field { name, form, comment: std::mem::take(&mut comment) });
        }
    }
    fields
}
