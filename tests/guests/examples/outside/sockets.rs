use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::{OutgoingDatagram, UdpSocket};
use wasip2::sockets::udp_create_socket::create_udp_socket;

use crate::{ok, tell};

fn address(text: &str) -> IpSocketAddress {
    match text.parse().expect("an address") {
        std::net::SocketAddr::V4(a) => {
            let [w, x, y, z] = a.ip().octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port: a.port(), address: (w, x, y, z) })
        }
        std::net::SocketAddr::V6(a) => {
            let [s, t, u, v, w, x, y, z] = a.ip().segments();
            let address = (s, t, u, v, w, x, y, z);
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port: a.port(), flow_info: 0, address, scope_id: 0 })
        }
    }
}

fn family(address: &IpSocketAddress) -> IpAddressFamily {
    match address {
        IpSocketAddress::Ipv4(_) => IpAddressFamily::Ipv4,
        IpSocketAddress::Ipv6(_) => IpAddressFamily::Ipv6,
    }
}

/// A socket outlives its streams.
type Connection = (InputStream, OutputStream, TcpSocket);

fn connected(to: IpSocketAddress) -> Result<Connection, ErrorCode> {
    let socket = create_tcp_socket(family(&to))?;
    socket.start_connect(&instance_network(), to)?;
    loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            Ok((input, output)) => return Ok((input, output, socket)),
            Err(e) => return Err(e),
        }
    }
}

fn listening(at: &str) -> Result<TcpSocket, ErrorCode> {
    let at = address(at);
    let socket = create_tcp_socket(family(&at))?;
    socket.start_bind(&instance_network(), at)?;
    socket.finish_bind()?;
    socket.start_listen()?;
    socket.finish_listen()?;
    Ok(socket)
}

fn accepted(socket: &TcpSocket) -> Result<Connection, ErrorCode> {
    loop {
        match socket.accept() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            accepted => return accepted.map(|(socket, input, output)| (input, output, socket)),
        }
    }
}

fn read(from: &InputStream) -> Result<String, StreamError> {
    from.blocking_read(100).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A server and its client.
pub fn tcp(told: &mut Vec<String>) {
    let server = listening("127.0.0.1:0");
    tell(told, "listen", server.as_ref(), ok);
    let Ok(server) = server else { return };
    let client = connected(server.local_address().expect("an address"));
    tell(told, "connect", client.as_ref(), ok);
    let Ok(client) = client else { return };
    let peer = accepted(&server).expect("the client");
    client.1.blocking_write_and_flush(b"ping").expect("room");
    tell(told, "server reads", read(&peer.0), |text| text);
    peer.1.blocking_write_and_flush(b"pong").expect("room");
    tell(told, "client reads", read(&client.0), |text| text);
}

pub fn connect(told: &mut Vec<String>, to: &str) {
    tell(told, "connect", connected(address(to)), |connection: Connection| {
        connection.1.blocking_write_and_flush(b"ping").expect("room");
        read(&connection.0).expect("an answer")
    });
}

fn bound() -> Result<UdpSocket, ErrorCode> {
    let socket = create_udp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), address("127.0.0.1:0"))?;
    socket.finish_bind()?;
    Ok(socket)
}

pub fn udp(told: &mut Vec<String>) {
    let (from, to) = match (bound(), bound()) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return tell(told, "bind", from.and(to), |_| unreachable!("one is an error")),
    };
    let (_, outgoing) = from.stream(None).expect("streams");
    let (incoming, _) = to.stream(None).expect("streams");
    outgoing.subscribe().block();
    outgoing.check_send().expect("room");
    let remote_address = Some(to.local_address().expect("an address"));
    let sent = outgoing.send(&[OutgoingDatagram { data: b"ping".to_vec(), remote_address }]);
    let refused = sent.is_err();
    tell(told, "send", sent, |n| n.to_string());
    if refused {
        return;
    }
    incoming.subscribe().block();
    tell(told, "receive", incoming.receive(10), |all| {
        all.iter().map(|d| String::from_utf8_lossy(&d.data).into_owned()).collect::<Vec<_>>().join(" ")
    });
}

pub fn resolve(told: &mut Vec<String>, name: &str) {
    let stream = match resolve_addresses(&instance_network(), name) {
        Ok(stream) => stream,
        Err(e) => return tell(told, "resolve", Err(e), ok::<()>),
    };
    let first = loop {
        match stream.resolve_next_address() {
            Err(ErrorCode::WouldBlock) => stream.subscribe().block(),
            next => break next,
        }
    };
    tell(told, "resolve", first, |address| match address {
        Some(IpAddress::Ipv4((127, 0, 0, 1))) | Some(IpAddress::Ipv6((0, 0, 0, 0, 0, 0, 0, 1))) => "this machine".into(),
        Some(other) => format!("{other:?}"),
        None => "nothing".into(),
    });
}
