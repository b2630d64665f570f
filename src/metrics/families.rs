//! Name, type, labels and help of every family.

/// Type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A count that only grows.
    Counter,
}

/// One metric family.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name, unit included.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// Its help text.
    pub help: &'static str,
}

macro_rules! families {
    ($($id:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $id: Family = Family {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// Every family, in the order of the documentation.
        pub const FAMILIES: &[Family] = &[$($id),*];
    };
}

families! {
    BUILD_INFO: Gauge "straggler_build_info" ["version", "revision"] "Version of the program; always 1.";
    RULE_PACK_INFO: Gauge "straggler_rule_pack_info" ["vendor", "role", "version", "digest"] "Rule packs in force; always 1.";
    RULE_SERVICES: Gauge "straggler_rule_services" ["vendor"] "Services in a vendor's pack.";
    CUTOFF: Gauge "straggler_cutoff_timestamp_seconds" ["vendor", "category", "cutoff", "jurisdiction", "group"] "Each cutoff in force.";
    RELOAD_OK: Gauge "straggler_config_last_reload_successful" [] "Whether the configuration, the rules and the file that says who is let in were read without a fault the last time.";
    RELOAD_TIME: Gauge "straggler_config_last_reload_success_timestamp_seconds" [] "When the configuration and the rules were last read without a fault.";

    HOST_STRAGGLING: Gauge "straggler_host_straggling" ["host", "vendor", "category"] "1 while the host is a straggler, 0 for a combination that was one.";
    HOST_LAST_SIGHTING: Gauge "straggler_host_last_sighting_timestamp_seconds" ["host", "vendor", "category", "evidence"] "Capture time of the latest strong sighting that reached this evidence.";
    HOST_AFTER_SIGHTINGS: Counter "straggler_host_after_cutoff_sightings_total" ["host", "vendor", "category"] "Strong sightings at or after the cutoff, all levels together: a transfer is three.";
    HOST_AFTER_RECEIVED: Counter "straggler_host_after_cutoff_received_bytes_total" ["host", "vendor", "category"] "Payload bytes from the vendor in matched flows at or after the cutoff.";
    HOST_AFTER_SENT: Counter "straggler_host_after_cutoff_sent_bytes_total" ["host", "vendor", "category"] "Payload bytes to the vendor in matched flows at or after the cutoff.";
    HOST_INFO: Gauge "straggler_host_info" ["host", "address", "mac", "name", "owner", "role", "confidence"] "What is known of a host; always 1.";
    HOST_SERIES: Gauge "straggler_host_series" [] "Combinations of host, vendor and category exported.";
    HOST_SERIES_LIMIT: Gauge "straggler_host_series_limit" [] "Combinations that may be exported.";
    HOST_SERIES_REJECTED: Counter "straggler_host_series_rejected_total" [] "The most combinations left out at once because of the limit.";

    STRAGGLERS: Gauge "straggler_stragglers" ["vendor", "category"] "Hosts that are stragglers now.";
    HOSTS: Gauge "straggler_hosts" ["vendor", "category", "status"] "Hosts with strong sightings, by status now.";
    SIGHTINGS: Counter "straggler_sightings_total" ["vendor", "category", "signal", "evidence", "phase"] "Strong sightings; cumulative over evidence, so never sum over it.";
    WEAK_SIGHTINGS: Counter "straggler_weak_sightings_total" ["vendor", "category"] "Sightings of names that people and other software ask for too.";
    RECEIVED: Counter "straggler_received_bytes_total" ["vendor", "category", "phase"] "Payload bytes from the vendor in flows with a strong name.";
    SENT: Counter "straggler_sent_bytes_total" ["vendor", "category", "phase"] "Payload bytes to the vendor in flows with a strong name.";
    COVERAGE: Gauge "straggler_coverage_hosts" ["vendor", "coverage"] "Hosts that used a restricted vendor and are present, by what protects them now.";
    BYPASS: Gauge "straggler_resolver_bypass_hosts" ["vendor"] "Hosts that asked a resolver which is not the network's for this vendor's names in the last 24 hours of capture time.";
    UNCOVERED: Counter "straggler_uncovered_names_total" ["vendor"] "Readings of names under the vendor's registrable domains that no service describes.";
    LOCAL_HOSTS: Gauge "straggler_local_hosts" [] "Distinct local hosts present in the last 24 hours of capture time.";

    CAPTURE_UP: Gauge "straggler_capture_up" ["interface"] "1 while the interface is captured.";
    CAPTURE_PACKETS: Counter "straggler_capture_packets_total" ["interface"] "Packets delivered by the interface.";
    CAPTURE_WORKER_PACKETS: Counter "straggler_capture_worker_packets_total" ["interface", "worker"] "Packets that each worker took, where several share an interface (capture.workers).";
    CAPTURE_BYTES: Counter "straggler_capture_bytes_total" ["interface"] "Bytes on the wire of the packets delivered.";
    CAPTURE_DROPPED: Counter "straggler_capture_dropped_packets_total" ["interface", "reason"] "Packets lost before inspection.";
    CAPTURE_THINNED: Gauge "straggler_capture_thinned" ["interface"] "1 where the kernel passes only what names, outcomes and byte counts need (capture.mode).";
    CAPTURE_TRUNCATED: Counter "straggler_capture_truncated_packets_total" ["interface"] "Packets cut by the snap length.";
    CAPTURE_LAST_PACKET: Gauge "straggler_capture_last_packet_timestamp_seconds" ["interface"] "Capture time of the latest packet.";
    CAPTURE_RESTARTS: Counter "straggler_capture_restarts_total" ["interface"] "How often the interface was opened again after it went away.";
    UNDECODED: Counter "straggler_undecoded_packets_total" ["reason"] "Packets whose network or transport layer could not be read.";
    FLOWS: Counter "straggler_flows_total" ["protocol"] "Flows by what they were found to speak; each DNS question over UDP is one.";
    NAMED_FLOWS: Counter "straggler_named_flows_total" ["signal"] "Flows with a name.";
    BLIND_FLOWS: Counter "straggler_blind_flows_total" ["kind"] "Flows of a readable kind without any name, at their end or after 10 seconds, each by the first cause that holds.";
    BLIND_HOSTS: Gauge "straggler_blind_hosts" ["kind"] "Distinct hosts with such a flow in the last 24 hours of capture time.";
    DUPLICATE_FLOWS: Counter "straggler_duplicate_flows_total" [] "Flows with a matched name and DNS transactions seen again on another interface.";
    DUPLICATE_DATAGRAMS: Counter "straggler_duplicate_datagrams_total" [] "QUIC datagrams of which the same capture showed a copy within a second; they count once.";
    ONE_SIDED_FLOWS: Counter "straggler_one_sided_flows_total" ["side"] "TCP and QUIC flows of which one direction only was seen.";
    EVENTS: Counter "straggler_events_total" ["output", "result"] "Events by output and what became of them.";
    STORE_SIZE: Gauge "straggler_store_size_bytes" [] "Bytes of the store on the disk.";
    STORE_LAST_WRITE: Gauge "straggler_store_last_write_timestamp_seconds" [] "Wall time at which the store was last written in this run.";
    STORE_ERRORS: Counter "straggler_store_errors_total" ["operation"] "Failures of the store, by what was tried.";
    STORE_WAITING: Gauge "straggler_store_waiting_rows" [] "Rows that wait in memory to be written.";
    STORE_LOST: Counter "straggler_store_lost_total" ["kind"] "Records that found no place because the store could not be written, or not as fast as they came; their findings are in memory only.";
    SANDBOX: Gauge "straggler_sandbox_enabled" ["layer"] "Whether this protection of the process is in force.";
    TABLE_ENTRIES: Gauge "straggler_table_entries" ["table"] "Entries of each bounded table.";
    TABLE_EVICTIONS: Counter "straggler_table_evictions_total" ["table"] "Entries evicted or refused because the table was full.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_well_formed() {
        for family in FAMILIES {
            assert!(family.name.starts_with("straggler_"), "{}", family.name);
            assert_eq!(
                family.kind == Kind::Counter,
                family.name.ends_with("_total"),
                "{}",
                family.name
            );
            assert!(family.help.ends_with('.'), "{}", family.name);
        }
    }
}
