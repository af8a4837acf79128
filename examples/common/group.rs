use qnetwork::{NetworkLayerProtocol, QHostAddress, QNetworkInterface};

/// Groups, their port, and the interface by which they are reached: what the multicast examples are told.
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
    /// Takes an argument, if it is one of `--group`, `--interface`, and `--port`.
    ///
    /// # Errors
    ///
    /// If the value is none.
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

    /// The groups: those that were given, else those of Qt's examples.
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

    /// The interface, if one was given.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn interface(&self) -> Result<Option<QNetworkInterface>, String> {
        let Some(name) = &self.interface else { return Ok(None) };
        let found = QNetworkInterface::interface_from_name(name);
        if found.is_valid() { Ok(Some(found)) } else { Err(format!("there is no {name:?}")) }
    }

    /// The address to bind to for a group.
    #[must_use]
    pub fn any(group: &QHostAddress) -> QHostAddress {
        match group.protocol() {
            NetworkLayerProtocol::IPv6 => QHostAddress::AnyIPv6,
            _ => QHostAddress::AnyIPv4,
        }
    }
}
