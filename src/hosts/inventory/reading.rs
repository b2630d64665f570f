//! Reads an inventory (CSV): rows that complete each other, and what is wrong with one that cannot be read.

use std::net::IpAddr;
use std::sync::Arc;

use super::{AddressRow, Inventory, Listed};
use crate::model::{HostKey, Mac};

/// Rows that are read: more than a sensor can tell apart.
const MAX_ROWS: usize = 131_072;
/// Longest text of a field in bytes.
const MAX_TEXT: usize = 200;
/// Longest id in bytes.
const MAX_ID: usize = 64;
const COLUMNS: [&str; 6] = ["mac", "address", "name", "owner", "site", "id"];

/// Why an inventory is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct InventoryError {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong, and how to mend it.
    pub what: String,
    /// The same without anything that stands in the file, where that may tell who a device is.
    pub discreet: String,
}

impl Inventory {
    /// Reads a CSV text: a header row, then a row for each interface or address of a device. Columns are `mac`, `address`,
    /// `name`, `owner`, `site` and `id` in any order; rows with the same id, or without one the same name, are one device.
    pub fn parse(text: &str) -> Result<Self, InventoryError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| fault(&error))?.clone();
        let columns = columns(&header)?;
        let mut inventory = Self::default();
        for (number, row) in reader.records().enumerate() {
            let row = row.map_err(|error| fault(&error))?;
            let line = row.position().map_or(0, csv::Position::line);
            if number >= MAX_ROWS {
                return Err(wrong(
                    line,
                    format!("more than {MAX_ROWS} rows; leave some out"),
                ));
            }
            let field = |column: &str| {
                let at = columns.iter().position(|known| *known == column)?;
                row.get(at).filter(|text| !text.is_empty())
            };
            inventory.row(&field, line)?;
        }
        Ok(inventory)
    }

    fn row<'a>(
        &mut self,
        field: &impl Fn(&str) -> Option<&'a str>,
        line: u64,
    ) -> Result<(), InventoryError> {
        for column in ["name", "owner", "site"] {
            let text = field(column).unwrap_or_default();
            if text.len() > MAX_TEXT || text.contains(char::is_control) {
                let what = format!("`{column}` must be one line of at most {MAX_TEXT} bytes");
                return Err(wrong(line, what));
            }
        }
        let mac = field("mac").map(|text| mac(text, line)).transpose()?;
        let address = field("address")
            .map(|text| {
                text.parse::<IpAddr>().map_err(|_| {
                    quoting(line, text, "what stands under `address`", |text| {
                        format!("{text} is no address; write it like 192.0.2.7 or 2001:db8::7")
                    })
                })
            })
            .transpose()?;
        if mac.is_none() && address.is_none() {
            let what = "the row has neither `mac` nor `address`; it needs one to find the device";
            return Err(wrong(line, what.to_owned()));
        }
        let own = |column| field(column).map(str::to_owned);
        let listed = Listed {
            id: id(field("id"), field("name"), line)?,
            name: own("name"),
            owner: own("owner"),
            site: own("site"),
        };
        let listed = self.merge(listed, line)?;
        let id = listed.id.clone();
        if let Some(other) = mac.and_then(|mac| self.by_mac.insert(mac, Arc::clone(&listed)))
            && other.id != id
        {
            return Err(twice("mac", &other.id, line));
        }
        let row = AddressRow { listed, line, mac };
        if let Some(other) = address.and_then(|address| self.by_address.insert(address, row))
            && other.listed.id != id
        {
            return Err(twice("address", &other.listed.id, line));
        }
        Ok(())
    }

    /// Rows of one device complete each other and must not contradict.
    fn merge(&mut self, row: Listed, line: u64) -> Result<Arc<Listed>, InventoryError> {
        let Some(known) = self.by_id.get(&row.id) else {
            let listed = Arc::new(row);
            self.by_id.insert(listed.id.clone(), Arc::clone(&listed));
            return Ok(listed);
        };
        for (column, known, said) in [
            ("name", &known.name, &row.name),
            ("owner", &known.owner, &row.owner),
            ("site", &known.site, &row.site),
        ] {
            if let (Some(known), Some(said)) = (known, said)
                && known != said
            {
                let id = &row.id;
                let mend = "write one of them, or give the devices ids of their own";
                return Err(InventoryError {
                    line,
                    what: format!(
                        "`{id}` has the {column} `{known}` further up and `{said}` here; {mend}"
                    ),
                    discreet: format!("the device has another {column} further up; {mend}"),
                });
            }
        }
        let merged = Arc::new(Listed {
            id: row.id,
            name: known.name.clone().or(row.name),
            owner: known.owner.clone().or(row.owner),
            site: known.site.clone().or(row.site),
        });
        let same = |listed: &&mut Arc<Listed>| listed.id == merged.id;
        let rows = self.by_address.values_mut().map(|row| &mut row.listed);
        for listed in self.by_mac.values_mut().chain(rows).filter(same) {
            *listed = Arc::clone(&merged);
        }
        self.by_id.insert(merged.id.clone(), Arc::clone(&merged));
        Ok(merged)
    }
}

