//! One conversation with a git server: which commit a reference names, and packs of what is wanted.
//!
//! Protocol 2 where the server has it, else what there was before. Texts of the server are never repeated.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::BString;
use gix::progress::Discard;
use gix_protocol::fetch::{Arguments, Response};
use gix_protocol::handshake::Ref;
use gix_protocol::ls_refs::RefPrefixes;
use gix_protocol::{Command, Handshake, LsRefsCommand};
use gix_transport::client::blocking_io::{ExtendedBufRead, Transport, http};
use gix_transport::{Protocol, Service};

use super::FetchError;
use super::exchange::Cause;
use super::http::Https;
use super::job::{Credentials, Reference};
use super::ssh::{self, Login};
use super::store::Store;
use super::url::GitUrl;

/// A server that answered.
pub(super) struct Session {
    host: String,
    transport: Box<dyn Transport>,
    handshake: Handshake,
    cause: Cause,
}

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub(super) struct Wants<'a> {
    pub(super) objects: &'a [ObjectId],
    /// A commit that is here, whose parents are not.
    pub(super) known: Option<ObjectId>,
    /// So many commits of history.
    pub(super) depth: Option<usize>,
    /// What the server is to leave out.
    pub(super) filter: Option<&'static str>,
}

impl Session {
    pub(super) fn open(
        url: &GitUrl,
        credentials: &Credentials,
        within: Duration,
    ) -> Result<Self, FetchError> {
        let cause: Cause = Rc::new(RefCell::new(None));
        let host = url.host().to_owned();
        let mut transport: Box<dyn Transport> = match url {
            GitUrl::Https { host, url } => {
                let https = Https::new(host, url, credentials, within, cause.clone())?;
                let wrong =
                    |_: gix::Error| FetchError::Url("the URL of the repository is none".to_owned());
                let url = gix::url::parse(gix::bstr::BStr::new(url.as_str())).map_err(wrong)?;
                Box::new(http::Transport::new_http(https, url, Protocol::V2, false))
            }
            GitUrl::Ssh { user, host, port, path } => {
                let login = Login { user, host, port: *port, path };
                Box::new(ssh::connect(&login, credentials, within)?)
            }
        };
        let greeted = gix_protocol::handshake(
            &mut transport,
            Service::UploadPack,
            |_| Ok(None),
            Vec::new(),
            &mut Discard,
        );
        match greeted {
            Ok(handshake) => Ok(Self { host, transport, handshake, cause }),
            Err(_) => Err(cause.take().unwrap_or(match url {
                GitUrl::Ssh { .. } => FetchError::NoRepository(host),
                GitUrl::Https { .. } => {
                    FetchError::Protocol(host, "no list of references".to_owned())
                }
            })),
        }
    }

    /// Whether trees can be fetched without contents, and contents by their own names.
    pub(super) fn can_choose(&self) -> bool {
        self.handshake.server_protocol_version == Protocol::V2
            && self.handshake.capabilities.capability("fetch").is_some_and(|fetch| {
                fetch.supports("filter").unwrap_or_default()
                    && fetch.supports("shallow").unwrap_or_default()
            })
    }

    /// Whether further requests can be made of this session.
    pub(super) fn goes_on(&self) -> bool {
        self.handshake.server_protocol_version == Protocol::V2
    }

    /// The commit that the reference names, and the object to ask for to get it.
    pub(super) fn tip(
        &mut self,
        reference: &Reference,
    ) -> Result<(ObjectId, ObjectId), FetchError> {
        let no_ref = || FetchError::NoRef(reference.to_string());
        let names = match reference {
            Reference::Head => vec!["HEAD".to_owned()],
            Reference::Branch(name) => vec![format!("refs/heads/{name}")],
            Reference::Tag(name) => vec![format!("refs/tags/{name}")],
            Reference::Named(name) => {
                vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")]
            }
            Reference::Commit(hash) => {
                let id = ObjectId::from_hex(hash.as_bytes()).map_err(|_| no_ref())?;
                return Ok((id, id));
            }
        };
        let is_wrong =
            |it: &String| gix::validate::reference::name_partial(it.as_str().into()).is_err();
        if names.iter().any(is_wrong) {
            return Err(no_ref());
        }
        let refs = match self.handshake.refs.take() {
            Some(refs) => refs,
            None => self.list(&names)?,
        };
        let mut found = refs.iter().filter_map(|it| named(it, &names));
        let first = found.next().ok_or_else(no_ref)?;
        match found.next() {
            Some(_) => Err(FetchError::Ambiguous(reference.to_string())),
            None => Ok(first),
        }
    }

    fn list(&mut self, names: &[String]) -> Result<Vec<Ref>, FetchError> {
        let mut prefixes = RefPrefixes::new();
        prefixes.extend(names.iter().map(|name| BString::from(name.as_str())));
        let list = LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, agent());
        let listed = list.invoke_blocking(&mut self.transport, &mut Discard, false);
        listed.map_err(|_| wrong(&self.host, &self.cause, "no list of references"))
    }

    /// Puts a pack of what is wanted into the store.
    pub(super) fn fetch(&mut self, wants: Wants<'_>, store: &Store) -> Result<(), FetchError> {
        let version = self.handshake.server_protocol_version;
        let mut features = Command::Fetch.default_features(version, &self.handshake.capabilities);
        features.push(agent());
        let mut arguments = Arguments::new(version, features, false);
        if version == Protocol::V2 {
            arguments.add_feature("no-progress");
        }
        if let Some(known) = wants.known.filter(|_| arguments.can_use_shallow()) {
            arguments.shallow(known);
            arguments.have(known);
        }
        wants.objects.iter().for_each(|id| arguments.want(id));
        if let Some(depth) = wants.depth.filter(|_| arguments.can_use_deepen()) {
            arguments.deepen(depth);
        }
        if let Some(filter) = wants.filter.filter(|_| arguments.can_use_filter()) {
            arguments.filter(filter);
        }
        let Self { host, transport, cause, .. } = self;
        let no_pack = || wrong(host, cause, "no pack");
        let mut reader = arguments.send(transport, true).map_err(|_| no_pack())?;
        let response = Response::from_line_reader(version, &mut reader, true, false);
        if !response.map_err(|_| no_pack())?.has_pack() {
            return Err(no_pack());
        }
        reader.set_progress_handler(Some(Box::new(|_, _| ControlFlow::Continue(()))));
        store.receive(&mut reader, host).map_err(|error| match cause.take() {
            Some(cause) if matches!(error, FetchError::Protocol(..)) => cause,
            _ => error,
        })?;
        // What is left of the answer, so that the connection can be used again.
        std::io::copy(&mut reader, &mut std::io::sink()).map(drop).map_err(|_| no_pack())
    }
}

/// What happened, as the transport noted it, or else that.
fn wrong(host: &str, cause: &Cause, what: &str) -> FetchError {
    cause.take().unwrap_or_else(|| FetchError::Protocol(host.to_owned(), what.to_owned()))
}

fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(concat!("seal/", env!("CARGO_PKG_VERSION")).to_owned()))
}

/// The commit, and the object that the server calls by one of these names.
fn named(reference: &Ref, names: &[String]) -> Option<(ObjectId, ObjectId)> {
    let (name, commit, asked) = match reference {
        Ref::Peeled { full_ref_name, tag, object } => (full_ref_name, *object, *tag),
        Ref::Direct { full_ref_name, object } | Ref::Symbolic { full_ref_name, object, .. } => {
            (full_ref_name, *object, *object)
        }
        Ref::Unborn { .. } => return None,
    };
    names.iter().any(|it| name == it.as_str()).then_some((commit, asked))
}
