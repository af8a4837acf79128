//! Sets `cfg(loom)` for this package alone. With it, the queue uses the lock types of loom.

fn main() {
    println!("cargo:rustc-cfg=loom");
    println!("cargo:rerun-if-changed=build.rs");
}
