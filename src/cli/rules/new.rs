//! `straggler rules new`: a pack to start from.

use std::io::Write;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use crate::cli::{Exit, Failure, Output};
use crate::model::VendorId;

/// What is printed, with `{{…}}` where something is filled in.
const TEMPLATE: &str = include_str!("new_pack.toml");

const RELAY_PORTS: &str = "\
# Ports on which the vendor's relays listen inside a site, if it has such.
# relay_ports = [13000]
# Resolvers that the product asks by itself where the system's refuses: they explain a resolver bypass.
# fallback_resolvers = [\"192.0.2.53\"]
";
const COVERAGE: &str = "\
# Categories in which a contact proves that the product protects the host.
coverage = [\"update\"]
";
const CUTOFF: &str = "\
# When a category of the vendor becomes a finding, and who says so. Several are possible; the configuration chooses, and the
# default one applies otherwise.
[[cutoff]]
id = \"here-{{year}}\"
default = true
# ban, if not written; or advice, where nobody is in breach who goes on.
# kind = \"advice\"
jurisdiction = \"XX\"
binds = \"whom it binds, and to what\"
# An instant with its offset from UTC.
at = {{date}}T00:00:00Z
categories = [\"update\"]
authority = \"the act\"
source = \"https://law.example/the-act\"

";

/// `straggler rules new`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  straggler rules new acme > my-packs/acme.toml && straggler rules check my-packs/")]
pub struct NewArgs {
    /// Id of the vendor: small letters, digits and hyphens
    id: String,
    /// Its name for people; the id otherwise
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Which part it plays
    #[arg(long, value_enum, default_value_t = Role::Restricted)]
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Its use had to stop
    Restricted,
    /// It may take another vendor's place
    Replacement,
}

pub(super) fn new(args: &NewArgs, output: &mut Output) -> Result<Exit, Failure> {
    let Some(id) = VendorId::parse(&args.id) else {
        return Err(Failure::usage(format!(
            "{}: write an id of at most 64 small letters, digits and hyphens, such as `acme-security`",
            args.id.escape_debug()
        )));
    };
    let name = args.name.as_deref().unwrap_or(id.as_str());
    if name.trim().is_empty() || name.contains(['"', '\\']) || name.chars().any(char::is_control) {
        return Err(Failure::usage(
            "--name: write a name without quotes, backslashes and line breaks",
        ));
    }
    let today = TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    let (role, role_keys, cutoff) = match args.role {
        Role::Restricted => ("restricted", RELAY_PORTS, CUTOFF),
        Role::Replacement => ("replacement", COVERAGE, ""),
    };
    let text = TEMPLATE
        .replace("{{role_keys}}\n", role_keys)
        .replace(
            "{{cutoff}}\n",
            if cutoff.is_empty() {
                "\n"
            } else {
                "\n{{cutoff}}"
            },
        )
        .replace("{{cutoff}}", cutoff)
        .replace("{{role}}", role)
        .replace("{{id}}", id.as_str())
        .replace("{{year}}", &today.year().to_string())
        .replace("{{month}}", &today.month().to_string())
        .replace("{{date}}", &today.to_string())
        .replace("{{name}}", name);
    write!(output, "{text}")?;
    Ok(Exit::Fine)
}
