//! Where in a document a string stands: what it is called.

/// The place of a string.
pub(super) struct Place<'a> {
    /// Its name: the member, the list's member, or what the member `name` beside it says.
    pub(super) name: &'a str,
    /// It is the value of a cookie.
    pub(super) cookies: bool,
}

/// Follows a document of mappings and lists.
#[derive(Default)]
pub(super) struct Context {
    levels: Vec<Level>,
}

#[derive(Default)]
struct Level {
    mapping: bool,
    /// The next string of a mapping is a name.
    wants_name: bool,
    /// Name of the member.
    key: String,
    /// What the member `name` says.
    name: String,
    /// The string before in a list.
    before: String,
    /// Strings of the list so far.
    count: usize,
}

/// Nesting that is followed; what is deeper counts as a part of what is above.
const DEPTH: usize = 512;

impl Context {
    /// A mapping or a list begins.
    pub(super) fn open(&mut self, mapping: bool) {
        if self.levels.len() < DEPTH {
            self.levels.push(Level { mapping, wants_name: mapping, ..Level::default() });
        }
    }

    /// It ends.
    pub(super) fn close(&mut self) {
        self.levels.pop();
    }

    /// A value is over.
    pub(super) fn next(&mut self) {
        if let Some(level) = self.levels.last_mut()
            && level.mapping
            && !level.wants_name
        {
            level.wants_name = true;
        }
    }

    /// A string, with which something is done unless it is a name; says whether it was a value.
    pub(super) fn scalar(&mut self, value: &str, then: impl FnOnce(&Place<'_>)) -> bool {
        let Some(level) = self.levels.last_mut() else {
            then(&Place { name: "", cookies: false });
            return true;
        };
        if level.mapping && level.wants_name {
            value.clone_into(&mut level.key);
            level.wants_name = false;
            return false;
        }
        if level.mapping && level.key.eq_ignore_ascii_case("name") {
            value.clone_into(&mut level.name);
        }
        let keys = || self.levels.iter().rev().filter(|level| level.mapping).map(|level| level.key.as_str());
        let level = self.levels.last();
        let name = match level {
            Some(level) if level.mapping && level.key.eq_ignore_ascii_case("value") => level.name.as_str(),
            // Names and values in turn.
            Some(level) if !level.mapping && level.count % 2 == 1 && keys().next() == Some("rawHeaders") => {
                level.before.as_str()
            }
            _ => keys().next().unwrap_or(""),
        };
        let of_cookie = level.is_some_and(|level| level.mapping && level.key.eq_ignore_ascii_case("value"));
        let cookies = of_cookie && keys().skip(1).any(|key| key.eq_ignore_ascii_case("cookies"));
        then(&Place { name, cookies });
        if let Some(level) = self.levels.last_mut().filter(|level| !level.mapping) {
            level.count += 1;
            value.clone_into(&mut level.before);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_called_by_the_nearest_name() {
        let mut context = Context::default();
        let mut seen = Vec::new();
        let mut say = |context: &mut Context, value: &str| {
            context.scalar(value, |place| {
                seen.push(format!("{}={value}{}", place.name, if place.cookies { "!" } else { "" }))
            });
        };
        context.open(true);
        say(&mut context, "cookies");
        context.open(false);
        context.open(true);
        for (name, value) in [("name", "sid"), ("value", "1")] {
            say(&mut context, name);
            say(&mut context, value);
            context.next();
        }
        context.close();
        context.close();
        context.next();
        say(&mut context, "rawHeaders");
        context.open(false);
        for value in ["Set-Cookie", "a=b", "X", "y"] {
            say(&mut context, value);
            context.next();
        }
        assert_eq!(
            seen,
            ["name=sid", "sid=1!", "rawHeaders=Set-Cookie", "Set-Cookie=a=b", "rawHeaders=X", "X=y"]
        );
    }
}
