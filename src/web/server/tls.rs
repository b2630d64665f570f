//! TLS of the server: certificates, versions, clients' certificates.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::web_config::{ClientAuth, OF_TLS, TlsKeys, TlsVersion, WebConfigError, read, unfit};

/// Bytes that are read of a certificate or key.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the file asks for.
pub(super) fn acceptor(keys: &TlsKeys) -> Result<TlsAcceptor, WebConfigError> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(&keys.cert_file)?;
    let key = read(&keys.key_file, MAX_BYTES, OF_TLS)?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|error| unfit(&keys.key_file, &format!("no private key in PEM: {error}")))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(keys))
        .map_err(|error| unfit(&keys.cert_file, &error.to_string()))?;
    let builder = match (keys.client_auth_type, &keys.client_ca_file) {
        (ClientAuth::NoClientCert, _) | (_, None) => builder.with_no_client_auth(),
        (kind, Some(file)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                roots
                    .add(certificate)
                    .map_err(|error| unfit(file, &error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match kind {
                ClientAuth::VerifyClientCertIfGiven => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            let verifier = verifier
                .build()
                .map_err(|error| unfit(file, &error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| unfit(&keys.cert_file, &format!("{error} (with its key)")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, WebConfigError> {
    let text = read(path, MAX_BYTES, OF_TLS)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unfit(path, "there is no certificate in PEM")),
        Err(error) => Err(unfit(path, &format!("no certificate in PEM: {error}"))),
    }
}

fn versions(keys: &TlsKeys) -> Vec<&'static SupportedProtocolVersion> {
    let most = keys.max_version.unwrap_or(TlsVersion::Tls13);
    let known = [(TlsVersion::Tls12, &TLS12), (TlsVersion::Tls13, &TLS13)];
    let fit = known
        .into_iter()
        .filter(|(version, _)| (keys.min_version..=most).contains(version));
    fit.map(|(_, version)| version).collect()
}
