//! As much of PromQL as tells which series an expression selects. Prometheus itself says whether it is sound.

/// One selector of a metric of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    /// Matchers as they are written, as in `job=~"$job"`.
    pub(crate) matchers: Vec<String>,
    /// What stands in square brackets behind it.
    pub(crate) range: Option<String>,
    /// The function or aggregation that it is the first argument of.
    pub(crate) function: String,
}

impl Selector {
    /// Names of the labels that are matched.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.matchers
            .iter()
            .map(|matcher| matcher.split(['=', '!']).next().unwrap_or_default())
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// All selectors of an expression, in their order.
pub(crate) fn selectors(expr: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(at) = next_metric(rest) {
        let start = expr.len() - rest.len() + at;
        let end = expr[start..]
            .find(|character| !is_name(character))
            .map_or(expr.len(), |length| start + length);
        let mut selector = Selector {
            metric: expr[start..end].to_owned(),
            function: function_before(&expr[..start]),
            ..Selector::default()
        };
        rest = &expr[end..];
        if let Some(inside) = rest.strip_prefix('{') {
            let (matchers, behind) = inside.split_once('}').unwrap_or((inside, ""));
            selector.matchers = matchers
                .split(',')
                .map(|one| one.trim().to_owned())
                .collect();
            rest = behind;
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let (range, behind) = inside.split_once(']').unwrap_or((inside, ""));
            selector.range = Some(range.to_owned());
            rest = behind;
        }
        found.push(selector);
    }
    found
}

fn next_metric(text: &str) -> Option<usize> {
    ["straggler_", "process_"]
        .iter()
        .filter_map(|prefix| text.find(prefix))
        .min()
}

/// The function or aggregation whose bracket opens at the end, as in `rate(` and `max by (site) (`.
fn function_before(text: &str) -> String {
    let Some(before) = text.strip_suffix('(') else {
        return String::new();
    };
    let aggregation = before
        .trim_end()
        .strip_suffix(')')
        .and_then(|before| before.rsplit_once('('))
        .and_then(|(before, _)| before.trim_end().strip_suffix(" by"));
    let before = aggregation.unwrap_or(before);
    let start = before.rfind(|character| !is_name(character));
    before[start.map_or(0, |at| at + 1)..].to_owned()
}

/// Labels by which an expression aggregates or joins.
pub(crate) fn grouping_labels(expr: &str) -> Vec<String> {
    ["by (", "on (", "group_left ("]
        .iter()
        .flat_map(|word| expr.split(word).skip(1))
        .filter_map(|rest| rest.split_once(')'))
        .flat_map(|(labels, _)| labels.split(','))
        .map(|label| label.trim().to_owned())
        .filter(|label| !label.is_empty())
        .collect()
}

#[test]
fn selectors_are_told_with_matchers_range_and_function() {
    let expr = r#"sum by (site, a) (rate(straggler_a_total{job=~"$job", x="1"}[$__range])) / on () max by (c) (straggler_b)"#;
    let expected = Selector {
        metric: "straggler_a_total".to_owned(),
        matchers: vec![r#"job=~"$job""#.to_owned(), r#"x="1""#.to_owned()],
        range: Some("$__range".to_owned()),
        function: "rate".to_owned(),
    };
    let aggregated = Selector {
        metric: "straggler_b".to_owned(),
        function: "max".to_owned(),
        ..Selector::default()
    };
    assert_eq!(selectors(expr), [expected, aggregated]);
    assert_eq!(grouping_labels(expr), ["site", "a", "c"]);
}
