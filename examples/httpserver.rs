//! An HTTP/1.1 server: hyper on the sockets of `qnetwork`, in tasks of the event loop. Try it with
//! `curl http://127.0.0.1:7080/`.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    process::ExitCode,
    task::{Context, Poll},
    time::Duration,
};

use examples::{HyperIo, LoopTimer};
use http_body_util::BodyExt;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use qcore::spawn_local;
use qnetwork::{QTcpServer, QTcpSocket};

const ABOUT: &str = "\
Answers GET / with a greeting, POST /echo with the body of the request, and GET /bytes/N with N
bytes.";

/// How many bytes a connection reads ahead of its task.
const READ_AHEAD: usize = 64 * 1024;
/// How much of a body `/echo` collects before it begins to answer. Many clients read nothing until
/// they have sent everything.
const COLLECTED: usize = 8 << 20;
/// How long a client may take for the head of a request, and be idle before it.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    examples::serve("httpserver", ABOUT, 7080, |server| {
        spawn_local(serve(server.clone()));
    })
}

async fn serve(server: QTcpServer) {
    let mut http = http1::Builder::new();
    http.timer(LoopTimer).header_read_timeout(HEAD_LIMIT);
    // A client may close its sending half after the request.
    http.half_close(true);
    let mut incoming = server.incoming();
    while let Some(socket) = incoming.next().await {
        spawn_local(talk(http.clone(), socket));
    }
}

async fn talk(http: http1::Builder, socket: QTcpSocket) {
    let peer = socket.peer_port();
    socket.set_read_buffer_size(READ_AHEAD);
    let stream = HyperIo::new(socket.stream());
    if let Err(error) = http.serve_connection(stream, service_fn(answer)).await {
        eprintln!("httpserver: the connection from port {peer} has failed: {error}");
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Content>, Infallible> {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path();
    let count = path.strip_prefix("/bytes/").and_then(|count| count.parse().ok());
    Ok(match (path, count) {
        ("/", _) if get => text(StatusCode::OK, "hello\n"),
        ("/", _) => not_allowed("GET, HEAD"),
        (_, Some(left)) if get => binary(Content::Pattern { at: 0, left }),
        (_, Some(_)) => not_allowed("GET, HEAD"),
        ("/echo", _) if *request.method() == Method::POST => echo(request).await,
        ("/echo", _) => not_allowed("POST"),
        _ => text(StatusCode::NOT_FOUND, "not found\n"),
    })
}

async fn echo(mut request: Request<Incoming>) -> Response<Content> {
    let kind = request.headers().get(CONTENT_TYPE).cloned();
    let (mut start, mut size) = (VecDeque::new(), 0);
    while size < COLLECTED {
        match request.frame().await.map(|frame| frame.map(Frame::into_data)) {
            None => break,
            Some(Ok(Ok(data))) => {
                size += data.len();
                start.push_back(data);
            }
            // Trailers are not sent back.
            Some(Ok(Err(_))) => {}
            Some(Err(_)) => return text(StatusCode::BAD_REQUEST, "the body is incomplete\n"),
        }
    }
    let mut response = binary(Content::Echo { start, rest: request.into_body() });
    if let Some(kind) = kind {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

fn text(status: StatusCode, text: &'static str) -> Response<Content> {
    let whole = Content::Whole(Bytes::from_static(text.as_bytes()));
    response(status, "text/plain; charset=utf-8", whole)
}

fn binary(content: Content) -> Response<Content> {
    response(StatusCode::OK, "application/octet-stream", content)
}

fn not_allowed(methods: &'static str) -> Response<Content> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

fn response(status: StatusCode, kind: &'static str, content: Content) -> Response<Content> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The body of a response.
enum Content {
    Whole(Bytes),
    /// The next `left` bytes of [`PATTERN`], repeated.
    Pattern {
        at: usize,
        left: u64,
    },
    /// What was collected of a request's body, and the rest of it.
    Echo {
        start: VecDeque<Bytes>,
        rest: Incoming,
    },
}

/// The bytes 0 to 250, again and again: a lost or repeated block shows, because blocks of a round
/// size differ.
static PATTERN: [u8; 251 * 256] = {
    let mut pattern = [0; 251 * 256];
    let mut at = 0;
    while at < pattern.len() {
        pattern[at] = (at % 251) as u8;
        at += 1;
    }
    pattern
};

impl Body for Content {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let data = match &mut *self {
            Content::Whole(bytes) => std::mem::take(bytes),
            Content::Pattern { at, left } => {
                let rest = &PATTERN[*at..];
                let count = (*left).min(rest.len() as u64) as usize;
                *at = (*at + count) % PATTERN.len();
                *left -= count as u64;
                Bytes::from_static(&rest[..count])
            }
            Content::Echo { start, rest } => match start.pop_front() {
                Some(data) => data,
                None => return Pin::new(rest).poll_frame(context),
            },
        };
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Pattern { left, .. } => *left == 0,
            Content::Echo { start, rest } => start.is_empty() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pattern { left, .. } => SizeHint::with_exact(*left),
            Content::Echo { start, rest } => {
                let collected = start.iter().map(|data| data.len() as u64).sum();
                match rest.size_hint().exact() {
                    Some(size) => SizeHint::with_exact(size.saturating_add(collected)),
                    None => SizeHint::new(),
                }
            }
        }
    }
}
