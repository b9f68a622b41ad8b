//! Where a job runs: the Livy that is asked, and the ResourceManager that knows the truth.

use serde_json::{Map, Value, json};
use url::Url;

use crate::fields::{Fields, Mistakes};

/// Livy's port where none is declared.
pub const LIVY_PORT: u16 = 8998;

/// The ResourceManager's web ports, plain and with TLS.
const RESOURCE_MANAGER_PORT: u16 = 8088;
const RESOURCE_MANAGER_TLS_PORT: u16 = 8090;

/// The user in whose name the ResourceManager is asked, where none is declared.
pub const RESOURCE_MANAGER_USER: &str = "hadoop";

/// Whether a declaration may name an EMR cluster instead of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterIds {
    /// The caller can look a cluster's primary node up.
    Accepted,
    /// `ClusterId` is an unknown field here.
    Refused,
}

/// How the truth about applications is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResourceManager {
    /// YARN is asked, and nothing is concluded without it.
    Required {
        /// The ResourceManagers' addresses, in order of preference.
        urls: Vec<Url>,
        /// The user in whose name they are asked.
        user: String,
    },
    /// A Livy without YARN: its word is all there is.
    None,
}

/// One Livy with its ResourceManager.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Livy's address.
    pub livy: Url,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_certificate: Option<String>,
    /// The ResourceManager that belongs to this Livy.
    pub resource_manager: ResourceManager,
}

impl Endpoint {
    /// Every host that this endpoint leads to.
    pub fn hosts(&self) -> Vec<&str> {
        let resource_managers = match &self.resource_manager {
            ResourceManager::Required { urls, .. } => urls.as_slice(),
            ResourceManager::None => &[],
        };
        std::iter::once(&self.livy)
            .chain(resource_managers)
            .filter_map(Url::host_str)
            .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Url(Url),
    Host(String),
    Cluster(String),
}

/// An endpoint as its user declared it; a cluster's primary node may still have to be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeclaredEndpoint {
    address: Option<Address>,
    port: Option<u16>,
    scheme: Option<&'static str>,
    ca_certificate: Option<String>,
    without_resource_manager: bool,
    resource_manager_urls: Option<Vec<Url>>,
    resource_manager_user: Option<String>,
}

impl DeclaredEndpoint {
    /// Every field's name, in the order of the documentation.
    pub const NAMES: [&'static str; 9] = [
        "LivyUrl",
        "LivyHost",
        "ClusterId",
        "LivyPort",
        "LivyScheme",
        "LivyCaCertificate",
        "ResourceManager",
        "ResourceManagerUrl",
        "ResourceManagerUser",
    ];

    /// Reads the endpoint's fields; what is wrong with them goes into the reader's mistakes.
    pub fn read(fields: &mut Fields<'_>, clusters: ClusterIds) -> Self {
        let address = address(fields, clusters);
        let declared = Self {
            port: fields
                .whole_number("LivyPort", 1..=65535)
                .and_then(|port| u16::try_from(port).ok()),
            scheme: fields.choice("LivyScheme", &[("http", "http"), ("https", "https")]),
            ca_certificate: ca_certificate(fields),
            without_resource_manager: fields
                .choice("ResourceManager", &[("Required", false), ("None", true)])
                .unwrap_or(false),
            resource_manager_urls: resource_manager_urls(fields),
            resource_manager_user: fields.text("ResourceManagerUser"),
            address,
        };
        if matches!(declared.address, Some(Address::Url(_)))
            && (declared.port.is_some() || declared.scheme.is_some())
        {
            fields.mistake("`LivyUrl` says the port and the scheme: leave `LivyPort` and `LivyScheme` out");
        }
        declared
    }

    /// Whether a Livy is named at all.
    pub fn names_livy(&self) -> bool {
        self.address.is_some()
    }

    /// Whether any field of an endpoint was given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The EMR cluster whose primary node has to be looked up.
    pub fn cluster_id(&self) -> Option<&str> {
        match &self.address {
            Some(Address::Cluster(id)) => Some(id),
            _ => None,
        }
    }

