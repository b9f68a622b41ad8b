//! moto, as somebody sets it up who prepares clusters and secrets.

use std::io::Write as _;
use std::sync::Once;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_emr as emr;
use aws_sdk_secretsmanager as secrets;
use aws_sdk_sfn::config::{Credentials, SharedCredentialsProvider};
use emr::types::{
    HadoopJarStepConfig, InstanceGroupConfig, InstanceRoleType, JobFlowInstancesConfig, StepConfig, Tag,
};
use spark_job_function::aws::Aws;

const VARIABLE: &str = "SPARKWRIGHT_MOTO_URL";

/// moto's services, and the function's clients for them.
pub(crate) struct Moto {
    config: SdkConfig,
    emr: emr::Client,
    pub(crate) secrets: secrets::Client,
}

impl Moto {
    /// Nothing if the environment does not say where moto is.
    pub(crate) fn find() -> Option<Moto> {
        static SKIPPED: Once = Once::new();
        let Some(url) = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()) else {
            // Written past the test's own capture, so that a plain run shows it.
            let mut out = std::io::stdout();
            SKIPPED
                .call_once(|| writeln!(out, "moto: all tests are skipped, {VARIABLE} is not set").unwrap());
            return None;
        };
        let credentials = Credentials::new("AKIDMOTO", "moto", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(url)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Some(Moto {
            emr: emr::Client::new(&config),
            secrets: secrets::Client::new(&config),
            config,
        })
    }

    /// The function's own way to AWS.
    pub(crate) fn aws(&self) -> Aws {
        Aws::of(self.config.clone())
    }

    /// A new cluster that is as these tags say; its id.
    pub(crate) async fn cluster(&self, tags: &[(&str, &str)]) -> String {
        self.run(tags, None).await
    }

    /// A new cluster that works on a step, so that it is RUNNING.
    pub(crate) async fn busy_cluster(&self) -> String {
        let jar = HadoopJarStepConfig::builder().jar("command-runner.jar").build();
        let step = StepConfig::builder().name("step").hadoop_jar_step(jar).build();
        let id = self.run(&[], Some(&step)).await;
        // moto says WAITING of a cluster that was made with its steps.
        let added = self.emr.add_job_flow_steps().job_flow_id(&id).steps(step);
        added.send().await.unwrap();
        id
    }

    async fn run(&self, tags: &[(&str, &str)], step: Option<&StepConfig>) -> String {
        let group = |role: InstanceRoleType| {
            InstanceGroupConfig::builder()
                .instance_role(role)
                .instance_type("m5.xlarge")
                .instance_count(1)
                .build()
        };
        let instances = JobFlowInstancesConfig::builder()
            .keep_job_flow_alive_when_no_steps(true)
            // A node of another role, which is never to be taken for the primary one.
            .instance_groups(group(InstanceRoleType::Core))
            .instance_groups(group(InstanceRoleType::Master))
            .build();
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
        let started = self
            .emr
            .run_job_flow()
            .name("moto")
            .instances(instances)
            .set_tags(Some(tags.collect()))
            .set_steps(step.map(|step| vec![step.clone()]))
            .send()
            .await
            .unwrap();
        started.job_flow_id().unwrap().to_owned()
    }

    /// Ends a cluster.
    pub(crate) async fn terminate(&self, cluster_id: &str) {
        let ended = self.emr.terminate_job_flows().job_flow_ids(cluster_id);
        ended.send().await.unwrap();
    }

    /// The names of a cluster's primary instance: private, public.
    pub(crate) async fn primary_names(&self, cluster_id: &str) -> (String, String) {
        let described = self.emr.describe_cluster().cluster_id(cluster_id).send().await;
        let public = described
            .unwrap()
            .cluster()
            .and_then(emr::types::Cluster::master_public_dns_name)
            .unwrap()
            .to_owned();
        let all = self
            .emr
            .list_instances()
            .cluster_id(cluster_id)
            .send()
            .await
            .unwrap();
        assert_eq!(all.instances().len(), 2, "{all:?}");
        let primary = all
            .instances()
            .iter()
            .find(|instance| instance.public_dns_name() == Some(&public))
            .unwrap();
        (primary.private_dns_name().unwrap().to_owned(), public)
    }

    /// A new secret with this text; its ARN.
    pub(crate) async fn secret(&self, name: &str, text: &str) -> String {
        let created = self
            .secrets
            .create_secret()
            .name(unique(name))
            .secret_string(text);
        created.send().await.unwrap().arn().unwrap().to_owned()
    }

    /// Gives a secret another text.
    pub(crate) async fn rotate(&self, arn: &str, text: &str) {
        let put = self.secrets.put_secret_value().secret_id(arn).secret_string(text);
        put.send().await.unwrap();
    }

    /// Marks a secret for deletion.
    pub(crate) async fn delete_secret(&self, arn: &str) {
        self.secrets.delete_secret().secret_id(arn).send().await.unwrap();
    }
}

/// A name that an earlier run of these tests has not used.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}
