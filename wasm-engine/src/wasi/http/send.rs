//! Sends one request over a connection of its own (HTTP/1.1, TLS with the roots
//! of Mozilla), to an address that was asked for: a name that has another
//! address the next time it is looked up changes nothing.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};
use wippy_runtime::dispatch::Caller;

use super::super::commands::{HttpAddress, ask};
use super::{Connection, Sent, default_port, refused, unknown_host};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Sends `request`, and gives the response when its head has arrived; what is read of the body then is left to the
/// connection. `running` is dropped when the request is over.
pub async fn send(caller: Caller, mut request: Request<WasiBody>, options: RequestOptions, running: Arc<()>) -> Sent {
    let connected = within(options.connect_timeout, Error::ConnectionTimeout, connect(&caller, request.uri()));
    let stream = TokioIo::new(connected.await??);
    let (mut sender, connection) = http1::handshake(stream).await?;
    let connection = wasmtime_wasi::runtime::spawn(connection);
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    let answer = within(options.first_byte_timeout, Error::ConnectionReadTimeout, sender.send_request(request));
    let response = answer.await??;
    let limit = options.between_bytes_timeout;
    let response: Response<WasiBody> = response.map(|body| Paced::new(body, limit).boxed_unsync());
    let connection: Connection = Box::new(async move {
        // The request is over when nobody can ask for another one.
        drop(sender);
        let done = connection.await;
        drop(running);
        Ok(done?)
    });
    Ok((response, connection))
}

/// Waits for `work`, with a limit or without one.
async fn within<T>(limit: Option<Duration>, late: Error, work: impl Future<Output = T>) -> Result<T, Error> {
    match limit {
        None => Ok(work.await),
        Some(limit) => timeout(limit, work).await.map_err(|_| late),
    }
}

/// A connection to the host of `uri`. Errors: among others, for the first of its addresses that may not be reached.
async fn connect(caller: &Caller, uri: &Uri) -> Result<Box<dyn Stream>, Error> {
    let scheme = uri.scheme().ok_or(Error::HttpRequestUriInvalid)?;
    let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or_else(|| default_port(scheme));
    let addresses: Vec<SocketAddr> = match lookup_host((host, port)).await {
        Ok(addresses) => addresses.collect(),
        Err(e) => return Err(unknown_host(&e.to_string())),
    };
    for address in &addresses {
        ask(caller, HttpAddress { address: address.ip() }).map_err(refused)?;
    }
    let stream = TcpStream::connect(&addresses[..]).await.map_err(Error::Connect)?;
    if *scheme != Scheme::HTTPS {
        return Ok(Box::new(stream));
    }
    static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    });
    let name = ServerName::try_from(host.to_owned()).map_err(|e| unknown_host(&e.to_string()))?;
    let stream = TlsConnector::from(TLS.clone()).connect(name, stream).await.map_err(Error::Tls)?;
    Ok(Box::new(stream))
}

/// A body that ends with an error when the next part of it takes longer than it may.
struct Paced {
    body: hyper::body::Incoming,
    limit: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Paced {
    fn new(body: hyper::body::Incoming, limit: Option<Duration>) -> Paced {
        Paced { body, limit: limit.map(|limit| (limit, Box::pin(sleep(limit)))) }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Error;
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some((limit, late)) = &mut self.limit {
                late.as_mut().reset(Instant::now() + *limit);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let Some((_, late)) = &mut self.limit else { return Poll::Pending };
        ready!(late.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
