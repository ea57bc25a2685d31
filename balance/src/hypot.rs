//! `hypot`, so that the program starts where the C library is older.
//!
//! `Math.hypot` of the interpreter calls the C library's function, which got a new version in glibc 2.35; every other
//! symbol of the program is in glibc 2.34, that of RHEL 9. A definition in the program itself comes before the
//! library's. `packaging/make-package` refuses a program that asks for a newer glibc.

#[expect(
    unsafe_code,
    reason = "takes the place of the C library's function of this name, with its signature and meaning"
)]
#[unsafe(no_mangle)]
extern "C" fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

#[cfg(test)]
mod tests {
    /// C17 annex F.10.4.3: no overflow on the way, and an infinity wins over what is no number.
    #[test]
    fn is_the_distance_that_the_standard_says() {
        let (hypot, far) = (f64::hypot, f64::MAX / 2.0);
        assert_eq!(hypot(3.0, -4.0), 5.0);
        assert!(hypot(far, far).is_finite());
        assert_eq!(hypot(f64::NEG_INFINITY, f64::NAN), f64::INFINITY);
        assert!(hypot(1.0, f64::NAN).is_nan());
    }
}
