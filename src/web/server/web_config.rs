//! The file that says who is let in, with the keys of Prometheus' exporter toolkit
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>), so that one file does for all
//! exporters of a machine.
//!
//! What is not supported is refused and not ignored: somebody relies on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Bytes that are read of the file.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the file itself is for.
const SAYS_WHO: &str = "--web.config.file (`web_config`) names the file that says who is let in: give one that can be read, \
    or none (docs/server.md)";
/// What those are for that it names.
pub(super) const OF_TLS: &str = "tls_server_config in the file that says who is let in names it; paths begin where that file lies (docs/server.md)";

/// The file's content.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebConfig {
    pub(super) tls_server_config: Option<TlsKeys>,
    pub(super) http_server_config: HttpKeys,
    /// Hashes of bcrypt, by user.
    pub(super) basic_auth_users: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsKeys {
    pub(super) cert_file: PathBuf,
    pub(super) key_file: PathBuf,
    pub(super) client_auth_type: ClientAuth,
    pub(super) client_ca_file: Option<PathBuf>,
    pub(super) min_version: TlsVersion,
    pub(super) max_version: Option<TlsVersion>,
    /// Without a meaning since TLS 1.3; the toolkit ignores it too.
    #[serde(rename = "prefer_server_cipher_suites")]
    _prefer_server_cipher_suites: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpKeys {
    /// Both are fine: what is offered is HTTP/1.1.
    #[serde(rename = "http2")]
    _http2: Option<bool>,
    pub(super) headers: BTreeMap<HeaderKey, String>,
}

/// The answers' headers that the file may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) enum HeaderKey {
    #[serde(rename = "Content-Security-Policy")]
    ContentSecurityPolicy,
    #[serde(rename = "X-Frame-Options")]
    FrameOptions,
    #[serde(rename = "X-Content-Type-Options")]
    ContentTypeOptions,
    #[serde(rename = "X-XSS-Protection")]
    XssProtection,
    #[serde(rename = "Strict-Transport-Security")]
    StrictTransportSecurity,
}

/// Whether clients show certificates. The toolkit's other two kinds ask for one and check nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum ClientAuth {
    #[default]
    NoClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) enum TlsVersion {
    #[default]
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

/// The file, or one that it names, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebConfigError {
    /// A file cannot be read.
    #[error("{path}: {why}; {what_for}")]
    Unreadable {
        /// Its path.
        path: String,
        /// The system's words.
        why: String,
        /// What it is for, and how to mend it.
        what_for: &'static str,
    },
    /// The text is wrong at a place.
    #[error("{path}:{line}:{column}: {what}")]
    Wrong {
        /// Path of the file.
        path: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        what: String,
    },
    /// What it says cannot be.
    #[error("{path}: {what}")]
    Unfit {
        /// Path of the file.
        path: String,
        /// What, and how to mend it.
        what: String,
    },
}