fn columns(header: &csv::StringRecord) -> Result<Vec<&str>, InventoryError> {
    let columns: Vec<&str> = header.iter().collect();
    for (at, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(column) {
            let known = COLUMNS.join(", ");
            // Where the first row was left out, this is a device.
            return Err(quoting(1, column, "of such a name", |column| {
                format!("there is no column {column}; the first row names the columns, of {known}")
            }));
        }
        if columns[..at].contains(column) {
            return Err(wrong(
                1,
                format!("the column `{column}` stands twice; leave one out"),
            ));
        }
    }
    if !columns.contains(&"mac") && !columns.contains(&"address") {
        let what = "a column `mac` or `address` is needed to find devices";
        return Err(wrong(1, what.to_owned()));
    }
    Ok(columns)
}

fn mac(text: &str, line: u64) -> Result<Mac, InventoryError> {
    let stand_in = "what stands under `mac`";
    let mac: Mac = text
        .parse()
        .map_err(|error| quoting(line, text, stand_in, |text| format!("{text} is {error}")))?;
    Mac::of_device(&mac.octets()).ok_or_else(|| {
        quoting(line, text, stand_in, |text| {
            format!("{text} is a group's address, not a device's")
        })
    })
}

/// The key: the id, or one from the name. It stands in metrics, addresses of pages and command lines.
fn id(id: Option<&str>, name: Option<&str>, line: u64) -> Result<HostKey, InventoryError> {
    let Some(id) = id else {
        let Some(name) = name else {
            let what = "the row has neither `id` nor `name`; one must say which device it is";
            return Err(wrong(line, what.to_owned()));
        };
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let slug = words.join("-");
        if slug.is_empty() || slug.len() > MAX_ID {
            return Err(quoting(line, name, "that stands here", |name| {
                format!("no key can be made of the name {name}; give the row an `id`")
            }));
        }
        return Ok(HostKey::restored(&format!("inv-{slug}")));
    };
    let is_sound = id.len() <= MAX_ID
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    let is_taken = ["ip-", "mac-"].iter().any(|prefix| id.starts_with(prefix));
    if !is_sound || is_taken || id.parse::<IpAddr>().is_ok() || id.parse::<Mac>().is_ok() {
        return Err(quoting(line, id, "what stands under `id`", |id| {
            format!(
                "{id} cannot be an id; write up to {MAX_ID} letters, digits, `-`, `_`, `.` and `:`, no address, and nothing that begins with `ip-` or `mac-`"
            )
        }));
    }
    Ok(HostKey::restored(id))
}

fn twice(column: &str, other: &HostKey, line: u64) -> InventoryError {
    quoting(line, other.as_str(), "another device", |other| {
        format!("this {column} is also that of {other}; give both rows the same id, or correct one")
    })
}

fn fault(error: &csv::Error) -> InventoryError {
    let line = error.position().map_or(1, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "the row has {len} fields and the first row {expected_len}; write as many, or quote a field that has a comma"
        ),
        _ => "this is no CSV text in UTF-8".to_owned(),
    };
    wrong(line, what)
}

