//! What is printed: a row for each measurement, and the bounds that are to hold.

use std::time::Duration;

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<[String; 4]>,
    bounds: Vec<(String, bool)>,
}

impl Table {
    pub(crate) fn row(&mut self, what: &str, program: &str, value: String, more: String) {
        eprintln!("  {program}: {value} {more}");
        self.rows.push([what.to_owned(), program.to_owned(), value, more]);
    }

    /// A bound: what was found, and whether it holds.
    pub(crate) fn bound(&mut self, text: String, holds: bool) {
        self.bounds.push((text, holds));
    }

    pub(crate) fn print(&self) {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let (a, b, c) = (width(0), width(1), width(2));
        let mut last = "";
        for [what, program, value, more] in &self.rows {
            let shown = if what == last { "" } else { what };
            last = what;
            println!("{}", format!("{shown:a$}  {program:b$}  {value:>c$}  {more}").trim_end());
        }
        println!();
        for (text, holds) in &self.bounds {
            println!("{}  {text}", if *holds { "holds " } else { "BROKEN" });
        }
    }
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

pub(crate) fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// The value below which `percent` of the sorted `times` are.
pub(crate) fn at(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