impl WebConfig {
    /// Reads a file. Paths in it begin where it lies.
    pub(super) fn read(path: &Path) -> Result<Self, WebConfigError> {
        let text = read(path, MAX_BYTES, SAYS_WHO)?;
        let text = String::from_utf8(text).map_err(|_| unfit(path, "it is no UTF-8 text"))?;
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut config: Self = serde_saphyr::from_str(&text).map_err(|error| {
            let location = error.location();
            WebConfigError::Wrong {
                path: path.display().to_string(),
                line: location.map_or(1, |location| location.line()),
                column: location.map_or(1, |location| location.column()),
                what: words(&error),
            }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        if let Some(tls) = &mut config.tls_server_config {
            tls.cert_file = folder.join(&tls.cert_file);
            tls.key_file = folder.join(&tls.key_file);
            tls.client_ca_file = tls.client_ca_file.as_ref().map(|file| folder.join(file));
        }
        config.check(path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<(), WebConfigError> {
        for (user, hash) in &self.basic_auth_users {
            if hash.parse::<bcrypt::HashParts>().is_err() {
                let what = format!(
                    "basic_auth_users: what stands for `{}` is no hash of bcrypt; `htpasswd -nBC 10 \"\"` makes one",
                    user.escape_debug()
                );
                return Err(unfit(path, &what));
            }
            if user.contains(':') {
                return Err(unfit(path, "basic_auth_users: a user's name has no colon"));
            }
        }
        let Some(tls) = &self.tls_server_config else {
            return Ok(());
        };
        let verifies = tls.client_auth_type != ClientAuth::NoClientCert;
        match (verifies, &tls.client_ca_file) {
            (true, None) => Err(unfit(
                path,
                "tls_server_config: client_auth_type needs client_ca_file, by which certificates are verified",
            )),
            (false, Some(_)) => Err(unfit(
                path,
                "tls_server_config: client_ca_file does nothing without client_auth_type: RequireAndVerifyClientCert",
            )),
            _ if tls.max_version < Some(tls.min_version) && tls.max_version.is_some() => Err(
                unfit(path, "tls_server_config: max_version is below min_version"),
            ),
            _ => Ok(()),
        }
    }
}

/// The error in one line, without the text around it: a hash may stand there.
fn words(error: &serde_saphyr::Error) -> String {
    let told = error.without_snippet().to_string();
    told.lines().next().unwrap_or_default().trim().to_owned()
}

/// A file's bytes, up to a size.
pub(super) fn read(
    path: &Path,
    most: u64,
    what_for: &'static str,
) -> Result<Vec<u8>, WebConfigError> {
    let unreadable = |why: String| WebConfigError::Unreadable {
        path: path.display().to_string(),
        why,
        what_for,
    };
    let known = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    // A pipe would be empty, or never end, when it is read again.
    if !known.is_file() {
        return Err(unreadable("it is not a regular file".to_owned()));
    }
    if known.len() > most {
        return Err(unreadable(format!("it is larger than {most} bytes")));
    }
    std::fs::read(path).map_err(|error| {
        // Here nobody knows whether the process is sandboxed.
        unreadable(match error.kind() {
            std::io::ErrorKind::PermissionDenied => format!(
                "{error}; where it lies in a folder that was not named at start, or was replaced since: restart needed"
            ),
            _ => error.to_string(),
        })
    })
}

pub(super) fn unfit(path: &Path, what: &str) -> WebConfigError {
    WebConfigError::Unfit {
        path: path.display().to_string(),
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$10$iQ.fVpp312EyBzdLZbZ2J.vqRnoMqIxnWswOUB8kFC2xQ5OqA5lDC";

    fn read_text(text: &str) -> Result<WebConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        std::fs::write(&path, text).unwrap();
        WebConfig::read(&path).map_err(|error| {
            let told = error.to_string();
            told.replace(folder.path().to_str().unwrap(), "")
        })
    }

    #[test]
    fn the_toolkits_keys_are_read() {
        let text = format!(
            "tls_server_config:\n  cert_file: a.crt\n  key_file: /k/a.key\n  client_auth_type: RequireAndVerifyClientCert\n  \
             client_ca_file: ca.crt\n  min_version: TLS13\n  prefer_server_cipher_suites: true\n\
             http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n\
             basic_auth_users:\n  alice: {HASH}\n"
        );
        let config = read_text(&text).unwrap();
        let tls = config.tls_server_config.unwrap();
        assert!(tls.cert_file.is_absolute() && tls.cert_file.ends_with("a.crt"));
        assert_eq!(tls.key_file, Path::new("/k/a.key"));
        assert_eq!(tls.min_version, TlsVersion::Tls13);
        assert_eq!(config.http_server_config.headers.len(), 1);
        assert_eq!(config.basic_auth_users["alice"], HASH);
        assert!(read_text("").unwrap().basic_auth_users.is_empty());
        assert!(
            read_text("# nothing\n")
                .unwrap()
                .tls_server_config
                .is_none()
        );
    }

    #[test]
    fn faults_say_where_and_no_secret() {
        for (text, words) in [
            ("basic_auth_user:\n  a: b\n", "/web.yml:1:1: "),
            (
                "basic_auth_users:\n  alice: secret\n",
                "`alice` is no hash of bcrypt",
            ),
            (
                "tls_server_config:\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
                "cipher_suites",
            ),
            (
                "tls_server_config:\n  client_auth_type: RequireAnyClientCert\n",
                "RequireAnyClientCert",
            ),
            (
                "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n",
                "needs client_ca_file",
            ),
            (
                "tls_server_config:\n  client_ca_file: x\n",
                "does nothing without",
            ),
            (
                "tls_server_config:\n  min_version: TLS13\n  max_version: TLS12\n",
                "max_version is below",
            ),
            ("tls_server_config: [", "/web.yml:1"),
            ("basic_auth_users: &a\n  x: *a\n", "/web.yml:"),
        ] {
            let told = read_text(text).unwrap_err();
            assert!(told.contains(words), "{text}: {told}");
            assert!(!told.contains("secret") && !told.contains('\n'), "{told}");
        }
    }
}
