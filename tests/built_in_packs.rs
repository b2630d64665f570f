//! What every built-in pack has to have: it loads, tests each of its services, knows what only looks like it, and gives
//! every claim a page that can be opened safely.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

use std::path::Path;
use std::process::Command;

use straggler::model::{Pack, PackRole, ResolverSubject};
use straggler::rules::{BUILT_IN, Library, Pattern};

/// Names in a pack's tests that must not match.
const FEWEST_NEGATIVES: usize = 5;

const ELSEWHERE: &str = ".evil.example";

fn library() -> Library {
    Library::load(None).unwrap()
}

fn patterns(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<Pattern> {
    let texts = texts.into_iter();
    texts
        .map(|text| Pattern::parse(text.as_ref()).unwrap())
        .collect()
}

/// A name that goes on where one of the patterns ends, and one that begins before it in mid-label.
fn assert_look_alikes(pack: &str, patterns: &[Pattern], negatives: &[&str]) {
    assert!(
        negatives.len() >= FEWEST_NEGATIVES,
        "{pack} has {} names that must not match",
        negatives.len()
    );
    let any = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
    let goes_on = |name: &&str| name.strip_suffix(ELSEWHERE).is_some_and(any);
    assert!(
        negatives.iter().any(goes_on),
        "{pack} has no test of one of its names below {ELSEWHERE}"
    );
    // Without some letters at its front, but not a whole label, it is the pack's.
    let cut_in_a_label = |name: &&str| {
        let cuts = 1..name.find('.').unwrap_or(name.len());
        cuts.into_iter().any(|cut| any(&name[cut..]))
    };
    assert!(
        negatives.iter().any(cut_in_a_label),
        "{pack} has no test of a name that differs within a label"
    );
}

#[test]
fn the_folder_is_what_is_built_in_and_passes_the_check() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort_unstable();
    let mut built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    built_in.sort_unstable();
    assert_eq!(files, built_in);
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["rules", "check"])
        .arg(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_pack_passes_its_own_tests() {
    let (ran, failures) = library().test();
    assert!(ran > 300, "only {ran} tests ran");
    assert_eq!(failures, []);
}

#[test]
fn every_service_is_tested_and_every_pack_knows_its_look_alikes() {
    let library = library();
    for pack in library.packs() {
        for service in &pack.services {
            let found = |(_, expected): &(String, _)| *expected == Some(service.id.clone());
            assert!(
                pack.tests.iter().any(found),
                "{}/{} has no positive test",
                pack.vendor,
                service.id
            );
        }
        let negatives: Vec<&str> = pack
            .tests
            .iter()
            .filter(|(_, expected)| expected.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        let own = patterns(pack.patterns.iter().map(|(text, _)| text));
        assert_look_alikes(pack.vendor.as_str(), &own, &negatives);
    }
}

#[test]
fn every_resolver_is_tested_and_every_pack_knows_its_look_alikes() {
    let library = library();
    for pack in library.resolver_packs() {
        for known in pack.resolvers.iter().chain(&pack.ech) {
            let found = pack
                .tests
                .iter()
                .any(|test| test.expected.as_ref() == Some(&known.id));
            assert!(found, "{}/{} has no positive test", pack.id, known.id);
            assert_https(&format!("{}/{}", pack.id, known.id), &known.source);
        }
        let negatives: Vec<&str> = pack
            .tests
            .iter()
            .filter(|test| test.expected.is_none())
            .filter_map(|test| match &test.subject {
                ResolverSubject::Name(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let own = patterns(pack.resolvers.iter().flat_map(|known| &known.names));
        assert_look_alikes(pack.id.as_str(), &own, &negatives);
    }
}

fn assert_https(what: &str, source: &str) {
    let rest = source.strip_prefix("https://");
    assert!(
        rest.is_some_and(|rest| rest.contains('.')),
        "{what}: the source `{source}` is no https page"
    );
}

#[test]
fn every_claim_has_an_https_source() {
    let library = library();
    for pack in library.packs() {
        let vendor = &pack.vendor;
        for cutoff in &pack.cutoffs {
            assert_https(&format!("{vendor}, cutoff {}", cutoff.id), &cutoff.source);
        }
        for service in &pack.services {
            assert_https(&format!("{vendor}/{}", service.id), &service.source);
        }
        for network in pack.networks.claims() {
            assert_https(&format!("{vendor}, a network"), &network.source);
        }
    }
}

/// A pack that proves nothing must not seem to, and one that has nothing to end accuses nobody.
#[test]
fn roles_have_what_they_need() {
    let has_strong = |pack: &Pack, category| {
        let services = pack.services.iter();
        let mut strong =
            services.filter(|service| service.strength == straggler::model::Strength::Strong);
        strong.any(|service| service.category == category)
    };
    for pack in library().packs() {
        match pack.role {
            PackRole::Restricted => {
                let defaults = pack.cutoffs.iter().filter(|cutoff| cutoff.default);
                assert_eq!(defaults.count(), 1, "{}", pack.vendor);
            }
            PackRole::Replacement => {
                assert!(pack.cutoffs.is_empty(), "{}", pack.vendor);
                for &category in &pack.coverage {
                    assert!(has_strong(pack, category), "{}: {category}", pack.vendor);
                }
            }
        }
    }
}
