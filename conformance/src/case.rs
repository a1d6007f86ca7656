//! A test case: a name, a purpose, and what is done.

use core::{fmt, future::Future, pin::Pin};

use crate::{tester::Tester, verdict::Finding};

/// The groups of test cases, by the layer that they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// The data link layer with HDLC (IEC 62056-46).
    Hdlc,
    /// The application layer (IEC 62056-5-3).
    ApplicationLayer,
    /// COSEM interface objects (IEC 62056-6-2).
    CosemObjects,
    /// Security suite 0 (IEC 62056-5-3).
    Symsec0,
}

impl Group {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hdlc => "hdlc",
            Self::ApplicationLayer => "application-layer",
            Self::CosemObjects => "cosem-objects",
            Self::Symsec0 => "symsec-0",
        }
    }
}

/// A case under way.
pub(crate) struct Run<'t>(Pin<Box<dyn Future<Output = Result<(), Finding>> + 't>>);

impl<'t> Run<'t> {
    pub(crate) fn new(future: impl Future<Output = Result<(), Finding>> + 't) -> Self {
        Self(Box::pin(future))
    }

    pub(crate) async fn end(self) -> Result<(), Finding> {
        self.0.await
    }
}

/// One test case.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its public name.
    pub name: &'static str,
    /// The layer that it looks at.
    pub group: Group,
    /// What it is to find out.
    pub purpose: &'static str,
    /// The clause that states the rule.
    pub reference: &'static str,
    pub(crate) run: for<'t> fn(&'t Tester<'t>) -> Run<'t>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Declares the cases of one group, in the order in which they are run.
macro_rules! cases {
    ($group:ident: $($name:literal $function:path, $reference:literal, $purpose:literal;)+) => {
        &[$($crate::case::Case {
            name: $name,
            group: $crate::case::Group::$group,
            purpose: $purpose,
            reference: $reference,
            run: |tester| $crate::case::Run::new($function(tester)),
        }),+]
    };
}

pub(crate) use cases;
