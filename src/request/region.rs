//! The region and account that this function runs in.

/// The region and account that this function runs in, if they are known. ARNs of others are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRegion {
    /// For example `eu-west-1`.
    pub region: Option<String>,
    /// Twelve digits.
    pub account: Option<String>,
}

impl OwnRegion {
    /// Reads region and account from the function's own ARN. A part that cannot be read is not compared later.
    #[must_use]
    pub fn from_function_arn(arn: &str) -> Self {
        let mut parts = arn.split(':').skip(2);
        if parts.next() != Some("lambda") {
            return Self::default();
        }
        let mut known = || parts.next().filter(|s| !s.is_empty()).map(str::to_owned);
        Self {
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

    /// An event's region and account as `region:account`, if they are not this function's own. A part that the event
    /// leaves out counts as this function's own.
    #[must_use]
    pub fn foreign_region(&self, region: Option<&str>, account: Option<&str>) -> Option<String> {
        let region = region.or(self.region.as_deref()).unwrap_or_default();
        let account = account.or(self.account.as_deref()).unwrap_or_default();
        (!self.owns(region, account)).then(|| format!("{region}:{account}"))
    }
}
