//! TLS the way libpq means it: rustls with ring, and a check that knows `require` and `verify-ca`.

use super::conninfo::{SslMode, TlsSettings};
use crate::model::failure::Failure;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// The client's TLS settings. Certificates are read here, so a bad file fails before anything is sent.
pub fn client_config(settings: &TlsSettings) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut versions = Vec::new();
    versions.extend(settings.tls13.then_some(&rustls::version::TLS13));
    versions.extend(settings.tls12.then_some(&rustls::version::TLS12));
    let broken = |error: Error| Failure::usage(format!("TLS settings do not fit together: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions).map_err(broken)?;
    let check = ServerCheck::new(settings, &provider)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(check));
    let mut config = match &settings.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|e| unreadable("sslkey", key, &e.to_string()))?;
            builder.with_client_auth_cert(certificates("sslcert", certificate)?, key).map_err(broken)?
        }
    };
    config.enable_sni = settings.sni;
    if settings.direct {
        // Without it a server of PostgreSQL 17 refuses a direct handshake.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

fn unreadable(parameter: &str, file: &Path, why: &str) -> Failure {
    let failure = Failure::usage(format!("cannot use {} ({parameter}): {why}", file.display()));
    if parameter == "sslkey" {
        failure.hint("the key must be PEM without a passphrase: openssl pkey -in KEY -out KEY.plain")
    } else {
        failure
    }
}

fn certificates(parameter: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = CertificateDer::pem_file_iter(file).and_then(|iter| iter.collect::<Result<Vec<_>, _>>());
    let list = read.map_err(|e| unreadable(parameter, file, &e.to_string()))?;
    if list.is_empty() { Err(unreadable(parameter, file, "it holds no PEM certificate")) } else { Ok(list) }
}

/// Checks the server's certificate as far as the sslmode asks.
#[derive(Debug)]
struct ServerCheck {
    /// Chain and name; `None` accepts any certificate (libpq's `require` without a root file).
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// The roots as given: libpq accepts a server that presents one of them itself.
    roots: Vec<CertificateDer<'static>>,
    /// Must the certificate name the host?
    name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCheck {
    fn new(settings: &TlsSettings, provider: &Arc<rustls::crypto::CryptoProvider>) -> Result<Self, Failure> {
        let algorithms = provider.signature_verification_algorithms;
        if settings.mode < SslMode::VerifyCa {
            return Ok(ServerCheck { chain: None, roots: Vec::new(), name: false, algorithms });
        }
        let roots = match &settings.root_file {
            Some(file) => certificates("sslrootcert", file)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let mut store = RootCertStore::empty();
        if store.add_parsable_certificates(roots.iter().cloned()).0 == 0 {
            return Err(Failure::usage("no usable root certificate was found").hint("set sslrootcert to a PEM file"));
        }
        let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
        if let Some(file) = &settings.crl_file {
            let read = CertificateRevocationListDer::pem_file_iter(file).and_then(|iter| iter.collect::<Result<Vec<_>, _>>());
            let lists = read.map_err(|e| unreadable("sslcrl", file, &e.to_string()))?;
            builder = builder.with_crls(lists).allow_unknown_revocation_status();
        }
        let chain = builder.build().map_err(|e| Failure::usage(format!("cannot check certificates: {e}")))?;
        Ok(ServerCheck { chain: Some(chain), roots, name: settings.mode == SslMode::VerifyFull, algorithms })
    }

    /// A self-signed certificate that is itself the trusted root, as `openssl req -x509` makes
    /// them: marked as an authority, which webpki refuses at the end of a chain and OpenSSL does not.
    fn is_pinned(&self, error: &Error, certificate: &CertificateDer<'_>) -> bool {
        matches!(error, Error::InvalidCertificate(CertificateError::Other(_))) && self.roots.iter().any(|root| root == certificate)
    }
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The chain is checked before the name, so this error means that the chain is good.
            Err(Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }))
                if !self.name =>
            {
                Ok(ServerCertVerified::assertion())
            }
            Err(error) if self.is_pinned(&error, end_entity) => {
                if self.name {
                    rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    struct Made {
        certificate: rcgen::Certificate,
        key: KeyPair,
        params: CertificateParams,
    }

    fn self_signed(name: &str, authority: bool, end_year: i32) -> Made {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = if authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
        params.not_after = date_time_ymd(end_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        Made { certificate: params.self_signed(&key).unwrap(), key, params }
    }

    fn signed_by(root: &Made, name: &str) -> Made {
        let mut made = self_signed(name, false, 4096);
        made.certificate = made.params.signed_by(&made.key, &Issuer::from_params(&root.params, &root.key)).unwrap();
        made
    }

    fn settings(mode: SslMode, root: &Path) -> TlsSettings {
        TlsSettings {
            mode,
            system_roots: false,
            root_file: Some(root.to_owned()),
            crl_file: None,
            client: None,
            direct: false,
            sni: true,
            tls12: true,
            tls13: true,
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    /// Does a server with `certificate` pass as `name`, with `root` as the only trusted root?
    fn passes(mode: SslMode, root: &Made, certificate: &Made, name: &str) -> bool {
        let root = file(&root.certificate.pem());
        accepts(&settings(mode, root.path()), certificate, name)
    }

    fn accepts(settings: &TlsSettings, certificate: &Made, name: &str) -> bool {
        let check = ServerCheck::new(settings, &Arc::new(rustls::crypto::ring::default_provider())).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        check.verify_server_cert(certificate.certificate.der(), &[], &name, &[], UnixTime::now()).is_ok()
    }

    #[test]
    fn each_mode_checks_what_it_promises_and_no_more() {
        use SslMode::{Prefer, Require, VerifyCa, VerifyFull};
        let (root, other) = (self_signed("root", true, 4096), self_signed("other", true, 4096));
        let server = signed_by(&root, "db.test");
        // As `openssl req -x509` makes them: the server's own certificate is also the root.
        let own = self_signed("db.test", true, 4096);
        let leaf = self_signed("db.test", false, 4096);
        let expired = self_signed("db.test", true, 2001);
        for (mode, root, server, name, expected) in [
            (Prefer, &other, &server, "x", true),
            (Require, &other, &server, "x", true),
            (VerifyCa, &root, &server, "x", true),
            (VerifyCa, &other, &server, "db.test", false),
            (VerifyFull, &root, &server, "db.test", true),
            (VerifyFull, &root, &server, "x", false),
            (VerifyFull, &root, &server, "127.0.0.1", false),
            (VerifyFull, &other, &server, "db.test", false),
            (VerifyCa, &own, &own, "x", true),
            (VerifyFull, &own, &own, "db.test", true),
            (VerifyFull, &own, &own, "x", false),
            (VerifyCa, &other, &own, "db.test", false),
            (VerifyFull, &leaf, &leaf, "db.test", true),
            (VerifyFull, &leaf, &leaf, "x", false),
            (VerifyCa, &expired, &expired, "db.test", false),
        ] {
            let case = format!("{mode:?}, {:?} trusted, {:?} as {name}", root.params.distinguished_name, server.params.distinguished_name);
            assert_eq!(passes(mode, root, server, name), expected, "{case}");
        }
    }

    #[test]
    fn a_revoked_certificate_is_refused() {
        let root = self_signed("root", true, 4096);
        let mut revoked = self_signed("db.test", false, 4096);
        revoked.params.serial_number = Some(7u64.into());
        revoked.certificate = revoked.params.signed_by(&revoked.key, &Issuer::from_params(&root.params, &root.key)).unwrap();
        let list = rcgen::CertificateRevocationListParams {
            this_update: date_time_ymd(2001, 1, 1),
            next_update: date_time_ymd(4096, 1, 1),
            crl_number: 1u64.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![rcgen::RevokedCertParams {
                serial_number: 7u64.into(),
                revocation_time: date_time_ymd(2001, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let list = file(&list.signed_by(&Issuer::from_params(&root.params, &root.key)).unwrap().pem().unwrap());
        let root_file = file(&root.certificate.pem());
        let with_list = TlsSettings { crl_file: Some(list.path().to_owned()), ..settings(SslMode::VerifyFull, root_file.path()) };
        assert!(!accepts(&with_list, &revoked, "db.test"));
        assert!(accepts(&with_list, &signed_by(&root, "db.test"), "db.test"), "another one is not on the list");
        assert!(accepts(&settings(SslMode::VerifyFull, root_file.path()), &revoked, "db.test"), "without the list nobody knows");
    }

    #[test]
    fn bad_files_are_named_with_their_parameter() {
        let made = self_signed("x", true, 4096);
        let (certificate, key) = (file(&made.certificate.pem()), file(&made.key.serialize_pem()));
        let garbage = file("-----BEGIN CERTIFICATE-----\nZZ\n");
        let encrypted = file("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
        let path = |file: &tempfile::NamedTempFile| file.path().to_owned();
        let good = settings(SslMode::VerifyCa, certificate.path());
        let client = |certificate, key| TlsSettings { client: Some((path(certificate), path(key))), ..good.clone() };
        assert!(client_config(&client(&certificate, &key)).is_ok());
        for (settings, parameter) in [
            (settings(SslMode::VerifyCa, garbage.path()), "sslrootcert"),
            (settings(SslMode::VerifyCa, key.path()), "sslrootcert"),
            (TlsSettings { crl_file: Some(path(&garbage)), ..good.clone() }, "sslcrl"),
            (client(&garbage, &key), "sslcert"),
            (client(&certificate, &encrypted), "sslkey"),
        ] {
            let failure = client_config(&settings).expect_err(parameter);
            assert_eq!(failure.kind, crate::model::failure::FailureKind::Usage);
            assert!(failure.message.contains(parameter), "{parameter}: {failure:?}");
        }
    }
}
