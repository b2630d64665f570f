//! How long patterns take to load, how much memory they take, and how long a look-up takes.
//!
//! ```text
//! cargo bench --bench matcher
//! ```
//!
//! For 100, 10,000 and 1,000,000 patterns of made-up vendors: nine in ten are a name or a suffix, one in ten has wildcards,
//! ten of those at one domain. Names are asked for in an order that finds nothing in the processor's caches. The medians of
//! rounds are printed. As a test (`cargo test --benches`) only the answers are checked.

#![allow(clippy::print_stdout, reason = "the table is what this is for")]

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use straggler::model::DomainName;
use straggler::rules::{Matcher, Pattern};

const SIZES: [usize; 3] = [100, 10_000, 1_000_000];
/// Names asked for in a round.
const NAMES: usize = 100_000;
const ROUNDS: usize = 11;

/// A kind of question: the name that asks the `n`th pattern of its kind, and whether it is found.
struct Question {
    name: fn(usize) -> String,
    is_found: bool,
}

const QUESTIONS: [Question; 4] = [
    Question {
        name: exact,
        is_found: true,
    },
    Question {
        name: |n| format!("s07.eu.{}", &suffix(n)[1..]),
        is_found: true,
    },
    Question {
        name: |n| wildcard(n).replace('*', "a7"),
        is_found: true,
    },
    Question {
        name: |n| format!("www.site{n}.example.org"),
        is_found: false,
    },
];

fn exact(n: usize) -> String {
    format!("update{}.cdn.vendor{}.com", n % 7, n)
}

fn suffix(n: usize) -> String {
    format!(".upd.maker{n}.net")
}

/// Ten at one domain.
fn wildcard(n: usize) -> String {
    format!("dnl-{}-*.geo.brand{}.com", n % 10, n / 10)
}

fn pattern(n: usize) -> String {
    match n % 10 {
        0 => wildcard(n / 10),
        kind if kind < 5 => suffix(n / 2),
        _ => exact(n / 2),
    }
}

fn main() {
    if let Some(size) = std::env::args().find_map(|argument| argument.parse().ok()) {
        measure(size, ROUNDS);
        return;
    }
    println!(
        "| patterns | load, ms | memory, MiB | a name | below a suffix | by a wildcard, ten of them at one domain | no match |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    // A test run gives no `--bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        measure(SIZES[0], 1);
        return;
    }
    for size in SIZES {
        // A process each: memory that an earlier size gave back would hide what this one takes.
        let own = std::env::current_exe().expect("this program");
        let status = Command::new(own).arg(size.to_string()).status();
        assert!(status.is_ok_and(|status| status.success()));
    }
}

fn measure(size: usize, rounds: usize) {
    let texts: Vec<String> = (0..size).map(pattern).collect();
    let parsed = || {
        let pairs = texts.iter().enumerate();
        pairs.map(|(n, text)| (Pattern::parse(text).expect("a pattern"), n))
    };
    let before = resident();
    let began = Instant::now();
    let matcher = Matcher::new(parsed());
    let load = began.elapsed();
    let memory = resident().saturating_sub(before);
    let asked: Vec<usize> = (0..size).collect();
    let times = QUESTIONS.iter().map(|question| {
        let of_kind = asked
            .iter()
            .copied()
            .filter(|&n| !question.is_found || matcher_has(&matcher, &(question.name)(n)));
        let known: Vec<usize> = of_kind.collect();
        assert!(!known.is_empty(), "a pattern of each kind");
        let names: Vec<DomainName> = (0..NAMES)
            .map(|turn| known[turn.wrapping_mul(7_919) % known.len()])
            .map(|n| DomainName::parse(&(question.name)(n)).expect("a name"))
            .collect();
        let mut spent: Vec<Duration> = (0..rounds)
            .map(|_| {
                let began = Instant::now();
                for name in &names {
                    let found = black_box(matcher.find(black_box(name.as_name()))).is_some();
                    assert_eq!(found, question.is_found, "{name}");
                }
                began.elapsed()
            })
            .collect();
        spent.sort_unstable();
        spent[rounds / 2].as_nanos() / NAMES as u128
    });
    let times: Vec<String> = times.map(|nanos| nanos.to_string()).collect();
    println!(
        "| {size} | {:.1} | {:.1} | {} |",
        load.as_secs_f64() * 1e3,
        memory as f64 / f64::from(1 << 20),
        times.join(" | ")
    );
}

fn matcher_has(matcher: &Matcher<usize>, name: &str) -> bool {
    let name = DomainName::parse(name).expect("a name");
    matcher.find(name.as_name()).is_some()
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.map_or(0, |pages: u64| pages * 4096)
}
