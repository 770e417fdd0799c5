//! Special functions in log space, accurate where the answer is a probability of 1e-300 or far less.
//!
//! `statrs` returns such tails as 0 (its results are linear), so the incomplete beta function is computed here
//! as a logarithm; `statrs` supplies `ln Γ` and checks these results in the tests.

use statrs::function::gamma::ln_gamma;

/// Iterations after which the continued fraction is taken as it stands. It needs some `sqrt(min(a, b))`; under a
/// hundred for all parameters the families use.
const ITERATIONS: u32 = 10_000;

/// Natural logarithm of the regularised incomplete beta function `I_x(a, b)`, `y = 1 - x`.
///
/// `x` and `y` are both arguments because a tiny `1 - x` cannot be recovered from `x`. Requires `x, y >= 0`
/// and `a, b` in 1e-4 to 1e13; the result is in `[-inf, 0]`. Its absolute error, the relative error of the
/// probability, is about 1e-12, and up to `1e-15 · max(a, b)` where `x` is within `1 / max(a, b)` of 0 or 1.
///
/// Method: Lentz's evaluation of the continued fraction DLMF 8.17.22 on the side where it converges fast, with the
/// prefactor in Loader's saddle-point form ("Fast and accurate computation of binomial probabilities", 2000),
/// which loses no digits for large parameters.
pub(super) fn ln_beta_reg(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if y <= 0.0 {
        return 0.0;
    }
    let direct = x <= (a + 1.0) / (a + b + 2.0);
    let (a, b, x, y) = if direct { (a, b, x, y) } else { (b, a, y, x) };
    let ln_side = ln_beta_kernel(a, b, x, y) - a.ln() + fraction(a, b, x).ln();
    let ln_side = ln_side.min(0.0);
    if direct { ln_side } else { ln_one_minus_exp(ln_side) }
}

/// `ln(1 - e^v)` for `v <= 0` (Mächler 2012, "Accurately computing log(1 - exp(-|a|))").
fn ln_one_minus_exp(v: f64) -> f64 {
    if v > -std::f64::consts::LN_2 { (-v.exp_m1()).ln() } else { (-v.exp()).ln_1p() }
}

/// `ln( x^a y^b / B(a, b) )`.
fn ln_beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let size = 0.5 * (a.ln() + b.ln() - n.ln() - std::f64::consts::TAU.ln());
    size + stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y)
}

/// `ln Γ(z)` less Stirling's approximation `(z - 1/2) ln z - z + ln(2π)/2` (DLMF 5.11.1).
fn stirling_error(z: f64) -> f64 {
    if z < 16.0 {
        return ln_gamma(z) - (z - 0.5) * z.ln() + z - 0.5 * std::f64::consts::TAU.ln();
    }
    let w = 1.0 / (z * z);
    (1.0 / 12.0 - w * (1.0 / 360.0 - w * (1.0 / 1260.0 - w * (1.0 / 1680.0 - w / 1188.0)))) / z
}

/// Loader's deviance `x ln(x/m) + m - x`, without cancellation where `x` is near `m`.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut term = 2.0 * x * v;
    for j in 1..100 {
        term *= v * v;
        let next = sum + term / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// The continued fraction of `I_x(a, b)` by the modified Lentz method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let keep = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for step in 1..ITERATIONS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    h.max(f64::MIN_POSITIVE)
}

