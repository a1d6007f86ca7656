//! Reading a table of the declaration so that nothing in it stays unread.

use core::ops::RangeInclusive;

use toml::{Table, Value};

use super::DeclarationError;

/// How alike a key must be to one that is known to be suggested instead of it (Jaro-Winkler).
const ALIKE: f64 = 0.8;

/// A table of which every key is taken once, and what is left is an error.
pub(super) struct Section {
    name: String,
    table: Table,
    /// The keys that were asked for: what a wrong one may have been meant as.
    known: Vec<&'static str>,
}

impl Section {
    pub(super) fn new(name: impl Into<String>, table: Table) -> Self {
        Self { name: name.into(), table, known: Vec::new() }
    }

    /// An error about `key`.
    pub(super) fn wrong(&self, key: &str, what: impl Into<String>) -> DeclarationError {
        DeclarationError::Value { place: self.place(key), what: what.into() }
    }

    fn place(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, DeclarationError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text in quotes is due")),
        }
    }

    /// A text that means one of `words`.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, DeclarationError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        self.meaning(key, &text, words).map(Some)
    }

    fn meaning<T: Copy>(
        &self,
        key: &str,
        text: &str,
        words: &[(&str, T)],
    ) -> Result<T, DeclarationError> {
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(key, format!("{text:?} is none of {}", known.join(", ")))
        })
    }

    /// A list of texts, each of which means one of `words`.
    pub(super) fn words<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, DeclarationError> {
        let Some(texts) = self.texts(key)? else { return Ok(None) };
        texts.iter().map(|text| self.meaning(key, text, words)).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn texts(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Vec<String>>, DeclarationError> {
        let Some(list) = self.list(key)? else { return Ok(None) };
        let text = |value| match value {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(key, "a list of texts in quotes is due")),
        };
        list.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    fn list(&mut self, key: &'static str) -> Result<Option<Vec<Value>>, DeclarationError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(self.wrong(key, "a list in brackets is due")),
        }
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<T>, DeclarationError> {
        let due = || format!("a number from {} to {} is due", range.start(), range.end());
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) if range.contains(&number) => match T::try_from(number) {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.wrong(key, due())),
            },
            Some(_) => Err(self.wrong(key, due())),
        }
    }

    pub(super) fn numbers(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Vec<i64>>, DeclarationError> {
        let Some(list) = self.list(key)? else { return Ok(None) };
        let number = |value| match value {
            Value::Integer(number) => Ok(number),
            _ => Err(self.wrong(key, "a list of numbers is due")),
        };
        list.into_iter().map(number).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn truth(&mut self, key: &'static str) -> Result<bool, DeclarationError> {
        match self.take(key) {
            None => Ok(false),
            Some(Value::Boolean(truth)) => Ok(truth),
            Some(_) => Err(self.wrong(key, "true or false is due")),
        }
    }

    pub(super) fn section(&mut self, key: &'static str) -> Result<Option<Self>, DeclarationError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self::new(key, table))),
            Some(_) => Err(self.wrong(key, "a section is due")),
        }
    }

    pub(super) fn sections(&mut self, key: &'static str) -> Result<Vec<Self>, DeclarationError> {
        let list = self.list(key)?.unwrap_or_default();
        let section = |(index, value)| match value {
            Value::Table(table) => Ok(Self::new(format!("{key}[{index}]"), table)),
            _ => Err(self.wrong(key, format!("sections [[{key}]] are due"))),
        };
        list.into_iter().enumerate().map(section).collect()
    }

    /// What is left is nothing that anybody knows.
    pub(super) fn finish(self) -> Result<(), DeclarationError> {
        let Some(key) = self.table.keys().next() else { return Ok(()) };
        let likeness = |known: &&'static str| strsim::jaro_winkler(key, known);
        let alike = self.known.iter().copied().filter(|known| likeness(known) >= ALIKE);
        let suggestion = alike.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
        Err(DeclarationError::Unknown { place: self.place(key), suggestion })
    }
}
