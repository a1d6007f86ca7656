//! Runs one case: its body, whatever comes of it, then the postamble.
//!
//! ```text
//!   body ── Ok ──► postamble ── Ok ──► PASSED
//!     │                └─────── Err ──► INCONCLUSIVE: the meter is not as it was
//!     └─── Err ──► postamble ─────────► FAILED, INCONCLUSIVE, INAPPLICABLE
//! ```

use core::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    case::Case,
    counters::Counters,
    declaration::Declaration,
    report::Report,
    tester::{Framing, Tester, Way},
    verdict::{Finding, Verdict},
};

/// The longest that a case may take beside the waits that the declaration makes necessary: reading
/// every attribute of a meter with hundreds of objects at 9,600 Bd is done in it.
const CASE_MAX: Duration = Duration::from_secs(900);

/// Runs `case` against the implementation behind `way` and says what came of it. What it protects
/// is counted with `counters`.
pub async fn run(case: &Case, declaration: &Declaration, way: &Way, counters: &Counters) -> Report {
    let started = Instant::now();
    let tester = Tester::new(declaration, way, counters);
    let limit = CASE_MAX + declaration.hdlc.inactivity_timeout.unwrap_or_default() * 2;
    let body = async { (case.run)(&tester).end().await };
    let body = match timeout(limit, body).await {
        Ok(ended) => ended,
        Err(_) => Err(Finding::inconclusive("the case did not end in time")),
    };
    let ended = settle(&tester, body, limit).await;
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
async fn settle(
    tester: &Tester<'_>,
    body: Result<(), Finding>,
    limit: Duration,
) -> Result<(), Finding> {
    let untouched = matches!(&body, Err(finding) if finding.verdict == Verdict::Inapplicable);
    if untouched || tester.framing() == Framing::Wrapper {
        return body;
    }
    let settled = match timeout(limit, tester.postamble()).await {
        Ok(settled) => settled,
        Err(_) => Err(Finding::inconclusive("after the case the meter was not left in time")),
    };
    body.and(settled)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;
    use crate::catalogue;

    const DECLARATION: &str = "services = [\"get\"]\n[[client]]\nsap = 16\n";

    /// Runs a case against a meter that does this with each connection.
    async fn against(name: &str, framing: Framing, meter: fn(DuplexStream)) -> Report {
        against_a_pipe_of(4_096, name, framing, meter).await
    }

    /// Likewise, where a line holds so many octets that nobody took.
    async fn against_a_pipe_of(
        octets: usize,
        name: &str,
        framing: Framing,
        meter: fn(DuplexStream),
    ) -> Report {
        let declaration = Declaration::parse(DECLARATION).unwrap();
        let connect = move || {
            let (near, far) = duplex(octets);
            meter(far);
            near
        };
        let way = Way::Memory(framing, Box::new(connect));
        let case = catalogue().find(|case| case.name == name).unwrap();
        run(case, &declaration, &way, &Counters::forgetful(1)).await
    }

    /// Hears everything and says nothing.
    fn silent(mut far: DuplexStream) {
        tokio::spawn(async move { while far.read(&mut [0; 64]).await.is_ok_and(|it| it > 0) {} });
    }

    #[tokio::test(start_paused = true)]
    async fn silence_fails_a_case_that_asks_for_an_answer_in_its_own_time() {
        let started = Instant::now();
        let report = against("HDLC_FRAME_P1", Framing::Hdlc, silent).await;
        assert_eq!(report.verdict, Verdict::Failed);
        assert_eq!(report.reason, "SNRM was not answered");
        // Once for SNRM, and for the three DISC of the postamble.
        assert_eq!(started.elapsed(), Duration::from_secs(4 * 5));
        let sent = report.transcript.iter().filter(|line| line.starts_with("PHYS TX"));
        assert_eq!(sent.count(), 4, "{:?}", report.transcript);
    }

    /// Takes no octet and stays.
    fn stuck(far: DuplexStream) {
        tokio::spawn(async move {
            core::future::pending::<()>().await;
            drop(far);
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_meter_that_takes_nothing_does_not_hold_a_run_up_for_ever() {
        let a_day = Duration::from_secs(86_400);
        let report = timeout(a_day, against_a_pipe_of(1, "HDLC_FRAME_P1", Framing::Hdlc, stuck));
        let report = report.await.expect("the case ends");
        assert_eq!(report.verdict, Verdict::Inconclusive, "{report:?}");
        // The body, and the postamble.
        assert_eq!(report.took, (CASE_MAX + Duration::from_secs(240)) * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_breaks_says_nothing_about_the_rule() {
        for framing in [Framing::Hdlc, Framing::Wrapper] {
            let report = against("APPL_OPEN_1", framing, drop).await;
            assert_eq!(report.verdict, Verdict::Inconclusive, "{report:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_apply_is_not_tried() {
        let report = against("HDLC_FRAME_P1", Framing::Wrapper, silent).await;
        assert_eq!(report.verdict, Verdict::Inapplicable);
        assert_eq!((report.took, report.transcript.len()), (Duration::ZERO, 0));
    }
}
