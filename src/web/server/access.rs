//! Who is let in now: the file and the certificates that it names, read again when one of them changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use axum::http::{HeaderName, HeaderValue, header};
use tokio_rustls::TlsAcceptor;

use crate::metrics::ServerScene;

use super::auth::Verified;
use super::tls;
use super::web_config::{ClientAuth, HeaderKey, WebConfig, WebConfigError, unfit};

/// How often files are looked at, when somebody connects.
const EVERY: Duration = Duration::from_secs(1);
/// How often what was refused is read again although nothing seems to have changed: a file that it names may be there now,
/// or may be read now.
const AGAIN: Duration = Duration::from_secs(10);

/// Who is let in, and over what: by default everybody, in the clear.
pub struct Access {
    file: Option<PathBuf>,
    admission: ArcSwap<Admission>,
    looked: Mutex<Looked>,
    /// Where it is told what is refused.
    told: Arc<ServerScene>,
    pub(super) verified: Verified,
}

/// What holds for connections that begin now.
#[derive(Default)]
pub struct Admission {
    tls: Option<TlsAcceptor>,
    /// Hashes of bcrypt, by user; nobody is asked where there are none.
    pub(super) users: BTreeMap<String, String>,
    /// Whether a client must show a certificate.
    wants_certificate: bool,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The files that this was read from, and how they lay there.
    stamps: Vec<Stamp>,
}

/// A file, when it was written and its size; without these it is not there.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

/// When it was last looked, and what was refused.
struct Looked {
    at: Instant,
    refused: Option<Refusal>,
}

/// What was refused, when and why.
struct Refusal {
    /// How the files lay there.
    stamps: Vec<Stamp>,
    at: Instant,
    fault: String,
}

impl Access {
    /// Reads the file, if there is one.
    pub fn read(file: Option<&Path>) -> Result<Self, WebConfigError> {
        let admission = match file {
            Some(file) => Admission::read(file)?,
            None => Admission::default(),
        };
        Ok(Self {
            file: file.map(Path::to_owned),
            admission: ArcSwap::from_pointee(admission),
            looked: Mutex::new(Looked {
                at: Instant::now(),
                refused: None,
            }),
            told: Arc::default(),
            verified: Verified::default(),
        })
    }

    /// The files that it was read from.
    pub fn files(&self) -> Vec<PathBuf> {
        let admission = self.admission.load();
        admission
            .stamps
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Tells there what is refused from now on.
    pub fn telling(self, told: Arc<ServerScene>) -> Self {
        Self { told, ..self }
    }

    /// Whether connections are over TLS.
    pub fn is_tls(&self) -> bool {
        self.admission.load().tls.is_some()
    }

    /// What holds now. Where a file has changed and cannot be used, what held before does.
    pub(super) fn current(&self) -> Arc<Admission> {
        if let Some(file) = &self.file {
            self.look(file);
        }
        self.admission.load_full()
    }

    fn look(&self, file: &Path) {
        // Nothing in it is half done when a thread panics.
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.at.elapsed() < EVERY {
            return;
        }
        looked.at = Instant::now();
        let known = Arc::clone(&self.admission.load());
        let now = restamp(&known.stamps);
        if now == known.stamps {
            looked.refused = None;
            self.told.set_fault(None);
            return;
        }
        let before = looked.refused.take();
        if let Some(refusal) = &before
            && refusal.stamps == now
            && refusal.at.elapsed() < AGAIN
        {
            looked.refused = before;
            return;
        }
        match Admission::read(file) {
            Ok(admission) => {
                self.admission.store(Arc::new(admission));
                self.told.set_fault(None);
                tracing::info!(file = %file.display(), "who is let in is read again");
            }
            Err(fault) => {
                let fault =
                    format!("who is let in: refused: {fault}; what was in force stays in force");
                // The same again is not told again.
                if before.is_none_or(|before| before.fault != fault) {
                    tracing::error!("{fault}");
                    self.told.set_fault(Some(fault.clone()));
                }
                looked.refused = Some(Refusal {
                    stamps: now,
                    at: Instant::now(),
                    fault,
                });
            }
        }
    }
}

impl Admission {
    fn read(file: &Path) -> Result<Self, WebConfigError> {
        let own = stamp(file.to_owned());
        let config = WebConfig::read(file)?;
        let named = config.tls_server_config.iter().flat_map(|tls| {
            let needed = [&tls.cert_file, &tls.key_file];
            needed.into_iter().chain(&tls.client_ca_file).cloned()
        });
        let stamps = std::iter::once(own).chain(named.map(stamp)).collect();
        let acceptor = config.tls_server_config.as_ref().map(tls::acceptor);
        let headers = config.http_server_config.headers.iter();
        let headers = headers.map(|(&key, value)| {
            let value = HeaderValue::from_str(value)
                .map_err(|_| unfit(file, "http_server_config: that is no value of a header"))?;
            Ok((name_of(key), value))
        });
        let client_auth = config.tls_server_config.as_ref();
        let client_auth = client_auth.map(|tls| tls.client_auth_type);
        Ok(Self {
            tls: acceptor.transpose()?,
            wants_certificate: client_auth == Some(ClientAuth::RequireAndVerifyClientCert),
            headers: headers.collect::<Result<_, _>>()?,
            users: config.basic_auth_users,
            stamps,
        })
    }

    /// Whether everybody is let in who reaches the port.
    pub(super) fn is_open(&self) -> bool {
        self.users.is_empty() && !self.wants_certificate
    }

    pub(super) fn tls(&self) -> Option<&TlsAcceptor> {
        self.tls.as_ref()
    }
}

fn stamp(file: PathBuf) -> Stamp {
    let data = std::fs::metadata(&file).ok();
    let stamp = data.and_then(|data| Some((data.modified().ok()?, data.len())));
    (file, stamp)
}

fn restamp(stamps: &[Stamp]) -> Vec<Stamp> {
    stamps.iter().map(|(file, _)| stamp(file.clone())).collect()
}

fn name_of(key: HeaderKey) -> HeaderName {
    match key {
        HeaderKey::ContentSecurityPolicy => header::CONTENT_SECURITY_POLICY,
        HeaderKey::FrameOptions => header::X_FRAME_OPTIONS,
        HeaderKey::ContentTypeOptions => header::X_CONTENT_TYPE_OPTIONS,
        HeaderKey::XssProtection => header::X_XSS_PROTECTION,
        HeaderKey::StrictTransportSecurity => header::STRICT_TRANSPORT_SECURITY,
    }
}
