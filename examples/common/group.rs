use qnetwork::{NetworkLayerProtocol, QHostAddress, QNetworkInterface};

/// Multicast groups, their port and interface: the arguments that the multicast examples share.
#[derive(Clone, Debug)]
pub struct Group {
    groups: Vec<QHostAddress>,
    interface: Option<String>,
    /// The port.
    pub port: u16,
}

impl Default for Group {
    fn default() -> Self {
        Group { groups: Vec::new(), interface: None, port: 45454 }
    }
}

impl Group {
    /// Parses `--group`, `--interface` or `--port`. Returns whether it was one of these.
    ///
    /// # Errors
    ///
    /// If the value is invalid.
    pub fn argument(
        &mut self,
        argument: &lexopt::Arg<'_>,
        value: &mut dyn FnMut() -> String,
    ) -> Result<bool, String> {
        match argument {
            lexopt::Arg::Long("group") => {
                let text = value();
                let address = text.parse::<QHostAddress>().ok().filter(QHostAddress::is_multicast);
                self.groups.push(address.ok_or_else(|| format!("{text:?} is no group"))?);
            }
            lexopt::Arg::Long("interface") => self.interface = Some(value()),
            lexopt::Arg::Long("port") => {
                self.port = value().parse().map_err(|error| format!("{error}"))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the given groups, or by default those of Qt's examples.
    ///
    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn addresses(&self) -> Vec<QHostAddress> {
        if !self.groups.is_empty() {
            return self.groups.clone();
        }
        ["239.255.43.21", "ff12::2115"].map(|text| text.parse().expect("an address")).to_vec()
    }

    /// Returns the interface, if one was given.
    ///
    /// # Errors
    ///
    /// If there is no interface with this name.
    pub fn interface(&self) -> Result<Option<QNetworkInterface>, String> {
        let Some(name) = &self.interface else { return Ok(None) };
        let found = QNetworkInterface::interface_from_name(name);
        found.map(Some).ok_or_else(|| format!("there is no {name:?}"))
    }

    /// Returns the address to bind to for a group.
    #[must_use]
    pub fn any(group: &QHostAddress) -> QHostAddress {
        match group.protocol() {
            NetworkLayerProtocol::IPv6 => QHostAddress::AnyIPv6,
            _ => QHostAddress::AnyIPv4,
        }
    }
}
