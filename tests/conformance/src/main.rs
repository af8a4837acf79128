//! `conformance`: see the library.

fn main() {
    std::process::exit(conformance::main(std::env::args_os()));
}
