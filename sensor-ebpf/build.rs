//! Arguments for bpf-linker; they reach only the BPF binary, never the host library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target.starts_with("bpf") {
        // Headers stand at any offset, and every CPU that matters here reads unaligned words: without this each
        // address would be put together from single bytes.
        println!("cargo:rustc-link-arg-bins=--cpu-features=+allows-misaligned-mem-access");
    }
}
