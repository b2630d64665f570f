//! What a request wants to see of the hosts: search, filters, order and page, and the links that change one of them.

use std::collections::BTreeSet;

use crate::model::{Status, VendorId};

use super::shell::percent_encoded;

/// Longest search that is looked for.
const MAX_SEARCH: usize = 200;

/// Which vendors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Vendors {
    /// Those whose use had to stop.
    #[default]
    Restricted,
    /// Replacements too.
    All,
    /// One.
    One(VendorId),
}

/// Which statuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Statuses {
    /// All of them.
    #[default]
    All,
    /// Stragglers, whatever their status.
    Stragglers,
    /// One.
    One(Status),
}

/// By what rows are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// Worst first: the order of the findings.
    #[default]
    Worst,
    Host,
    Owner,
    Vendor,
    Status,
    Evidence,
    Seen,
    After,
    Received,
    Sent,
}

impl Order {
    /// Every order with its word in a request and for people.
    pub(super) const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::Worst, "worst", "worst first"),
        (Self::Host, "host", "host"),
        (Self::Owner, "owner", "owner"),
        (Self::Vendor, "vendor", "vendor"),
        (Self::Status, "status", "status"),
        (Self::Evidence, "evidence", "furthest ever"),
        (Self::Seen, "seen", "last seen"),
        (Self::After, "after", "bytes after the cutoff"),
        (Self::Received, "received", "bytes received in all"),
        (Self::Sent, "sent", "bytes sent in all"),
    ];

    /// Whether the most comes first unless asked otherwise: of numbers and times that is what people look for.
    pub(super) fn falls(self) -> bool {
        matches!(
            self,
            Self::Evidence | Self::Seen | Self::After | Self::Received | Self::Sent
        )
    }

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(order, ..)| *order == self);
        found.map_or("worst", |(_, word, _)| word)
    }
}

/// What a request wants to see. What it asks for that is unknown is left aside, and told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Looked for in names, keys, addresses and the like; lower case.
    pub(super) search: String,
    pub(super) vendors: Vendors,
    pub(super) statuses: Statuses,
    pub(super) order: Order,
    /// Whether the other way round than [`Order::falls`] says.
    pub(super) turned: bool,
    /// From 1.
    pub(super) page: usize,
    /// What was not understood.
    pub(super) unknown: Vec<String>,
}

impl Wanted {
    /// What a query says, with the vendors of which anything is known.
    pub(super) fn from_pairs(pairs: &[(String, String)], known: &BTreeSet<VendorId>) -> Self {
        let mut wanted = Self {
            page: 1,
            ..Self::default()
        };
        for (name, value) in pairs {
            let is_known = match name.as_str() {
                // A form sends what was left empty too.
                _ if value.is_empty() => true,
                "q" => {
                    let letters = value.trim().chars().take(MAX_SEARCH);
                    wanted.search = letters.collect::<String>().to_lowercase();
                    true
                }
                "vendor" => wanted.take_vendor(value, known),
                "status" => wanted.take_status(value),
                "sort" => wanted.take_order(value),
                "page" => value
                    .parse()
                    .ok()
                    .filter(|page| *page > 0)
                    .map(|page| wanted.page = page)
                    .is_some(),
                _ => true,
            };
            if !is_known {
                let shown: String = value.chars().take(50).collect();
                wanted.unknown.push(format!("{name} “{shown}”"));
            }
        }
        wanted
    }

    fn take_vendor(&mut self, value: &str, known: &BTreeSet<VendorId>) -> bool {
        let vendors = match value {
            "*" => Some(Vendors::All),
            // Before the first rules are in force nobody knows any.
            id if known.is_empty() => VendorId::parse(id).map(Vendors::One),
            // No row is of a vendor that nobody knows, and that would read like an all-clear.
            id => known.get(id).cloned().map(Vendors::One),
        };
        vendors.map(|vendors| self.vendors = vendors).is_some()
    }

    fn take_status(&mut self, value: &str) -> bool {
        let statuses = match value {
            "straggler" => Some(Statuses::Stragglers),
            word => word.parse().ok().map(Statuses::One),
        };
        statuses.map(|statuses| self.statuses = statuses).is_some()
    }

