//! The `saturing` command: prints, and ends with the exit code.

fn main() {
    std::process::exit(saturing::cli::run(std::env::args_os().skip(1)));
}
