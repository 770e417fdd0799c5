//! Builds the BPF object of `sensor-ebpf`, so that `isthmus` is one file to copy.
//!
//! `AYA_BUILD_SKIP=1` leaves it out (documentation, lints, a machine without a BPF toolchain): the program then
//! replays captures and says on `run` that it was built without its kernel part.

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-env-changed=AYA_BUILD_SKIP");
    let object = PathBuf::from(std::env::var("OUT_DIR")?).join("isthmus-xdp");
    let skip = std::env::var_os("AYA_BUILD_SKIP").is_some_and(|v| v == "1");
    if skip {
        std::fs::write(&object, [])?;
        return Ok(());
    }
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../sensor-ebpf");
    aya_build::build_ebpf(
        [aya_build::Package {
            name: "sensor-ebpf",
            root_dir: root.to_str().ok_or_else(|| anyhow::anyhow!("the path {root:?} is not UTF-8"))?,
            features: &["kernel"],
            no_default_features: false,
        }],
        aya_build::Toolchain::default(),
    )
}
