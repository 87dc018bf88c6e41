//! Sockets of guests: every address and every name is asked for at the gate, that of each datagram too. What comes in
//! is not asked about: it comes to a socket that may listen, or from where it is connected to.

use std::net::SocketAddr;

use wasmtime::component::Resource;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{self, HostResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsView};
use wippy_runtime::dispatch::Caller;

use super::commands::{Connect, Listen, LookUp, ask};
use crate::process::GuestState;

type ResolveAddressStream = ip_name_lookup::ResolveAddressStream;

/// Lets the guest use what its caller may.
pub fn allow(builder: &mut WasiCtxBuilder, caller: Caller) {
    builder.allow_tcp(true).allow_udp(true).allow_ip_name_lookup(true);
    builder.socket_addr_check(move |address, what| Box::pin(std::future::ready(may_use(&caller, address, what))));
}

fn may_use(caller: &Caller, address: SocketAddr, what: SocketAddrUse) -> bool {
    match what {
        SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend => ask(caller, Connect { to: address }).is_ok(),
        SocketAddrUse::TcpListen | SocketAddrUse::UdpBind => ask(caller, Listen { at: address }).is_ok(),
        // Nothing comes of a bound address alone; the rest was asked for when the socket began to listen.
        SocketAddrUse::TcpBind | SocketAddrUse::TcpAccept | SocketAddrUse::UdpReceive => true,
    }
}

/// Names are looked up as `wasmtime-wasi` does, for those who may.
impl ip_name_lookup::Host for GuestState {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        let question = LookUp { name: name.clone() };
        match self.with_step(|cx| ask(cx.caller(), question)).map_err(SocketError::trap)? {
            Ok(()) => ip_name_lookup::Host::resolve_addresses(&mut self.sockets(), network, name),
            Err(_) => Err(ErrorCode::AccessDenied.into()),
        }
    }
}

impl HostResolveAddressStream for GuestState {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        self.sockets().resolve_next_address(stream)
    }
    fn subscribe(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        HostResolveAddressStream::subscribe(&mut self.sockets(), stream)
    }
    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        HostResolveAddressStream::drop(&mut self.sockets(), stream)
    }
}

/// Errors are those of the sockets.
impl network::Host for GuestState {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }
    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl network::HostNetwork for GuestState {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets(), network)
    }
}
