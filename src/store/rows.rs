//! Rows back into records. A row that cannot be understood (a damaged page, a hand that wrote to the file) is `None`:
//! the reader counts it and goes on.

use std::str::FromStr;
use std::sync::Arc;

use rusqlite::types::FromSql;
use rusqlite::{Result, Row};

use super::columns::{span, sum, unsigned};
use super::record::{HostRecord, LookedRecord, OutboxEvent};
use super::rolled_up::{Period, ReplyKey, ReplySum, SightingKey, StoredReply, StoredSighting};
use super::samples;
use crate::model::{
    AddressBinding, DomainName, HostKey, HostRole, Mac, NameBuf, ServiceId, Span, Timestamp,
    VendorId,
};

/// What [`sighting`] reads, from `sightings`, `hosts` and `subjects`.
pub(super) const SIGHTING: &str = "
    s.id, s.hour, s.hours, s.address, s.first, s.last, s.reached, s.count, s.received, s.sent, s.samples,
    h.key, t.vendor, t.category, t.service, t.strength, t.name, t.signal, t.evidence, t.phase, t.era, t.interface";

/// A row of sightings.
pub(super) fn sighting(row: &Row<'_>) -> Result<Option<StoredSighting>> {
    let read = || -> Option<StoredSighting> {
        samples::decode(row.get_ref(10).ok()?.as_blob().ok()?)?;
        Some(StoredSighting {
            key: SightingKey {
                period: period(row, 1)?,
                address: samples::address(&column::<Vec<u8>>(row, 3)?)?,
                host: HostKey::restored(&text(row, 11)?),
                vendor: VendorId::parse(&text(row, 12)?)?,
                category: label(row, 13)?,
                service: ServiceId::parse(&text(row, 14)?)?,
                strength: label(row, 15)?,
                name: name(&text(row, 16)?)?,
                signal: label(row, 17)?,
                evidence: label(row, 18)?,
                phase: label(row, 19)?,
                era: column(row, 20)?,
                interface: Arc::from(text(row, 21)?),
            },
            sum: sum(row, 4).ok()?,
        })
    };
    Ok(read())
}

/// What [`reply`] reads, from `replies`, `hosts` and `questions`.
pub(super) const REPLY: &str = "
    r.id, r.hour, r.hours, r.first, r.last, r.count,
    h.key, q.vendor, q.category, q.service, q.name, q.signal, q.kind, q.own";

/// A row of replies.
pub(super) fn reply(row: &Row<'_>) -> Result<Option<StoredReply>> {
    let read = || -> Option<StoredReply> {
        Some(StoredReply {
            key: ReplyKey {
                period: period(row, 1)?,
                host: HostKey::restored(&text(row, 6)?),
                vendor: VendorId::parse(&text(row, 7)?)?,
                category: label(row, 8)?,
                service: ServiceId::parse(&text(row, 9)?)?,
                name: name(&text(row, 10)?)?,
                signal: label(row, 11)?,
                kind: label(row, 12)?,
                own_resolver: column(row, 13)?,
            },
            sum: ReplySum {
                span: span(row, 3).ok()?,
                count: unsigned(column(row, 5)?),
            },
        })
    };
    Ok(read())
}

/// What [`host`] reads, from `hosts`.
pub(super) const HOST: &str = "
    h.key, h.name, h.owner, h.site, h.device, h.roles, h.confidence, h.first, h.last,
    (SELECT group_concat(alias, char(10)) FROM aliases WHERE host = h.id)";

/// A row of hosts.
pub(super) fn host(row: &Row<'_>) -> Result<Option<HostRecord>> {
    let read = || -> Option<HostRecord> {
        let aliases: Option<String> = column(row, 9)?;
        let mut aliases: Vec<HostKey> = aliases
            .iter()
            .flat_map(|aliases| aliases.lines())
            .map(HostKey::restored)
            .collect();
        aliases.sort();
        let roles: Vec<HostRole> = text(row, 5)?
            .split_whitespace()
            .map(|role| role.parse().ok())
            .collect::<Option<_>>()?;
        Some(HostRecord {
            key: HostKey::restored(&text(row, 0)?),
            aliases,
            name: column(row, 1)?,
            owner: column(row, 2)?,
            site: column(row, 3)?,
            device: column(row, 4)?,
            roles,
            confidence: label(row, 6)?,
            span: span(row, 7).ok()?,
        })
    };
    Ok(read())
}

