//! Files and connections, by Landlock (<https://docs.kernel.org/userspace-api/landlock.html>).

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, make_bitflags,
};

use super::Needs;

/// The newest interface whose rights were looked through here: Linux 6.15. Newer kernels have these too.
const KNOWN: ABI = ABI::V7;

/// What the process reads of the system while it runs: about itself for its metrics, interfaces for those that come back,
/// time zones for reports.
const OF_THE_SYSTEM: [&str; 6] = [
    "/proc/self",
    "/proc/net",
    "/proc/sys/kernel",
    "/sys/class/net",
    "/sys/devices",
    "/usr/share/zoneinfo",
];
/// What the C library reads to look up a host name, its modules included.
const FOR_LOOK_UPS: [&str; 9] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ld.so.cache",
    "/usr/lib",
    "/lib",
];
/// Where these are links, as to what a resolver service writes.
const RESOLVER_STATE: &str = "/run/systemd/resolve";

/// Takes from this thread all files and connections but those that are needed.
pub(super) fn restrict(needs: &Needs) -> Result<(), String> {
    enforce(needs).map_err(|error| error.to_string())?
}

fn enforce(needs: &Needs) -> Result<Result<(), String>, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    // Neither programs nor devices are made or run there.
    let write = read
        | make_bitflags!(AccessFs::{WriteFile | RemoveFile | RemoveDir | MakeReg | MakeDir | Refer | Truncate});
    let system = OF_THE_SYSTEM.iter().map(PathBuf::from);
    let look_ups = FOR_LOOK_UPS.iter().chain([&RESOLVER_STATE]);
    let look_ups = look_ups.filter(|_| needs.looks_up).map(PathBuf::from);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(beneath(needs.read.iter().cloned(), read))?
        .add_rules(beneath(system.chain(look_ups), read))?
        .add_rules(beneath(needs.write.iter().cloned(), write))?
        .add_rules(
            needs
                .tcp
                .iter()
                .map(|&port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp))),
        )?
        .restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced, _) => Ok(()),
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { .. }) => {
            tracing::info!(
                "this kernel knows a part of Landlock: files are closed, connections may not be"
            );
            Ok(())
        }
        (_, LandlockStatus::NotEnabled) => {
            Err("the kernel has Landlock, but it is not enabled at boot (lsm=)".to_owned())
        }
        _ => Err(
            "the kernel has no Landlock (Linux 5.13 and later can have it), or what started the process, such as a container, \
             refuses it"
                .to_owned(),
        ),
    })
}

/// A rule for each path that is there. Of a file only what can be done with files counts.
fn beneath(
    paths: impl Iterator<Item = PathBuf>,
    access: BitFlags<AccessFs>,
) -> impl Iterator<Item = Result<PathBeneath<PathFd>, RulesetError>> {
    paths.filter_map(move |path| {
        let access = match path.is_dir() {
            true => access,
            false => access & AccessFs::from_file(KNOWN),
        };
        Some(Ok(PathBeneath::new(PathFd::new(path).ok()?, access)))
    })
}
