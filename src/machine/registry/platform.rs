//! Which of an index's entries is for which machine.

use std::fmt;

/// An operating system on a processor, as Go names them: `linux/amd64`, `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    /// `v7`; empty if there is none, or if it is the usual one.
    pub variant: String,
}

impl Platform {
    /// Any spelling that the kernel, Docker or Go have; the usual variant is left out.
    pub fn new(os: &str, architecture: &str, variant: &str) -> Platform {
        let lower = architecture.to_ascii_lowercase();
        let (architecture, own) = match lower.as_str() {
            "x86_64" | "x86-64" => ("amd64", ""),
            "aarch64" => ("arm64", ""),
            "x86" | "i386" | "i486" | "i586" | "i686" => ("386", ""),
            "armhf" | "armv7l" => ("arm", "v7"),
            "armel" | "armv6l" => ("arm", "v6"),
            "powerpc64le" => ("ppc64le", ""),
            known => (known, ""),
        };
        let variant = if variant.is_empty() { own } else { variant };
        let variant = match (architecture, variant) {
            ("arm64", "v8" | "8") | ("amd64", "v1") => "",
            ("arm", "" | "7") => "v7",
            (_, variant) => variant,
        };
        Platform { os: os.to_ascii_lowercase(), architecture: architecture.into(), variant: variant.into() }
    }

    /// That of this machine, as far as the program was built for it.
    pub fn of_this_machine() -> Platform {
        Platform::new(std::env::consts::OS, std::env::consts::ARCH, "")
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(out, "/{}", self.variant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_platform_has_many_spellings() {
        let shown = |architecture, variant| Platform::new("linux", architecture, variant).to_string();
        assert_eq!(shown("x86_64", ""), "linux/amd64");
        assert_eq!(shown("aarch64", ""), shown("arm64", "v8"));
        assert_eq!(shown("arm", ""), shown("armv7l", ""));
        assert_ne!(shown("arm", "v6"), shown("arm", "v7"));
        assert_ne!(shown("amd64", "v3"), shown("amd64", ""));
    }
}
