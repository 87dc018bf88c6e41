//! `wasi:http` for guests that call others. `wasmtime-wasi-http` does requests,
//! responses and bodies; here is who may send what where, and `send`, which
//! sends.

mod send;

use std::future::{Future, ready};
use std::io;
use std::sync::Arc;

use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use wasmtime_wasi_http::p2::bindings::http::types::{DnsErrorPayload, ErrorCode};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};
use wippy_runtime::dispatch::Caller;

use super::commands::{HttpRequest, ask};
use crate::process::GuestState;

/// Requests that a guest may have at a time: each has a connection of its own.
const MAX_REQUESTS: usize = 64;

/// What a guest needs for requests.
#[derive(Default)]
pub struct Outgoing {
    context: WasiHttpCtx,
    hooks: Hooks,
}

impl Outgoing {
    /// For a guest that asks as `caller`.
    pub fn new(caller: Caller) -> Outgoing {
        Outgoing { context: WasiHttpCtx::new(), hooks: Hooks { caller: Some(caller), ..Hooks::default() } }
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        // Linked only where it was granted, and there it has a caller.
        let outgoing = self.http.get_or_insert_with(Box::default);
        WasiHttpCtxView { hooks: &mut outgoing.hooks, table: &mut self.table, ctx: &mut outgoing.context }
    }
}

/// Answers the questions of `wasmtime-wasi-http`.
#[derive(Default)]
struct Hooks {
    /// Without one nothing is sent.
    caller: Option<Caller>,
    /// One reference more for each request that is not over.
    requests: Arc<()>,
}

type Connection = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Connection), Error>;

impl WasiHttpHooks for Hooks {
    fn default_scheme(&mut self) -> Option<Scheme> {
        Some(Scheme::HTTP)
    }
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Connection,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let Some(caller) = self.caller.clone() else { return Box::new(ready(Err(Error::HttpRequestDenied))) };
        let running = self.requests.clone();
        if Arc::strong_count(&running) > MAX_REQUESTS + 1 {
            let text = format!("a process may have {MAX_REQUESTS} HTTP requests at a time");
            return Box::new(ready(Err(Error::InternalError(Some(text)))));
        }
        match admit(&caller, &request) {
            Ok(()) => Box::new(send::send(caller, request, options.unwrap_or_default(), running)),
            Err(e) => Box::new(ready(Err(e))),
        }
    }
    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        tracing::debug!(%error, "an HTTP request of a guest failed");
        ErrorCode::HttpProtocolError
    }
    fn p2_error_from_connect(&mut self, error: &io::Error) -> ErrorCode {
        match error.kind() {
            io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
            io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ErrorCode::DestinationIpUnroutable,
            _ => ErrorCode::DestinationUnavailable,
        }
    }
    fn p2_error_from_tls(&mut self, error: &io::Error) -> ErrorCode {
        tracing::debug!(%error, "no TLS for an HTTP request of a guest");
        ErrorCode::TlsProtocolError
    }
}

/// Asks for the URL. Errors: an internal error of WASI with the text `not allowed: URL`.
fn admit(caller: &Caller, request: &Request<WasiBody>) -> Result<(), Error> {
    let url = shown(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    ask(caller, HttpRequest { url, method: request.method().to_string() }).map_err(refused)
}

/// A refusal of the gate, with its words.
fn refused(error: wippy_runtime::Error) -> Error {
    Error::InternalError(Some(error.to_string()))
}

/// The URL as policies see it: one spelling for one place. `None` if it has no host, or a user in front of it.
fn shown(uri: &Uri) -> Option<String> {
    let (scheme, authority) = (uri.scheme()?, uri.authority()?);
    if authority.host().is_empty() || authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host().to_ascii_lowercase();
    let port = authority.port_u16().filter(|port| *port != default_port(scheme));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    Some(format!("{scheme}://{host}{port}{path}"))
}

fn default_port(scheme: &Scheme) -> u16 {
    if *scheme == Scheme::HTTPS { 443 } else { 80 }
}

/// A name that has no address.
fn unknown_host(why: &str) -> Error {
    ErrorCode::DnsError(DnsErrorPayload { rcode: Some(why.to_owned()), info_code: None }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_one_spelling() {
        let cases = [
            ("http://example.com/a?b", Some("http://example.com/a?b")),
            ("http://EXAMPLE.com:80", Some("http://example.com/")),
            ("https://example.com:443/", Some("https://example.com/")),
            ("https://example.com:80/", Some("https://example.com:80/")),
            ("http://[::1]:8080/x", Some("http://[::1]:8080/x")),
            ("http://user@example.com/", None),
            ("http://good.com:x@evil.com/", None),
            ("/path", None),
        ];
        for (uri, want) in cases {
            let got = uri.parse().ok().and_then(|uri| shown(&uri));
            assert_eq!(got.as_deref(), want, "{uri}");
        }
    }
}
