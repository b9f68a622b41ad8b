//! A port that stays one server's own, also while nothing listens on it.
//!
//! A second socket is bound to it and never listens: the kernel then answers connections with a refusal, and gives
//! the port to nobody else.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

// Ten thousand tasks may connect at once.
const BACKLOG: u32 = 4096;

/// A reserved port of the loopback interface.
#[derive(Debug)]
pub(super) struct Port {
    address: SocketAddr,
    _reservation: TcpSocket,
}

impl Port {
    pub(super) fn reserve() -> Port {
        let reservation = bound_to(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let address = reservation.local_addr().expect("a bound socket has an address");
        Port {
            address,
            _reservation: reservation,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn listen(&self) -> TcpListener {
        bound_to(self.address)
            .listen(BACKLOG)
            .expect("only this port listens at its address")
    }
}

fn bound_to(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("sockets are to be had");
    // Two sockets may share the address as long as one of them listens.
    socket.set_reuseaddr(true).expect("the option is known");
    socket.bind(address).expect("a free loopback port is to be had");
    socket
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_reserved_port_refuses_then_listens_then_refuses_again() {
        let port = Port::reserve();
        for _ in 0..3 {
            let refused = TcpStream::connect(port.address()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let listener = port.listen();
            TcpStream::connect(port.address()).await.unwrap();
            drop(listener);
        }
    }
}
