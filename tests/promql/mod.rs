//! As much of PromQL as tells which series an expression asks for. It is no parser: `promtool` says whether it is one.

/// Words that are no metric and stand without parentheses.
const WORDS: [&str; 6] = ["and", "or", "unless", "offset", "bool", "atan2"];

/// Words before a list of labels.
const LISTS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// One metric that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Selector {
    /// Its name.
    pub metric: String,
    /// Labels and the values that they are compared with; those of an alternation one by one.
    pub matchers: Vec<(String, Vec<String>)>,
}

/// All that an expression asks for, in its order.
pub fn selectors(text: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if next == '"' {
            rest = after(&rest[1..], '"');
        } else if next == '[' {
            rest = after(rest, ']');
        } else if next.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else if is_of_a_name(next) {
            let name = word(rest);
            rest = rest[name.len()..].trim_start();
            if LISTS.contains(&name) {
                rest = after(rest, ')');
            } else if let Some(inside) = rest.strip_prefix('{') {
                // No value in our rules has a brace.
                let (matchers, behind) = inside.split_once('}').unwrap();
                let metric = name.to_owned();
                let matchers = matchers_of(matchers);
                found.push(Selector { metric, matchers });
                rest = behind;
            } else if !rest.starts_with('(')
                && !WORDS.contains(&name)
                && !LISTS.contains(&word(rest))
            {
                let metric = name.to_owned();
                let matchers = Vec::new();
                found.push(Selector { metric, matchers });
            }
        } else {
            rest = &rest[next.len_utf8()..];
        }
    }
    found
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

fn word(text: &str) -> &str {
    text.split(|letter| !is_of_a_name(letter)).next().unwrap()
}

fn after(text: &str, end: char) -> &str {
    text.split_once(end).unwrap().1
}

/// `%q` stands for a quoted text, as in a format.
fn matchers_of(text: &str) -> Vec<(String, Vec<String>)> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs
        .map(|pair| {
            let label = word(pair.trim());
            let value = pair.trim()[label.len()..].trim_start_matches(['=', '!', '~']);
            let values = value.trim_matches('"').split('|').map(str::to_owned);
            (label.to_owned(), values.collect())
        })
        .collect()
}

#[test]
fn it_finds_what_is_asked_for_and_nothing_else() {
    let text = "group by (a, b) (rate(x_total{k=~\"v|w\",m!=%q}[5m] offset 1d)) / on (a) group_left () (s:x:y > 0.5)\n\
        unless label_replace(up, \"of\", \"z\", \"\", \"\") * 1e3 and time()";
    let asked = selectors(text);
    let names: Vec<&str> = asked.iter().map(|one| one.metric.as_str()).collect();
    assert_eq!(names, ["x_total", "s:x:y", "up"]);
    let values = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        asked[0].matchers,
        [
            ("k".to_owned(), values(&["v", "w"])),
            ("m".to_owned(), values(&["%q"]))
        ]
    );
}