/// Natural logarithm of `P(T >= t)` for Student's t with `nu` degrees of freedom.
///
/// For `t >= 0` this is `ln(I_z(nu/2, 1/2) / 2)`, `z = nu / (nu + t²)` (Abramowitz & Stegun 26.7.1).
pub(super) fn ln_student_upper(t: f64, nu: f64) -> f64 {
    // Divided by t before squaring, so that a huge t does not overflow.
    let (z, rest) = if t.abs() > 1.0 {
        let inverse = nu / t / t;
        (inverse / (1.0 + inverse), 1.0 / (1.0 + inverse))
    } else {
        (nu / (nu + t * t), t * t / (nu + t * t))
    };
    let ln_tail = ln_beta_reg(nu / 2.0, 0.5, z, rest) - std::f64::consts::LN_2;
    if t >= 0.0 { ln_tail } else { (-ln_tail.exp()).ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::function::beta::beta_reg;

    fn close(got: f64, want: f64, relative: f64) {
        assert!((got - want).abs() <= relative * want.abs().max(1.0), "got {got}, want {want}");
    }

    #[test]
    fn the_incomplete_beta_function_agrees_with_60_digit_arithmetic() {
        // mpmath 1.3, mp.dps = 60: log(betainc(a, b, 0, x, regularized=True))
        for (a, b, x, want) in [
            (0.5, 0.5, 0.25, -1.098_612_288_668_109_8),
            (5.0, 1.0, 0.1, -11.512_925_464_970_229),
            (1000.0, 1.0, 0.5, -693.147_180_559_945_4),
            (200.0, 2.5, 0.01, -913.376_900_246_645_2),
            (3.0, 40.0, 0.05, -1.046_930_283_201_750_4),
            (30.0, 4.0, 0.95, -0.084_261_880_410_378_08),
            (100_000.0, 20.0, 0.9995, -14.562_174_016_313_314),
        ] {
            close(ln_beta_reg(a, b, x, 1.0 - x), want, 1e-11);
        }
    }

    #[test]
    fn stirlings_error_agrees_with_60_digit_arithmetic_on_both_sides_of_the_switch() {
        for (z, want) in [
            (0.5, 0.153_426_409_720_027_36),
            (15.0, 0.005_554_733_551_962_801),
            (16.0, 0.005_207_655_919_609_64),
        ] {
            close(stirling_error(z), want, 1e-12);
        }
    }

    #[test]
    fn students_tail_has_its_closed_forms() {
        // One degree of freedom is Cauchy, two have P(T > t) = 1/2 - t / (2 sqrt(2 + t²)).
        close(ln_student_upper(1.0, 1.0), 0.25_f64.ln(), 1e-13);
        close(ln_student_upper(-1.0, 1.0), 0.75_f64.ln(), 1e-13);
        close(ln_student_upper(3.0, 2.0), (0.5 - 1.5 / 11.0_f64.sqrt()).ln(), 1e-12);
        close(ln_student_upper(0.0, 7.0), 0.5_f64.ln(), 1e-13);
        // mpmath 1.3, mp.dps = 60.
        close(ln_student_upper(5.0, 10.0), -8.222_038_602_718_098, 1e-12);
        close(ln_student_upper(30.0, 200.0), -173.944_918_223_143_16, 1e-12);
        close(ln_student_upper(1e6, 4.0), -54.163_429_943_195_65, 1e-12);
        close(ln_student_upper(1e-3, 3.0), -0.693_882_555_912_672_3, 1e-12);
    }

    proptest! {
        #[test]
        fn it_agrees_with_statrs_where_that_is_accurate(a in 0.1..200.0, b in 0.1..200.0, x in 0.001..0.999) {
            let linear = beta_reg(a, b, x);
            prop_assume!(linear > 1e-200);
            prop_assert!((ln_beta_reg(a, b, x, 1.0 - x) - linear.ln()).abs() < 1e-8);
        }

        #[test]
        fn it_has_its_closed_form_for_b_one_however_deep(a in 0.0..10.0, y in -12.0..-0.01) {
            // I_x(a, 1) = x^a, and by symmetry I_y(1, a) = 1 - x^a.
            let (a, y) = (10f64.powf(a), 10f64.powf(y));
            let want = a * (-y).ln_1p();
            let tolerance = |want: f64| 1e-10 * want.abs() + 1e-15 * a + 1e-12;
            let got = ln_beta_reg(a, 1.0, 1.0 - y, y);
            prop_assert!((got - want).abs() < tolerance(want), "a = {a}, y = {y}: {got}, want {want}");
            let (got, want) = (ln_beta_reg(1.0, a, y, 1.0 - y), (-want.exp_m1()).ln());
            prop_assert!((got - want).abs() < tolerance(want), "a = {a}, y = {y}: {got}, want {want}");
        }

        #[test]
        fn it_is_never_nan_and_never_above_one(a in -4.0..13.0, b in -4.0..13.0, x in -300.0..0.0) {
            let (a, b, x) = (10f64.powf(a), 10f64.powf(b), 10f64.powf(x));
            let ln = ln_beta_reg(a, b, x, 1.0 - x);
            prop_assert!(ln <= 0.0, "{ln}");
        }
    }
}
