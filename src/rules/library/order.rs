//! Orders decide nothing: of files in a folder, of services in a pack, of names in a service.

use proptest::prelude::*;

use super::*;
use crate::model::DomainName;

/// Packs as (id, services as (id, patterns)).
type Packs = Vec<(usize, Vec<(usize, Vec<String>)>)>;

/// Few letters and labels, so that patterns often hold the same names.
fn pattern() -> impl Strategy<Value = String> {
    "\\.?([abx*?]{1,3}\\.){1,2}[ab]{1,2}"
}

/// Up to three packs of up to two services. Patterns stand once, but for those that are claimed again: by the same service,
/// by another of its pack, or by another pack. Two packs may have one id.
fn packs() -> impl Strategy<Value = Packs> {
    let place = || (0..3usize, 0..2usize);
    (
        prop::collection::btree_set(pattern(), 1..14),
        prop::collection::vec(place(), 14),
        prop::collection::vec((any::<prop::sample::Index>(), place()), 0..3),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.4),
    )
        .prop_map(|(patterns, places, again, one_id, conflicts)| {
            let patterns: Vec<String> = patterns.into_iter().collect();
            let mut packs: Packs = (0..3)
                .map(|id| (id, vec![(0, vec![]), (1, vec![])]))
                .collect();
            for (text, &(pack, service)) in patterns.iter().zip(&places) {
                packs[pack].1[service].1.push(text.clone());
            }
            for (index, (pack, service)) in again.into_iter().filter(|_| conflicts) {
                packs[pack].1[service].1.push(index.get(&patterns).clone());
            }
            for (_, services) in &mut packs {
                services.retain(|(_, names)| !names.is_empty());
            }
            packs.retain(|(_, services)| !services.is_empty());
            if one_id && let Some(last) = packs.last_mut() {
                last.0 = 0;
            }
            packs
        })
}

/// Another order of the same, by random keys.
fn shuffled<T: Clone>(items: &[T], keys: &mut impl Iterator<Item = u32>) -> Vec<T> {
    let mut keyed: Vec<(u32, &T)> = items
        .iter()
        .map(|item| (keys.next().unwrap(), item))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item.clone()).collect()
}

fn text(id: usize, services: &[(usize, Vec<String>)]) -> String {
    let mut text = format!(
        "schema = 1\nkind = \"vendor\"\n[vendor]\nid = \"pack-{id}\"\nname = \"Pack\"\nrole = \"restricted\"\n\
         version = \"1\"\nreviewed = 2026-01-02\nenabled = true\n"
    );
    for (id, names) in services {
        text.push_str(&format!(
            "[[service]]\nid = \"service-{id}\"\nname = \"Service\"\ncategory = \"update\"\nstrength = \"strong\"\n\
             confidence = \"vendor\"\nnames = {names:?}\nsource = \"https://vendor.example/\"\n"
        ));
    }
    text
}

fn files(packs: &Packs) -> Vec<(String, String)> {
    let each = packs.iter().enumerate();
    each.map(|(number, (id, services))| (format!("{number}.toml"), text(*id, services)))
        .collect()
}

fn load(files: &[(String, String)]) -> (Library, Vec<String>) {
    let mut library = Library::default();
    let mut faults = Vec::new();
    let read = files
        .iter()
        .map(|(file, text)| (file.clone(), Ok(text.clone())));
    library.add(read, &mut faults);
    let mut faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.sort_unstable();
    (library, faults)
}

/// What wins for each name: vendor, service, pattern.
fn winners(library: &Library, names: &[String]) -> Vec<Option<[String; 3]>> {
    let rules = library.compile(|_| true);
    let found = names.iter().map(|name| {
        let name = DomainName::parse(name).unwrap();
        let found = rules.lookup(name.as_name())?;
        let service = &found.service;
        Some([
            service.vendor.to_string(),
            service.id.to_string(),
            found.pattern.to_string(),
        ])
    });
    found.collect()
}

/// Random names, and those that the patterns hold.
fn names_of(packs: &Packs, random: Vec<String>) -> Vec<String> {
    let services = packs.iter().flat_map(|(_, services)| services);
    let patterns = services.flat_map(|(_, names)| names);
    let held = patterns.flat_map(|text| {
        let name = text.trim_start_matches('.').replace(['*', '?'], "a");
        [format!("b.{name}"), format!("x{name}"), name]
    });
    held.chain(random).collect()
}

proptest! {
    /// Whoever lists the files of a folder: the same faults, word for word, and the same winners.
    #[test]
    fn of_files_as_they_are_listed(
        packs in packs(),
        random in prop::collection::vec("([abx]{1,3}\\.){0,3}[ab]{1,2}", 1..8),
        keys in prop::collection::vec(any::<u32>(), 3),
    ) {
        let names = names_of(&packs, random);
        let listed = files(&packs);
        let (library, faults) = load(&listed);
        let (other, other_faults) = load(&shuffled(&listed, &mut keys.into_iter()));
        prop_assert_eq!(faults, other_faults);
        prop_assert_eq!(winners(&library, &names), winners(&other, &names));
    }

    /// Other names of the files, so that another comes first: faults name another file, but there are as many.
    #[test]
    fn of_files_by_their_names(
        packs in packs(),
        random in prop::collection::vec("([abx]{1,3}\\.){0,3}[ab]{1,2}", 1..8),
        keys in prop::collection::vec(any::<u32>(), 3),
    ) {
        let names = names_of(&packs, random);
        let (library, faults) = load(&files(&packs));
        let (other, other_faults) = load(&files(&shuffled(&packs, &mut keys.into_iter())));
        prop_assert_eq!(faults.len(), other_faults.len(), "{:?} {:?}", &faults, &other_faults);
        if faults.is_empty() {
            prop_assert_eq!(winners(&library, &names), winners(&other, &names));
        }
    }

    /// Within a pack the first fault is told, and which that is depends on what comes first; whether there is one does not.
    #[test]
    fn of_services_and_names(
        packs in packs(),
        random in prop::collection::vec("([abx]{1,3}\\.){0,3}[ab]{1,2}", 1..8),
        keys in prop::collection::vec(any::<u32>(), 40),
    ) {
        let names = names_of(&packs, random);
        let mut keys = keys.into_iter();
        let turned: Packs = packs
            .iter()
            .map(|(id, services)| {
                let services = shuffled(services, &mut keys);
                let services = services
                    .into_iter()
                    .map(|(id, names)| (id, shuffled(&names, &mut keys)));
                (*id, services.collect())
            })
            .collect();
        let (library, faults) = load(&files(&packs));
        let (other, other_faults) = load(&files(&turned));
        prop_assert_eq!(faults.len(), other_faults.len(), "{:?} {:?}", &faults, &other_faults);
        if faults.is_empty() {
            prop_assert_eq!(winners(&library, &names), winners(&other, &names));
        }
    }
}
