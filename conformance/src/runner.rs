//! Runs one case: its body, whatever comes of it, then the postamble.
//!
//! ```text
//!   body ── Ok ──► postamble ── Ok ──► PASSED
//!     │                └─────── Err ──► INCONCLUSIVE: the meter is not as it was
//!     └─── Err ──► postamble ─────────► FAILED, INCONCLUSIVE, INAPPLICABLE
//! ```

use core::{cell::Cell, time::Duration};

use tokio::time::{Instant, timeout};

use crate::{
    case::Case,
    declaration::Declaration,
    report::Report,
    tester::{Framing, Tester, Way},
    verdict::{Finding, Verdict},
};

/// The longest that a case may take beside the waits that the declaration makes necessary: reading
/// every attribute of a meter with hundreds of objects at 9,600 Bd is done in it.
const CASE_MAX: Duration = Duration::from_secs(900);

/// Runs `case` against the implementation behind `way` and says what came of it. `counter` is the
/// next invocation counter that may be used; it is moved on.
pub async fn run(
    case: &Case,
    declaration: &Declaration,
    way: &Way,
    counter: &Cell<u32>,
) -> Report {
    let started = Instant::now();
    let tester = Tester::new(declaration, way, counter);
    let limit = CASE_MAX + declaration.hdlc.inactivity_timeout.unwrap_or_default() * 2;
    let body = async { (case.run)(&tester).end().await };
    let body = match timeout(limit, body).await {
        Ok(ended) => ended,
        Err(_) => Err(Finding::inconclusive("the case did not end in time")),
    };
    let ended = settle(&tester, body).await;
    let (verdict, reason) = match ended {
        Ok(()) => (Verdict::Passed, String::new()),
        Err(finding) => (finding.verdict, finding.reason),
    };
    Report {
        case: *case,
        verdict,
        reason,
        took: started.elapsed(),
        transcript: tester.transcript(),
    }
}

/// The postamble. A finding of the body stays what it is.
async fn settle(tester: &Tester<'_>, body: Result<(), Finding>) -> Result<(), Finding> {
    let untouched = matches!(&body, Err(finding) if finding.verdict == Verdict::Inapplicable);
    if untouched || tester.framing() == Framing::Wrapper {
        return body;
    }
    let settled = tester.postamble().await;
    body.and(settled)
}