    fn take_order(&mut self, value: &str) -> bool {
        let word = value.strip_prefix('-');
        let found = Order::ALL
            .iter()
            .find(|(_, other, _)| *other == word.unwrap_or(value));
        let Some((order, ..)) = found else {
            return false;
        };
        self.order = *order;
        self.turned = word.is_some();
        true
    }

    /// The value of `sort`; empty for the order in which rows stand anyway.
    pub(super) fn sort(&self) -> String {
        match (self.order, self.turned) {
            (Order::Worst, false) => String::new(),
            (order, true) => format!("-{}", order.word()),
            (order, false) => order.word().to_owned(),
        }
    }

    /// The value of `vendor`.
    pub(super) fn vendor(&self) -> &str {
        match &self.vendors {
            Vendors::Restricted => "",
            Vendors::All => "*",
            Vendors::One(id) => id.as_str(),
        }
    }

    /// The value of `status`.
    pub(super) fn status(&self) -> &'static str {
        match self.statuses {
            Statuses::All => "",
            Statuses::Stragglers => "straggler",
            Statuses::One(status) => status.label(),
        }
    }

    /// Whether rows are left out.
    pub(super) fn narrows(&self) -> bool {
        !self.search.is_empty()
            || self.statuses != Statuses::All
            || matches!(self.vendors, Vendors::One(_))
    }

    /// The address of the hosts as they are wanted here.
    pub(super) fn link(&self) -> String {
        let page = if self.page > 1 {
            self.page.to_string()
        } else {
            String::new()
        };
        let pairs = [
            ("q", self.search.as_str()),
            ("vendor", self.vendor()),
            ("status", self.status()),
            ("sort", &self.sort()),
            ("page", &page),
        ];
        let pairs: Vec<String> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .collect();
        match pairs.is_empty() {
            true => "./#hosts".to_owned(),
            false => format!("./?{}#hosts", pairs.join("&")),
        }
    }

    /// The same in another order, from the first page; the other way round where it is in that order already.
    pub(super) fn sorted(&self, order: Order) -> Self {
        Self {
            order,
            turned: self.order == order && !self.turned,
            page: 1,
            ..self.clone()
        }
    }

    /// Another page of the same.
    pub(super) fn at(&self, page: usize) -> Self {
        Self {
            page,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pairs: &[(&str, &str)]) -> Wanted {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        let known = ["kaspersky", "eset"].map(|id| VendorId::parse(id).unwrap());
        Wanted::from_pairs(&pairs, &known.into())
    }

    #[test]
    fn links_say_what_was_asked() {
        for (pairs, link) in [
            (&[][..], "./#hosts"),
            (
                &[("q", ""), ("vendor", ""), ("status", ""), ("sort", "")],
                "./#hosts",
            ),
            (
                &[("q", " PC&17 "), ("status", "straggler")],
                "./?q=pc%2617&status=straggler#hosts",
            ),
            (
                &[("vendor", "*"), ("sort", "-seen"), ("page", "3")],
                "./?vendor=%2A&sort=-seen&page=3#hosts",
            ),
        ] {
            assert_eq!(wanted(pairs).link(), link);
        }
    }

    #[test]
    fn what_is_unknown_is_left_aside_and_told() {
        let odd = wanted(&[
            ("status", "gone"),
            ("vendor", "nope"),
            ("sort", "colour"),
            ("page", "-1"),
            ("x", "y"),
        ]);
        assert_eq!(odd.unknown.len(), 4);
        assert_eq!(odd.vendors, Vendors::Restricted);
        assert_eq!((odd.link(), odd.page), ("./#hosts".to_owned(), 1));
    }

    #[test]
    fn the_same_order_again_turns_it() {
        let once = wanted(&[("page", "2")]).sorted(Order::Seen);
        assert_eq!((once.sort(), once.page), ("seen".to_owned(), 1));
        assert_eq!(once.sorted(Order::Seen).sort(), "-seen");
        assert_eq!(once.sorted(Order::Seen).sorted(Order::Seen).sort(), "seen");
    }
}
