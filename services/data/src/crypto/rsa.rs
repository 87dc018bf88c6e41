//! RSA keys as people have them: PEM texts around DER. Only as much of DER is
//! read as leads to the key; the numbers in it are ring's to judge.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};

const NO_PRIVATE: &str = "failed to parse PEM block containing private key";
const NO_PUBLIC: &str = "failed to parse PEM block containing public key";
const NOT_RSA_PRIVATE: &str = "key is not an RSA private key";
const NOT_RSA: &str = "key is not an RSA public key";
/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
/// The version in front of a certificate's fields.
const VERSION: u8 = 0xA0;

/// The signature (PKCS#1 v1.5 over SHA-256) of `message`. Errors: what is wrong with the key.
pub fn sign(pem: &[u8], message: &[u8]) -> Result<Vec<u8>, String> {
    let (label, der) = decode(pem).ok_or(NO_PRIVATE)?;
    let pair = match label.as_str() {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
        "PRIVATE KEY" if !holds_rsa(&der) => return Err(NOT_RSA_PRIVATE.to_owned()),
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
        _ => return Err(NO_PRIVATE.to_owned()),
    };
    let pair = pair.map_err(|e| e.to_string())?;
    // The signature does not depend on the randomness: that hides the key from who measures time.
    let mut signature = vec![0; pair.public().modulus_len()];
    let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
    signed.map(|()| signature).map_err(|_| "the key cannot sign".to_owned())
}

/// Whether `signature` is one of `message`. Errors: what is wrong with the key.
pub fn verify(pem: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, String> {
    let (label, der) = decode(pem).ok_or(NO_PUBLIC)?;
    let info = match label.as_str() {
        "PUBLIC KEY" => Der(&der).element(SEQUENCE).map(|(info, _)| info),
        "CERTIFICATE" => subject_key(&der),
        _ => None,
    };
    let key = public_key(info.ok_or(NO_PUBLIC)?).ok_or(NOT_RSA)?;
    Ok(UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature).is_ok())
}

/// Label and content of the first PEM block.
fn decode(pem: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_whitespace().collect();
    Some((label.to_owned(), BASE64_STANDARD.decode(body).ok()?))
}

/// Elements one after the other.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Tag and content of the first element, and what follows it.
    fn next(self) -> Option<(u8, Der<'a>, Der<'a>)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                (digits.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        Some((tag, Der(content), Der(rest)))
    }
    /// Content of the first element, which has this tag, and what follows it.
    fn element(self, tag: u8) -> Option<(Der<'a>, Der<'a>)> {
        self.next().filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
    }
    fn skip(self, n: usize) -> Option<Der<'a>> {
        (0..n).try_fold(self, |der, _| der.next().map(|(.., rest)| rest))
    }
}

fn is_rsa(algorithm: Der<'_>) -> bool {
    algorithm.element(OBJECT_ID).is_some_and(|(id, _)| id.0 == RSA_ENCRYPTION)
}

/// Whether a PKCS#8 key is of RSA: version, algorithm, key.
fn holds_rsa(der: &[u8]) -> bool {
    let algorithm = || Der(der).element(SEQUENCE)?.0.skip(1)?.element(SEQUENCE);
    algorithm().is_some_and(|(algorithm, _)| is_rsa(algorithm))
}

/// The public key info of a certificate: behind version, serial number, algorithm, issuer, validity and subject.
fn subject_key(der: &[u8]) -> Option<Der<'_>> {
    let (certificate, _) = Der(der).element(SEQUENCE)?;
    let (fields, _) = certificate.element(SEQUENCE)?;
    let fields = fields.element(VERSION).map_or(fields, |(_, rest)| rest);
    fields.skip(5)?.element(SEQUENCE).map(|(info, _)| info)
}

/// The RSA key in a public key info: algorithm, bits.
fn public_key(info: Der<'_>) -> Option<&[u8]> {
    let (algorithm, rest) = info.element(SEQUENCE)?;
    let (bits, _) = rest.element(BIT_STRING).filter(|_| is_rsa(algorithm))?;
    // In front of the bits: how many of the last byte do not count.
    bits.0.strip_prefix(&[0])
}