/// What [`binding`] reads, from `bindings` and `hosts`.
pub(super) const BINDING: &str = "h.key, b.address, b.since, b.until, b.mac";

/// A row of bindings.
pub(super) fn binding(row: &Row<'_>) -> Result<Option<AddressBinding>> {
    let read = || -> Option<AddressBinding> {
        let mac: Option<Vec<u8>> = column(row, 4)?;
        let mac = mac.map(|bytes| <[u8; 6]>::try_from(bytes).map(Mac::new));
        Some(AddressBinding {
            host: HostKey::restored(&text(row, 0)?),
            address: samples::address(&column::<Vec<u8>>(row, 1)?)?,
            from: Timestamp::from_nanos(column(row, 2)?),
            until: column::<Option<i64>>(row, 3)?.map(Timestamp::from_nanos),
            mac: mac.transpose().ok()?,
        })
    };
    Ok(read())
}

/// What [`looked`] reads, from `looked`.
pub(super) const LOOKED: &str = "sensor, first, last, frames, kernel_drops, interface_drops";

/// A row of stretches.
pub(super) fn looked(row: &Row<'_>) -> Result<Option<LookedRecord>> {
    Ok(Some(LookedRecord {
        sensor: Arc::from(row.get::<_, String>(0)?),
        span: Span {
            first: Timestamp::from_nanos(row.get(1)?),
            last: Timestamp::from_nanos(row.get(2)?),
        },
        frames: unsigned(row.get(3)?),
        kernel_drops: unsigned(row.get(4)?),
        interface_drops: unsigned(row.get(5)?),
    }))
}

/// A row of the outbox: sequence, id, time, host, text.
pub(super) fn event(row: &Row<'_>) -> Result<(u64, OutboxEvent)> {
    let host: Option<String> = row.get(3)?;
    Ok((
        unsigned(row.get(0)?),
        OutboxEvent {
            id: row.get(1)?,
            time: Timestamp::from_nanos(row.get(2)?),
            host: host.as_deref().map(HostKey::restored),
            text: row.get(4)?,
        },
    ))
}

fn period(row: &Row<'_>, at: usize) -> Option<Period> {
    let hour = column(row, at)?;
    match column::<i64>(row, at + 1)? {
        1 => Some(Period::Hour(hour)),
        24 => Some(Period::Day(hour)),
        _ => None,
    }
}

fn column<T: FromSql>(row: &Row<'_>, at: usize) -> Option<T> {
    row.get(at).ok()
}

fn text(row: &Row<'_>, at: usize) -> Option<String> {
    column(row, at)
}

fn label<T: FromStr>(row: &Row<'_>, at: usize) -> Option<T> {
    text(row, at)?.parse().ok()
}

/// A name as it was written down: in normal form, with `\DDD` for what is not printable. Reading it as people write
/// names would escape the escapes.
fn name(text: &str) -> Option<DomainName> {
    let mut buf = NameBuf::default();
    for label in text.split('.') {
        let mut bytes = Vec::with_capacity(label.len());
        let mut rest = label.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte != b'\\' {
                bytes.push(byte);
                continue;
            }
            let (digits, after) = rest.split_at_checked(3)?;
            bytes.push(std::str::from_utf8(digits).ok()?.parse().ok()?);
            rest = after;
        }
        buf.push_label(&bytes).ok()?;
    }
    let name = buf.as_name()?;
    (name.as_str() == text).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_comes_back(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 1..5)) {
            let mut buf = NameBuf::default();
            for label in &labels {
                buf.push_label(label).unwrap();
            }
            let written = buf.as_name().unwrap().to_owned();
            prop_assert_eq!(name(written.as_str()), Some(written));
        }

        #[test]
        fn no_text_panics(text in "[a-z.\\\\0-9é]{0,12}") {
            let _ = name(&text);
        }
    }
}
