//! `address`: a QHostAddress, a value that can change instead of an object.

use std::cell::RefCell;

use qnetwork::{QHostAddress, address::ConversionMode};

use super::{AnyHeld, Kind};
use crate::{args::Args, error::Result, names, value::Value, world::Recorder};

pub(super) struct Address(RefCell<QHostAddress>);

impl Address {
    pub(super) fn new(address: QHostAddress) -> Self {
        Address(RefCell::new(address))
    }

    fn set_address(&self, args: &Args<'_>) -> Result<Value> {
        if let Some(special) = args.special_address() {
            self.0.replace(special);
            return Ok(Value::None);
        }
        let text = args.text()?;
        Ok(self.0.borrow_mut().set_address(&text).is_ok().into())
    }
}

impl Kind for Address {
    fn class(&self) -> &'static str {
        "QHostAddress"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let address = self.0.borrow().clone();
        Ok(match args.method {
            "setAddress" => self.set_address(args)?,
            "clear" => self.0.borrow_mut().clear().into(),
            "isNull" => address.is_null().into(),
            "toString" => address.to_string().into(),
            "protocol" => names::value(address.protocol()),
            "scopeId" => address.scope_id().into(),
            "setScopeId" => self.0.borrow_mut().set_scope_id(&args.text()?).into(),
            "toIPv4Address" => address.to_ipv4_address().map_or(0, u32::from).into(),
            "isEqual" => {
                let other = args.address()?;
                let mode = args.or(ConversionMode::TOLERANT, |args| {
                    args.flags(conversion_mode, |one, other| one | other)
                })?;
                address.is_equal(&other, mode).into()
            }
            "isInSubnet" => {
                let (subnet, prefix) = (args.address()?, args.number::<i32>()?);
                // The parameter is a `u8` here. Qt finds no address with a negative one.
                u8::try_from(prefix).is_ok_and(|prefix| address.is_in_subnet(subnet, prefix)).into()
            }
            "isBroadcast" => address.is_broadcast().into(),
            "isGlobal" => address.is_global().into(),
            "isLinkLocal" => address.is_link_local().into(),
            "isLoopback" => address.is_loopback().into(),
            "isMulticast" => address.is_multicast().into(),
            "isSiteLocal" => address.is_site_local().into(),
            "isUniqueLocalUnicast" => address.is_unique_local_unicast().into(),
            _ => return Err(args.unknown(self.class())),
        })
    }

    fn watch(&self, _: &Recorder) {}

    fn address(&self) -> Option<QHostAddress> {
        Some(self.0.borrow().clone())
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        None
    }
}

fn conversion_mode(name: &str) -> Option<ConversionMode> {
    Some(match name {
        "StrictConversion" => ConversionMode::STRICT,
        "ConvertV4MappedToIPv4" => ConversionMode::CONVERT_V4_MAPPED_TO_IPV4,
        "ConvertV4CompatToIPv4" => ConversionMode::CONVERT_V4_COMPAT_TO_IPV4,
        "ConvertUnspecifiedAddress" => ConversionMode::CONVERT_UNSPECIFIED_ADDRESS,
        "ConvertLocalHost" => ConversionMode::CONVERT_LOCAL_HOST,
        "TolerantConversion" => ConversionMode::TOLERANT,
        _ => return None,
    })
}
