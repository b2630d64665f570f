//! Tables as Markdown, so that documents can quote what a measurement prints.

#![allow(dead_code, reason = "each bench uses a part")]

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

/// Bytes of a mebibyte.
pub const MIB: f64 = (1 << 20) as f64;

/// A table of which the first columns have words and the others numbers.
pub struct Markdown(Table);

impl Markdown {
    pub fn new(words: usize, header: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(header);
        for column in table.column_iter_mut().skip(words) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        Self(table)
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.add_row(cells);
    }

    pub fn print(&self, title: &str) {
        println!("\n{title}\n\n{}", self.0);
    }
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let mut text = head.to_owned();
    for group in rest.as_bytes().chunks(3) {
        text.push(',');
        text.extend(group.iter().map(|&digit| char::from(digit)));
    }
    text
}

/// The middle one; of an even number the later of the two in the middle.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
