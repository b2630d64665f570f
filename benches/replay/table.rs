//! The table that is printed at the end, as Markdown.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table as Grid};

use super::contest::Contestant;
pub use super::markdown::grouped;

const HEADER: [&str; 8] = [
    "workload",
    "contestant",
    "CPU s",
    "least–most",
    "packets/s",
    "ratio",
    "peak MiB",
    "names found of told",
];
/// Columns with words; the others have numbers.
const WORDS: usize = 2;
/// Where there is nothing to say.
const NONE: &str = "–";
const MIB: f64 = (1 << 20) as f64;

pub struct Table(Grid);

impl Table {
    pub fn new() -> Self {
        let mut grid = Grid::new();
        grid.load_style(ASCII_MARKDOWN).set_header(HEADER);
        for column in grid.column_iter_mut().skip(WORDS) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        Self(grid)
    }

    /// A line for each contestant.
    pub fn add(&mut self, workload: &str, packets: usize, contestants: &[Contestant]) {
        let median = |contestant: &Contestant| contestant.cpu_seconds()[1];
        let floor = contestants.iter().find(|other| other.is_yardstick());
        let floor = floor.map(median);
        let told = contestants.iter().find_map(Contestant::names_found);
        for contestant in contestants {
            let [least, median, most] = contestant.cpu_seconds();
            let names = contestant.names_found().zip(told);
            self.0.add_row([
                workload.to_owned(),
                contestant.name().to_owned(),
                format!("{median:.3}"),
                format!("{least:.3}–{most:.3}"),
                grouped((packets as f64 / median) as u64),
                floor.map_or(NONE.to_owned(), |floor| format!("{:.2}", median / floor)),
                format!("{:.1}", contestant.peak() as f64 / MIB),
                names.map_or(NONE.to_owned(), |(found, told)| {
                    format!("{} of {}", grouped(found), grouped(told))
                }),
            ]);
        }
    }

    pub fn print(&self) {
        println!("\n{}\n", self.0);
        println!(
            "CPU s: of the whole process on one core, the median of the rounds, packets/s and"
        );
        println!("ratio (to tcpdump) by it. Peak: the most that was resident in any round.");
    }
}
