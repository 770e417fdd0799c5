//! s7comm_plus

/// Registration.
pub static SPEC: super::Spec = super::Spec {
    name: "s7comm_plus",
    title: "s7comm_plus",
    ports: &[],
    industrial: false,
    probe: |_| super::Verdict::No,
    decoder: || Box::new(Nothing),
    about: "",
};
struct Nothing;
impl super::Decode for Nothing {
    fn decode(&mut self, input: super::Input<'_>, _out: &mut Vec<super::Event>) -> usize {
        input.bytes.len()
    }
}
