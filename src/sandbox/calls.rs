//! System calls, by seccomp (<https://man7.org/linux/man-pages/man2/seccomp.2.html>).
//!
//! A call that is not on the list fails with EPERM. `clone3` is said not to be there: its flags stand in memory, where no
//! filter sees them, and the C library then makes threads by `clone`, whose flags are looked at.

mod list;

use std::collections::BTreeMap;

use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::Needs;
use list::{Call, FREE, LEGACY};

/// Bytes of an address of netlink (`struct sockaddr_nl`, netlink(7)).
const ADDRESS_OF_NETLINK: i32 = 12;

/// Rules by number of the call: none means whatever its arguments.
type Rules = BTreeMap<Call, Vec<SeccompRule>>;

/// Takes from this thread all calls but those that are needed.
pub(super) fn restrict(needs: &Needs) -> Result<(), String> {
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    let unknown = Rules::from([(libc::SYS_clone3, Vec::new())]);
    apply(unknown, SeccompAction::Allow, missing)?;
    apply_sockets(needs)?;
    apply(allowed(needs)?, refuse, SeccompAction::Allow)
}

/// Takes sockets from this thread: all, or but those to which events are sent.
pub(super) fn leave_capture(sends: bool) -> Result<(), String> {
    let mut refused = Rules::new();
    if sends {
        let families = [libc::AF_PACKET, libc::AF_NETLINK].map(|family| rule(&[is(0, family)]));
        let families: Result<Vec<SeccompRule>, String> = families.into_iter().collect();
        refused.insert(libc::SYS_socket, families?);
    } else {
        for call in [libc::SYS_socket, libc::SYS_connect, libc::SYS_bind] {
            refused.insert(call, Vec::new());
        }
    }
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    apply(refused, SeccompAction::Allow, refuse)
}

/// Families of the sockets that are opened.
fn families(needs: &Needs) -> Vec<i32> {
    // Whether an interface has a link libpcap asks by netlink and by a local socket that is never connected.
    let capture = [libc::AF_NETLINK, libc::AF_UNIX];
    let capture = capture.into_iter().filter(|_| needs.captures);
    let reopening = [libc::AF_PACKET].into_iter().filter(|_| needs.reopens);
    // The C library learns of the machine's own addresses by netlink when it looks up a name.
    let outputs = [
        libc::AF_UNIX,
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_NETLINK,
    ];
    let outputs = outputs.into_iter().filter(|_| needs.sends);
    capture.chain(reopening).chain(outputs).collect()
}

/// Refuses other sockets as if the kernel did not know their families: libraries that try one go on without it. Of netlink
/// there are the families of interfaces and addresses only.
fn apply_sockets(needs: &Needs) -> Result<(), String> {
    let families = families(needs);
    let mut refused = Vec::new();
    if !families.is_empty() {
        let other = families.into_iter();
        let other: Vec<Wanted> = other.map(|family| is_not(0, family)).collect();
        refused.push(rule(&other)?);
        refused.push(rule(&[
            is(0, libc::AF_NETLINK),
            is_not(2, libc::NETLINK_ROUTE),
        ])?);
        // Landlock's rules are for TCP, and do not know what else makes connections, as Multipath TCP.
        for family in [libc::AF_INET, libc::AF_INET6] {
            refused.push(rule(&[
                is(0, family),
                is_not(2, 0),
                is_not(2, libc::IPPROTO_TCP),
                is_not(2, libc::IPPROTO_UDP),
            ])?);
        }
    }
    let refuse = SeccompAction::Errno(libc::EAFNOSUPPORT as u32);
    let sockets = Rules::from([(libc::SYS_socket, refused)]);
    apply(sockets, SeccompAction::Allow, refuse)
}

fn allowed(needs: &Needs) -> Result<Rules, String> {
    let mut rules: Rules = FREE
        .iter()
        .chain(LEGACY)
        .map(|&call| (call, Vec::new()))
        .collect();
    // Threads, no processes.
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![rule(&[has(0, thread, thread)])?]);
    // Nothing that was written is run, but for the modules with which the C library looks up names.
    let runs = libc::PROT_EXEC as u64;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let conditions = match needs.looks_up {
            true => Vec::new(),
            false => vec![rule(&[has(2, runs, 0)])?],
        };
        rules.insert(call, conditions);
    }
    // Nothing is typed into a terminal on behalf of its user.
    let typed = SeccompCmpOp::Ne;
    // Another type in each C library; the kernel takes 32 bits.
    let request = u64::from(libc::TIOCSTI as u32);
    let typed = condition(1, typed, request)?;
    rules.insert(
        libc::SYS_ioctl,
        vec![SeccompRule::new(vec![typed]).map_err(words)?],
    );
    // What is sent goes where a connection was allowed to: this flag would open one in passing.
    let not_in_passing = |flags| has(flags, libc::MSG_FASTOPEN as u64, 0);
    if needs.sends {
        for (call, flags) in [
            (libc::SYS_sendto, 3),
            (libc::SYS_sendmsg, 2),
            (libc::SYS_sendmmsg, 3),
        ] {
            rules.insert(call, vec![rule(&[not_in_passing(flags)])?]);
        }
    } else {
        // Where nothing is sent by itself: answers on connections, which name no receiver, and questions to the kernel, whose
        // address has this length. What an address says stands in memory, where no filter sees it.
        let answer = rule(&[not_in_passing(3), is(5, 0)])?;
        let question = rule(&[not_in_passing(3), is(5, ADDRESS_OF_NETLINK)])?;
        rules.insert(libc::SYS_sendto, vec![answer, question]);
    }
    // Limits are read, not set.
    rules.insert(libc::SYS_prlimit64, vec![rule(&[is(2, 0)])?]);
    if !families(needs).is_empty() {
        rules.insert(libc::SYS_socket, Vec::new());
        rules.insert(libc::SYS_bind, Vec::new());
    }
    if needs.sends {
        rules.insert(libc::SYS_connect, Vec::new());
    }
    Ok(rules)
}

fn apply(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Result<(), String> {
    let machine = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_| format!("no filter is known for {}", std::env::consts::ARCH))?;
    let filter = SeccompFilter::new(rules, otherwise, matched, machine).map_err(words)?;
    let program: seccompiler::BpfProgram = filter.try_into().map_err(words)?;
    apply_filter(&program).map_err(|error| error.to_string())
}

type Wanted = Result<SeccompCondition, String>;

fn rule(wanted: &[Wanted]) -> Result<SeccompRule, String> {
    let conditions: Result<Vec<SeccompCondition>, String> = wanted.iter().cloned().collect();
    SeccompRule::new(conditions?).map_err(words)
}

/// An argument has this value.
fn is(argument: u8, value: i32) -> Wanted {
    condition(argument, SeccompCmpOp::Eq, value as u64)
}

/// An argument has another value.
fn is_not(argument: u8, value: i32) -> Wanted {
    condition(argument, SeccompCmpOp::Ne, value as u64)
}

/// Of these bits of an argument, those are set.
fn has(argument: u8, bits: u64, set: u64) -> Wanted {
    condition(argument, SeccompCmpOp::MaskedEq(bits), set)
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Wanted {
    // The kernel takes these arguments as 32 bits, or 64 of which the upper ones are 0.
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(words)
}

fn words(error: seccompiler::BackendError) -> String {
    error.to_string()
}
