use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
};

use crate::tell;

fn send(
    method: &str,
    authority: &str,
    path: &str,
    body: &str,
    options: Option<RequestOptions>,
) -> Result<IncomingResponse, ErrorCode> {
    answer(&begin(method, authority, path, body, options)?)
}

fn begin(
    method: &str,
    authority: &str,
    path: &str,
    body: &str,
    options: Option<RequestOptions>,
) -> Result<FutureIncomingResponse, ErrorCode> {
    let headers = Fields::new();
    headers.append("x-guest", b"yes").expect("a header");
    let request = OutgoingRequest::new(headers);
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    request.set_method(&method).map_err(|()| ErrorCode::HttpRequestMethodInvalid)?;
    request.set_authority(Some(authority)).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    request.set_path_with_query(Some(path)).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let out = request.body().expect("a body");
    let response = handle(request, options)?;
    if !body.is_empty() {
        let stream = out.write().expect("a stream");
        stream.blocking_write_and_flush(body.as_bytes()).expect("room");
    }
    OutgoingBody::finish(out, None)?;
    Ok(response)
}

fn answer(response: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    response.subscribe().block();
    response.get().expect("a response").expect("nobody took it")
}

fn content(response: IncomingResponse) -> String {
    let status = response.status();
    let kind = response.headers().get("content-type");
    let kind = kind.first().map(|k| String::from_utf8_lossy(k).into_owned()).unwrap_or_default();
    let body = response.consume().expect("a body");
    let stream = body.stream().expect("a stream");
    let mut content = Vec::new();
    while let Ok(part) = stream.blocking_read(1024) {
        content.extend(part);
    }
    format!("{status} {kind} {}", String::from_utf8_lossy(&content))
}

pub fn request(told: &mut Vec<String>, method: &str, authority: &str, path: &str, body: &str) {
    tell(told, method, send(method, authority, path, body, None), content);
}

/// Waits for the first byte no longer than a moment.
pub fn impatient(told: &mut Vec<String>, authority: &str, path: &str) {
    let options = RequestOptions::new();
    options.set_first_byte_timeout(Some(50_000_000)).expect("an option");
    tell(told, "late", send("GET", authority, path, "", Some(options)), content);
}

/// Begins so many requests, and waits for the last.
pub fn many(told: &mut Vec<String>, count: usize, authority: &str, path: &str) {
    let begun: Vec<_> = (0..count).map(|_| begin("GET", authority, path, "", None)).collect();
    let last = begun.last().expect("one at least").as_ref().map_err(Clone::clone);
    tell(told, "many", last.and_then(answer), content);
}
