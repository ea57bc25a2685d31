//! The pages are built by npm, not by cargo; without them there is nothing to embed.

fn main() {
    println!("cargo::rerun-if-changed=ui/dist");
    if !std::path::Path::new("ui/dist/index.html").is_file() {
        println!(
            "cargo::error=the portal's pages are not built: run `make ui` (npm ci && npm run build in portal/ui)"
        );
    }
}
