//! One request and its response, as the three parts that gix holds of them.
//!
//! gix hands over the body of a request after it has the response in hand, so all three share an [`Exchange`], which is
//! sent when the first header of the response is asked for.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::rc::Rc;

use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use super::FetchError;
use super::http::{cause_of, checked, io_cause, with_headers};

/// Bytes of a request: the hashes of 40,000 contents.
const MAX_REQUEST: usize = 4 * 1024 * 1024;

/// Why a request failed. gix passes errors on as texts, so the cause waits here.
pub(super) type Cause = Rc<RefCell<Option<FetchError>>>;

/// A POST that is not sent yet.
pub(super) struct Asking {
    pub(super) agent: Agent,
    pub(super) url: String,
    pub(super) headers: Vec<String>,
    pub(super) authorization: Option<Zeroizing<String>>,
    pub(super) body: Vec<u8>,
}

/// A POST: what was written of its body, then what came back.
enum Exchange {
    Asking(Asking),
    Answered { headers: Cursor<Vec<u8>>, body: Box<dyn BufRead> },
    Failed,
}

/// One exchange, shared by the three that gix holds of it.
struct Part {
    host: String,
    exchange: Rc<RefCell<Exchange>>,
    cause: Cause,
}

/// The body of a request.
pub(super) struct Request(Part);
/// The headers of a response.
pub(super) struct Headers {
    part: Part,
    lines: Option<Cursor<Vec<u8>>>,
}
/// The body of a response.
pub(super) struct Answer {
    part: Part,
    body: Option<Box<dyn BufRead>>,
}

impl Part {
    fn share(&self) -> Self {
        Self { host: self.host.clone(), exchange: self.exchange.clone(), cause: self.cause.clone() }
    }

    fn failed(&self, error: FetchError) -> io::Error {
        *self.cause.borrow_mut() = Some(error);
        io::Error::other("the request failed")
    }

    /// Sends what was asked, if that was not done.
    fn send(&self) -> io::Result<()> {
        let asked = self.exchange.replace(Exchange::Failed);
        let Exchange::Asking(Asking { agent, url, headers, authorization, body }) = asked else {
            self.exchange.replace(asked);
            return Ok(());
        };
        let request = with_headers(agent.post(&url), &headers, authorization.as_deref());
        let answer = request.send(&body[..]).map_err(|error| cause_of(&self.host, &error));
        let answer = answer.and_then(|it| checked(&self.host, it)).map_err(|it| self.failed(it))?;
        let headers = Cursor::new(lines(answer.headers()));
        let body = Box::new(BufReader::with_capacity(64 * 1024, answer.into_body().into_reader()));
        self.exchange.replace(Exchange::Answered { headers, body });
        Ok(())
    }
}

/// Of the headers the one that gix looks at.
fn lines(headers: &HeaderMap) -> Vec<u8> {
    let kind = headers.get("content-type").map(|it| it.as_bytes()).unwrap_or_default();
    [b"content-type: ", kind, b"\n"].concat()
}

impl Write for Request {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.0.exchange.borrow_mut() {
            Exchange::Asking(Asking { body, .. }) if body.len() + bytes.len() <= MAX_REQUEST => {
                body.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            _ => Err(io::Error::other("the request is too long")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Headers {
    fn get(&mut self) -> io::Result<&mut Cursor<Vec<u8>>> {
        if self.lines.is_none() {
            self.part.send()?;
            if let Exchange::Answered { headers, .. } = &mut *self.part.exchange.borrow_mut() {
                self.lines = Some(std::mem::take(headers));
            }
        }
        Ok(self.lines.get_or_insert_default())
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.get()?.read(buffer)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.get()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(lines) = &mut self.lines {
            lines.consume(amount);
        }
    }
}

impl Answer {
    fn get(&mut self) -> io::Result<&mut Box<dyn BufRead>> {
        if self.body.is_none() {
            self.part.send()?;
            let answered = self.part.exchange.replace(Exchange::Failed);
            match answered {
                Exchange::Answered { body, .. } => self.body = Some(body),
                _ => return Err(io::Error::other("the request failed")),
            }
        }
        self.body.as_mut().ok_or_else(|| io::Error::other("the request failed"))
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.get()?.read(buffer);
        read.map_err(|error| self.part.failed(io_cause(&self.part.host, &error)))
    }
}

impl BufRead for Answer {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.get()?;
        let Self { part, body } = self;
        let body = body.as_mut().ok_or_else(|| io::Error::other("the request failed"))?;
        body.fill_buf().map_err(|error| part.failed(io_cause(&part.host, &error)))
    }

    fn consume(&mut self, amount: usize) {
        if let Some(body) = &mut self.body {
            body.consume(amount);
        }
    }
}

/// The parts of a GET that was answered.
pub(super) fn answered(host: &str, cause: &Cause, answer: Response<Body>) -> (Headers, Answer) {
    let lines = Cursor::new(lines(answer.headers()));
    let body: Box<dyn BufRead> = Box::new(BufReader::new(answer.into_body().into_reader()));
    let exchange = Rc::new(RefCell::new(Exchange::Failed));
    let part = Part { host: host.to_owned(), exchange, cause: cause.clone() };
    (Headers { part: part.share(), lines: Some(lines) }, Answer { part, body: Some(body) })
}

/// The parts of a POST that will be sent.
pub(super) fn asked(host: &str, cause: &Cause, asking: Asking) -> (Request, Headers, Answer) {
    let exchange = Rc::new(RefCell::new(Exchange::Asking(asking)));
    let part = Part { host: host.to_owned(), exchange, cause: cause.clone() };
    let headers = Headers { part: part.share(), lines: None };
    (Request(part.share()), headers, Answer { part, body: None })
}