    /// Whether Livy is to be spoken to over TLS, if that was declared.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme
    }

    /// The endpoint, once the primary node of a declared cluster is known; none when no Livy is named.
    pub fn resolve(&self, primary_node: Option<&str>) -> Result<Option<Endpoint>, Mistakes> {
        let livy = match &self.address {
            None => return Ok(None),
            Some(Address::Url(url)) => url.clone(),
            Some(Address::Host(host)) => self.livy_at(host)?,
            Some(Address::Cluster(id)) => match primary_node {
                Some(host) => self.livy_at(host)?,
                None => return Err(Mistakes::one(format!("the primary node of `{id}` is not known"))),
            },
        };
        let resource_manager = self.resource_manager_beside(&livy)?;
        Ok(Some(Endpoint {
            livy,
            ca_certificate: self.ca_certificate.clone(),
            resource_manager,
        }))
    }

    /// What of the declaration enters the spec. The port and the scheme stand there even when they are left to
    /// their defaults, so that spelling a default out replaces nothing.
    pub fn to_canonical(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: String| object.insert(name.into(), json!(value));
        match &self.address {
            Some(Address::Url(url)) => drop(put("LivyUrl", url.to_string())),
            Some(Address::Host(host)) => drop(put("LivyHost", host.clone())),
            Some(Address::Cluster(id)) => drop(put("ClusterId", id.clone())),
            None => {}
        }
        if matches!(self.address, Some(Address::Host(_) | Address::Cluster(_))) {
            put("LivyPort", self.port.unwrap_or(LIVY_PORT).to_string());
            put("LivyScheme", self.scheme.unwrap_or("http").into());
        }
        if let Some(urls) = &self.resource_manager_urls {
            put(
                "ResourceManagerUrl",
                urls.iter().map(Url::as_str).collect::<Vec<_>>().join(","),
            );
        }
        Value::Object(object)
    }

    fn livy_at(&self, host: &str) -> Result<Url, Mistakes> {
        let scheme = self.scheme.unwrap_or("http");
        let port = self.port.unwrap_or(LIVY_PORT);
        let bracketed = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        Url::parse(&format!("{scheme}://{bracketed}:{port}"))
            .map_err(|_| Mistakes::one(format!("`LivyHost` is not a host name: `{host}`")))
    }

    fn resource_manager_beside(&self, livy: &Url) -> Result<ResourceManager, Mistakes> {
        if self.without_resource_manager {
            return Ok(ResourceManager::None);
        }
        let urls = match &self.resource_manager_urls {
            Some(urls) => urls.clone(),
            None => vec![default_resource_manager(livy)?],
        };
        let user = self
            .resource_manager_user
            .clone()
            .unwrap_or_else(|| RESOURCE_MANAGER_USER.to_owned());
        Ok(ResourceManager::Required { urls, user })
    }
}

/// The ResourceManager that EMR runs beside this Livy.
pub fn default_resource_manager(livy: &Url) -> Result<Url, Mistakes> {
    let port = if livy.scheme() == "https" {
        RESOURCE_MANAGER_TLS_PORT
    } else {
        RESOURCE_MANAGER_PORT
    };
    let mut url = livy.clone();
    url.set_path("/");
    url.set_query(None);
    url.set_port(Some(port))
        .map_err(|()| Mistakes::one(format!("`{livy}` has no host")))?;
    Ok(url)
}

/// An http or https address with a host, and nothing after its path.
pub fn parse_url(name: &str, text: &str) -> Result<Url, Mistakes> {
    let refuse = |why: &str| {
        Mistakes::one(format!(
            "`{name}` must be an address such as `http://host:8998`: {why}"
        ))
    };
    let url = Url::parse(text.trim()).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("it needs `http://` or `https://` and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("credentials do not belong into it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("nothing may follow the path"));
    }
    Ok(url)
}

fn address(fields: &mut Fields<'_>, clusters: ClusterIds) -> Option<Address> {
    let url = fields.text("LivyUrl");
    let host = fields.text("LivyHost");
    let cluster = match clusters {
        ClusterIds::Accepted => fields.text("ClusterId"),
        ClusterIds::Refused => None,
    };
    if [url.is_some(), host.is_some(), cluster.is_some()]
        .into_iter()
        .filter(|given| *given)
        .count()
        > 1
    {
        let names = match clusters {
            ClusterIds::Accepted => "`LivyUrl`, `LivyHost` and `ClusterId`",
            ClusterIds::Refused => "`LivyUrl` and `LivyHost`",
        };
        fields.mistake(format!("give only one of {names}"));
        return None;
    }
    if let Some(url) = url {
        return match parse_url("LivyUrl", &url) {
            Ok(url) => Some(Address::Url(url)),
            Err(mistakes) => {
                fields.mistakes(mistakes);
                None
            }
        };
    }
    if let Some(host) = host {
        let plain = host.trim();
        let is_address = plain.parse::<std::net::Ipv6Addr>().is_ok();
        if plain.contains(['/', '@', '?', '#']) || plain.contains(char::is_whitespace) {
            fields.mistake(format!(
                "`LivyHost` must be a host name alone, not `{host}`; an address goes to `LivyUrl`"
            ));
            return None;
        }
        if plain.contains(':') && !is_address {
            fields.mistake(format!(
                "`LivyHost` must be a host name alone, not `{host}`; the port goes to `LivyPort`"
            ));
            return None;
        }
        return Some(Address::Host(plain.to_ascii_lowercase()));
    }
    let id = cluster?;
    if !(id.starts_with("j-") && id.len() > 2 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')) {
        fields.mistake(format!(
            "`ClusterId` must be an EMR cluster id such as `j-2AXXXXXXGAPLF`, not `{id}`"
        ));
        return None;
    }
    Some(Address::Cluster(id))
}

fn ca_certificate(fields: &mut Fields<'_>) -> Option<String> {
    let pem = fields.text("LivyCaCertificate")?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        fields.mistake(
            "`LivyCaCertificate` must be a certificate in PEM form (`-----BEGIN CERTIFICATE-----` …)",
        );
        return None;
    }
    Some(pem)
}

fn resource_manager_urls(fields: &mut Fields<'_>) -> Option<Vec<Url>> {
    let text = fields.text("ResourceManagerUrl")?;
    match parse_urls("ResourceManagerUrl", &text) {
        Ok(urls) => Some(urls),
        Err(mistakes) => {
            fields.mistakes(mistakes);
            None
        }
    }
}

/// One or more addresses, separated by commas.
pub fn parse_urls(name: &str, text: &str) -> Result<Vec<Url>, Mistakes> {
    text.split(',').map(|url| parse_url(name, url)).collect()
}

#[cfg(test)]
mod tests;
