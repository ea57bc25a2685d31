//! A worker, for the tests: what `fastx balance-worker` is in the product.

fn main() -> std::process::ExitCode {
    balance::worker::run()
}
