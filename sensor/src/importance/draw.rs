//! A small seeded generator for the simulations in the tests of this folder.

/// SplitMix64 (Steele, Lea & Flood 2014) with the draws the simulations need.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform on (0, 1), both ends excluded.
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    pub(super) fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Box–Muller.
    pub(super) fn normal(&mut self) -> f64 {
        (2.0 * self.exponential()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma with unit rate, by Marsaglia & Tsang (2000).
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                return d * v;
            }
        }
    }

    /// Poisson by counting unit-rate arrivals; for means up to some hundreds.
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        let mut n = 0;
        let mut elapsed = self.exponential();
        while elapsed < mean {
            n += 1;
            elapsed += self.exponential();
        }
        n
    }
}

/// Asserts `P(p <= a) <= 1.1 a` at 0.1, 0.01 and 0.001 over `trials` calls of `p`.
///
/// A continuous (exact) p needs a million trials: then 1.1 a is three standard errors away at 0.001.
pub(super) fn assert_conservative(trials: u32, mut p: impl FnMut() -> f64) {
    let levels = [0.1, 0.01, 0.001];
    let mut hits = [0u32; 3];
    for _ in 0..trials {
        let p = p();
        assert!((0.0..=1.0).contains(&p), "p is {p}");
        for (hit, level) in hits.iter_mut().zip(levels) {
            *hit += u32::from(p <= level);
        }
    }
    for (hit, level) in hits.into_iter().zip(levels) {
        let rate = f64::from(hit) / f64::from(trials);
        assert!(rate <= 1.1 * level, "P(p <= {level}) is {rate}");
    }
}