/// What tells nothing of a device.
fn wrong(line: u64, what: String) -> InventoryError {
    InventoryError {
        line,
        discreet: what.clone(),
        what,
    }
}

/// What quotes the file, and what stands in place of that where nobody may know. Control characters are written out: this
/// goes to terminals and to the log.
fn quoting(line: u64, text: &str, stand_in: &str, say: impl Fn(&str) -> String) -> InventoryError {
    let mut shown = String::new();
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    InventoryError {
        line,
        what: say(&format!("`{shown}`")),
        discreet: say(stand_in),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_find_devices_by_interface_and_address() {
        let text = "\u{feff}name,mac,address,owner,site,id\n\
            # wired and wireless\n\
            Desk 4,02:00:00:00:00:01,,Ann,Berne,pc-4\n\
            ,02-00-00-00-00-02,,,,pc-4\n\
            \"Printer, 2nd floor\",,10.0.0.9,,Berne,\n";
        let inventory = Inventory::parse(text).unwrap();
        assert_eq!(inventory.by_id.len(), 2);
        let [wired, wireless] = [1, 2].map(|n| inventory.by_mac(Mac::new([2, 0, 0, 0, 0, n])));
        assert_eq!(wired, wireless);
        let wired = wired.unwrap();
        assert_eq!(
            (wired.id.as_str(), wired.owner.as_deref()),
            ("pc-4", Some("Ann"))
        );
        let printer = inventory.by_address([10, 0, 0, 9].into()).unwrap();
        assert_eq!(printer.listed.id.as_str(), "inv-printer-2nd-floor");
    }

    #[test]
    fn faults_say_where_and_how_to_mend_them() {
        for (text, line, words) in [
            ("", 1, "`mac` or `address`"),
            ("mac,colour\n", 1, "no column `colour`"),
            ("mac,a\u{1b}[2J\n", 1, "no column `a\\u{1b}[2J`"),
            ("mac,mac\n", 1, "stands twice"),
            ("name,owner\n", 1, "`mac` or `address` is needed"),
            ("mac,name\n02:00:00:00:00:01,a\nzz,b\n", 3, "`zz` is no MAC"),
            ("mac,name\nff:ff:ff:ff:ff:ff,a\n", 2, "a group's"),
            ("address,name\n10.0.0.0/8,a\n", 2, "no address"),
            ("mac,name\n,a\n", 2, "neither `mac` nor `address`"),
            ("address,name\n10.0.0.1,\n", 2, "neither `id` nor `name`"),
            ("address,name\n10.0.0.1,---\n", 2, "give the row an `id`"),
            ("address,id\n10.0.0.1,ip-10.0.0.1\n", 2, "cannot be an id"),
            ("address,id\n10.0.0.1,a b\n", 2, "cannot be an id"),
            ("address,name\n10.0.0.1,a,b\n", 2, "3 fields"),
            (
                "address,id,site\n10.0.0.1,a,x\n10.0.0.2,a,y\n",
                3,
                "the site `x` further up",
            ),
            (
                "address,id\n10.0.0.1,a\n10.0.0.1,b\n",
                3,
                "also that of `a`",
            ),
        ] {
            let error = Inventory::parse(text).unwrap_err();
            assert!(error.what.contains(words), "{text:?}: {error}");
            assert_eq!(error.line, line, "{text:?}: {error}");
            // Nothing of the rows is left, whatever they say.
            let discreet = &error.discreet;
            for said in text
                .split([',', '\n'])
                .filter(|said| !COLUMNS.contains(said) && said.len() > 1)
            {
                assert!(!discreet.contains(said), "{text:?}: {discreet}");
            }
            assert!(discreet.len() > 20, "{discreet}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_a_line(rows in "[a-z0-9,:\"#\n-]{0,60}", any in "\\PC{0,60}") {
            for text in [format!("mac,address,name,id\n{rows}"), any] {
                if let Err(error) = Inventory::parse(&text) {
                    prop_assert!(error.line >= 1 && !error.what.is_empty());
                    prop_assert!(!error.discreet.is_empty());
                }
            }
        }
    }
}
