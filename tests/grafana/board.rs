//! Dashboards as they are in git: panels, queries, variables.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One dashboard.
pub(crate) struct Board {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// One query, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// The uid of its dashboard.
    pub(crate) board: String,
    /// Title of its panel, or name of its annotation.
    pub(crate) title: String,
    /// Which of the panel's queries it is.
    pub(crate) reference: String,
    pub(crate) expr: String,
    /// Asked for one instant, and not for the whole time that the dashboard shows.
    pub(crate) instant: bool,
    pub(crate) datasource: Value,
    /// Labels that its panel shows, by the names that they have in the answer.
    pub(crate) shown: Vec<String>,
}

/// All dashboards, in the order of their names.
pub(crate) fn boards() -> Vec<Board> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/dashboards");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let json = serde_json::from_str(&text).unwrap();
            Board { path, text, json }
        })
        .collect()
}

/// A string inside, or "" where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A list inside, or an empty one.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

impl Board {
    pub(crate) fn uid(&self) -> &str {
        text(&self.json, "/uid")
    }

    /// Every panel, rows too.
    pub(crate) fn panels(&self) -> &[Value] {
        list(&self.json, "/panels")
    }

    pub(crate) fn variables(&self) -> &[Value] {
        list(&self.json, "/templating/list")
    }

    /// The queries of all panels.
    pub(crate) fn panel_queries(&self) -> Vec<Query> {
        let queries = self.panels().iter().flat_map(|panel| {
            list(panel, "/targets").iter().map(|target| Query {
                board: self.uid().to_owned(),
                title: text(panel, "/title").to_owned(),
                reference: text(target, "/refId").to_owned(),
                expr: text(target, "/expr").to_owned(),
                instant: target["instant"] == true,
                datasource: target["datasource"].clone(),
                shown: shown(panel, target),
            })
        });
        queries.collect()
    }

    /// The queries of annotations, but for Grafana's own.
    pub(crate) fn annotation_queries(&self) -> Vec<Query> {
        list(&self.json, "/annotations/list")
            .iter()
            .filter(|annotation| annotation["builtIn"] != 1)
            .map(|annotation| Query {
                board: self.uid().to_owned(),
                title: text(annotation, "/name").to_owned(),
                reference: "annotation".to_owned(),
                expr: text(annotation, "/expr").to_owned(),
                instant: false,
                datasource: annotation["datasource"].clone(),
                shown: [
                    text(annotation, "/titleFormat"),
                    text(annotation, "/textFormat"),
                ]
                .iter()
                .flat_map(|format| braced(format))
                .collect(),
            })
            .collect()
    }
}

/// What stands in double braces.
fn braced(format: &str) -> Vec<String> {
    format
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(label, _)| label.to_owned())
        .collect()
}

/// Labels in the legend, and those columns of a table that its only query has to bring.
fn shown(panel: &Value, target: &Value) -> Vec<String> {
    let mut labels = braced(text(target, "/legendFormat"));
    if list(panel, "/targets").len() == 1 {
        labels.extend(columns(panel));
    }
    labels
}

/// Columns of a table that are labels.
pub(crate) fn columns(panel: &Value) -> Vec<String> {
    list(panel, "/transformations")
        .iter()
        .filter_map(|step| step.pointer("/options/indexByName")?.as_object())
        .flat_map(|columns| columns.keys().cloned())
        .filter(|name| !name.starts_with("Value"))
        .collect()
}
