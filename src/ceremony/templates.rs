//! Texts of runbooks and transcripts: built in, each replaced by a file of its name in the home.

use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior, Value};

use super::error::CeremonyError;
use crate::files;

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// The templates by name.
        const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../templates/ceremonies/", $name))),)*];
    };
}

built_in!(
    "genesis.md",
    "rotation.md",
    "compromise.md",
    "recovery.md",
    "transcript.md",
    "head.md",
    "roles.md",
    "start.md",
    "sign.md",
    "shares.md",
    "trouble.md",
    "end.md",
);

/// Where templates come from.
#[derive(Debug, Clone)]
pub struct Templates {
    overrides: Option<PathBuf>,
}

impl Templates {
    /// The built-in ones, but for those that the home `dir` has in `templates/ceremonies/`.
    pub fn of_home(dir: &Path) -> Self {
        Templates {
            overrides: Some(dir.join("templates/ceremonies")),
        }
    }

    /// The built-in ones.
    pub fn built_in() -> Self {
        Templates { overrides: None }
    }

    /// Renders a template. A name that it does not know is an error, not an empty place: in a runbook
    /// that would be a command without its key.
    pub(super) fn render(&self, name: &str, values: Value) -> Result<String, CeremonyError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_filter("code", code_span);
        let fails = |error: minijinja::Error| template_error(name, &error);
        for (name, text) in BUILT_IN {
            let text = match self.overriding(name)? {
                Some(text) => text,
                None => (*text).to_owned(),
            };
            environment.add_template_owned(*name, text).map_err(fails)?;
        }
        let template = environment.get_template(name).map_err(fails)?;
        let mut text = template.render(values).map_err(fails)?;
        // The one at the end of a template is not part of it.
        text.push('\n');
        Ok(text)
    }

    fn overriding(&self, name: &str) -> Result<Option<String>, CeremonyError> {
        let Some(path) = self.overrides.as_ref().map(|folder| folder.join(name)) else {
            return Ok(None);
        };
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let bytes = files::read(&path)?;
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| CeremonyError::Template {
                name: name.to_owned(),
                message: format!("{} is not UTF-8 text", path.display()),
            })
    }
}

/// What is wrong, in the template where it is: errors of an included one come wrapped.
fn template_error(name: &str, error: &minijinja::Error) -> CeremonyError {
    let mut inner = error;
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref() {
            inner = cause;
        }
        source = cause.source();
    }
    let place = inner.line().map(|line| format!("line {line}: "));
    let what = inner
        .detail()
        .map_or_else(|| inner.kind().to_string(), str::to_owned);
    CeremonyError::Template {
        name: inner.name().unwrap_or(name).to_owned(),
        message: format!("{}{what}", place.unwrap_or_default()),
    }
}

/// Text from a transcript as a code span on one line: nothing in it can become Markdown.
fn code_span(text: String) -> String {
    let shown: String = text
        .chars()
        .map(|c| match c {
            '|' => '¦',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 && !shown.trim().is_empty() {
        format!("`{shown}`")
    } else {
        format!("{fence} {shown} {fence}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_code_span() {
        assert_eq!(code_span("pith mint".into()), "`pith mint`");
        assert_eq!(code_span("a`b``c\n# d|".into()), "``` a`b``c # d¦ ```");
        assert_eq!(code_span(String::new()), "`  `");
    }
}
