//! Many measurements of one thing.

/// Measurements in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The least of them that so great a part (0 to 1) does not exceed; 0 of none.
    pub fn quantile(&self, part: f64) -> f64 {
        let rank = (part * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The greatest.
    pub fn greatest(&self) -> f64 {
        self.quantile(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measurements() {
        let spread = Spread::of((1..=100).rev().map(f64::from));
        assert_eq!((spread.median(), spread.quantile(0.99)), (50.0, 99.0));
        assert_eq!((spread.greatest(), spread.count()), (100.0, 100));
        let one = Spread::of([7.0]);
        assert_eq!((one.median(), one.quantile(0.99)), (7.0, 7.0));
        assert_eq!(Spread::default().median(), 0.0);
    }
}
