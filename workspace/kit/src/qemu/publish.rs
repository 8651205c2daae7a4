//! Ports of a machine that are reached from outside of it.

/// A port of the host that leads to a port of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    /// TCP port on the host's loopback.
    pub(crate) host: u16,
    /// TCP port in the machine.
    pub(crate) guest: u16,
}

impl std::str::FromStr for Publish {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not HOST:GUEST, two port numbers, such as 8080:80");
        let (host, guest) = text.split_once(':').ok_or_else(wrong)?;
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong);
        Ok(Self { host: port(host)?, guest: port(guest)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_strictly() {
        assert_eq!("8080:80".parse(), Ok(Publish { host: 8080, guest: 80 }));
        for wrong in ["80", "a:80", "0:80", "80:65536", ":"] {
            assert!(wrong.parse::<Publish>().is_err(), "{wrong}");
        }
    }
}
