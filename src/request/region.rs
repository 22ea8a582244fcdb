//! The region and account that this function runs in.

/// The region and account that this function runs in, if they are known. ARNs of others are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRegion {
    /// For example `aws`.
    pub partition: Option<String>,
    /// For example `eu-west-1`.
    pub region: Option<String>,
    /// Twelve digits.
    pub account: Option<String>,
}

impl OwnRegion {
    /// Reads region and account from the function's own ARN. A part that cannot be read is not compared later.
    #[must_use]
    pub fn from_function_arn(arn: &str) -> Self {
        let mut parts = arn.split(':').skip(1);
        let mut known = || parts.next().filter(|s| !s.is_empty()).map(str::to_owned);
        let partition = known();
        if known().as_deref() != Some("lambda") {
            return Self::default();
        }
        Self {
            partition,
            region: known(),
            account: known(),
        }
    }

    /// Whether this region and account are this function's own, or cannot be compared.
    #[must_use]
    pub fn owns(&self, region: &str, account: &str) -> bool {
        self.region.as_deref().is_none_or(|own| own == region)
            && self.account.as_deref().is_none_or(|own| own == account)
    }

    /// The ARN of the job queue of this name, if partition, region and account are known.
    pub(super) fn queue_arn(&self, name: &str) -> Option<String> {
        let (partition, region) = (self.partition.as_ref()?, self.region.as_ref()?);
        let account = self.account.as_ref()?;
        Some(format!(
            "arn:{partition}:batch:{region}:{account}:job-queue/{name}"
        ))
    }

    /// An event's region and account as `region:account`, if they are not this function's own. A part that the event
    /// leaves out counts as this function's own.
    pub(crate) fn foreign_region(
        &self,
        region: Option<&str>,
        account: Option<&str>,
    ) -> Option<String> {
        let region = region.or(self.region.as_deref()).unwrap_or_default();
        let account = account.or(self.account.as_deref()).unwrap_or_default();
        (!self.owns(region, account)).then(|| format!("{region}:{account}"))
    }
}

/// The name of a job queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueName {
    /// The name.
    pub name: String,
    /// Its ARN here, if this function's own region and account are known.
    pub arn: Option<String>,
}
