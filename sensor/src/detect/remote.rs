//! Ways into a host for people: remote shells, screens and shares, beside the remote desktop.

use sensor_ebpf::flow::Transport;

use crate::state::connection::Connection;

/// What kind of remote access a connection is, by content, or by its port where content says nothing. The remote desktop
/// has a model of its own.
pub fn access(connection: &Connection) -> Option<(&'static str, bool)> {
    if let Some(spec) = connection.protocol {
        return match spec.name {
            "ssh" => Some(("SSH", true)),
            "telnet" => Some(("Telnet", true)),
            "vnc" | "rfb" => Some(("VNC", true)),
            "smb" => Some(("SMB", true)),
            _ => None,
        };
    }
    if connection.transport != Transport::Tcp {
        return None;
    }
    let name = match connection.server.port {
        22 => "SSH",
        23 => "Telnet",
        139 | 445 => "SMB",
        512..=514 => "a remote shell",
        5900..=5903 => "VNC",
        5938 => "TeamViewer",
        5985 | 5986 => "WinRM",
        _ => return None,
    };
    Some((name, false))
}
