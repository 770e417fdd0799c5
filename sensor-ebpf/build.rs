//! Arguments for bpf-linker; they reach only the BPF binary, never the host library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target.starts_with("bpf") {
        // v3: 32-bit registers and jumps (Linux 5.1); v4 would ask for 6.6.
        println!("cargo:rustc-link-arg-bins=--cpu=v3");
    }
}
