//! A chart in the terminal, made of eighth blocks.

/// Lines of a chart, without its title and its foot.
const HEIGHT: usize = 8;
/// The width when the terminal does not tell its own.
const WIDTH: usize = 80;
/// Narrower than this nothing can be seen.
const WIDTH_MIN: usize = 20;
/// Characters for the numbers at the left and the line beside them. The same for every chart, so
/// that charts stand below each other.
const MARGIN: usize = 10;
/// From nothing to a full block, in eighths.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values in the order of time, and what stands around them.
#[derive(Clone, Debug)]
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    /// None where there is no value.
    pub(crate) values: &'a [Option<f64>],
    pub(crate) unit: &'a str,
    /// Below the first value.
    pub(crate) first: &'a str,
    /// Below the last value.
    pub(crate) last: &'a str,
}

/// The width of the terminal by its `COLUMNS`.
pub(crate) fn width(columns: Option<&str>) -> usize {
    columns.and_then(|columns| columns.parse().ok()).unwrap_or(WIDTH).max(WIDTH_MIN)
}

impl Chart<'_> {
    /// Draws the chart `width` characters wide. The scale starts at zero, or at the lowest bar when
    /// zero is far below it. Where there are more values than characters, each bar is the mean of
    /// some.
    pub(crate) fn draw(&self, width: usize) -> String {
        let bars = means(self.values, width.saturating_sub(MARGIN).max(1));
        let present = || bars.iter().flatten().copied();
        let max = present().fold(f64::NEG_INFINITY, f64::max);
        let min = present().fold(f64::INFINITY, f64::min);
        if min > max {
            return format!("{}: nothing to draw\n", self.title);
        }
        // From zero, unless all of it would be a block without a contour.
        let floor = if min > 0.0 && min > max * 0.8 && min < max { min } else { min.min(0.0) };
        let top = if max > floor { max } else { floor + 1.0 };
        let labels = [number(top), number(floor)];
        let margin = MARGIN - 2;

        let mut text = format!("{}, {}\n", self.title, self.unit);
        for line in (0..HEIGHT).rev() {
            let label = match line {
                _ if line == HEIGHT - 1 => labels[0].as_str(),
                0 => labels[1].as_str(),
                _ => "",
            };
            text += &format!("{label:>margin$} │");
            for bar in &bars {
                text.push(bar.map_or(' ', |value| block((value - floor) / (top - floor), line)));
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        let between =
            bars.len().saturating_sub(self.first.chars().count() + self.last.chars().count());
        text += &format!(
            "{:margin$} └{}\n{:margin$}  {}{}{}\n",
            "",
            "─".repeat(bars.len()),
            "",
            self.first,
            " ".repeat(between.max(1)),
            self.last,
        );
        text
    }
}

/// The block of a bar of height `share` (0 to 1) in line `line` from below. A value above the floor
/// shows at least as the thinnest block.
fn block(share: f64, line: usize) -> char {
    let eighths = (share * (HEIGHT * 8) as f64).round().clamp(0.0, (HEIGHT * 8) as f64) as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { eighths };
    BLOCKS[eighths.saturating_sub(line * 8).min(8)]
}

/// At most `count` means of neighbouring values.
fn means(values: &[Option<f64>], count: usize) -> Vec<Option<f64>> {
    let bars = values.len().min(count);
    (0..bars)
        .map(|bar| {
            let part = &values[bar * values.len() / bars..(bar + 1) * values.len() / bars];
            let present: Vec<f64> = part.iter().flatten().copied().collect();
            (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
        })
        .collect()
}

/// A number with few digits, so that it fits the margin: 0, 0.125, 12.5, 125000, 1.3e12.
fn number(value: f64) -> String {
    match value.abs() {
        small if small < 100.0 => format!("{}", (value * 1000.0).round() / 1000.0),
        large if large < 1e7 => format!("{}", value.round()),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[Option<f64>], width: usize) -> String {
        Chart { title: "T", values, unit: "W", first: "a", last: "b" }.draw(width)
    }

    #[test]
    fn bars_stand_on_zero_and_the_highest_fills_the_chart() {
        let values = [Some(0.0), Some(4.0), Some(8.0), None, Some(1.0)];
        assert_eq!(
            drawn(&values, 20),
            "T, W\n\
             \x20      8 │  █\n\
             \x20        │  █\n\
             \x20        │  █\n\
             \x20        │  █\n\
             \x20        │ ██\n\
             \x20        │ ██\n\
             \x20        │ ██\n\
             \x20      0 │ ██ █\n\
             \x20        └─────\n\
             \x20         a   b\n"
        );
    }

    #[test]
    fn values_far_above_zero_get_a_scale_of_their_own() {
        let text = drawn(&[Some(230.0), Some(231.0)], 20);
        assert!(text.contains("231 │") && text.contains("230 │"), "{text}");
    }

    #[test]
    fn many_values_share_the_width() {
        let values: Vec<_> = (0..3000).map(|value| Some(f64::from(value))).collect();
        let text = drawn(&values, 60);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert_eq!(means(&[Some(1.0), Some(3.0), None, None], 2), [Some(2.0), None]);
    }

    #[test]
    fn nothing_equal_and_negative_values_are_drawn_too() {
        assert_eq!(drawn(&[], 20), "T: nothing to draw\n");
        assert_eq!(drawn(&[None], 20), "T: nothing to draw\n");
        assert!(drawn(&[Some(5.0), Some(5.0)], 20).contains("5 │██"));
        assert!(drawn(&[Some(0.0)], 20).contains("1 │\n"));
        assert!(drawn(&[Some(-2.0), Some(2.0)], 20).contains("-2 │"));
    }

    #[test]
    fn the_width_is_that_of_the_terminal() {
        assert_eq!(width(Some("120")), 120);
        assert_eq!(width(Some("3")), WIDTH_MIN);
        assert_eq!(width(Some("x")), WIDTH);
        assert_eq!(width(None), WIDTH);
    }
}
