//! The crate is about CloudFormation only, whoever uses it.

use std::fs;
use std::path::Path;

/// Checks every file below a folder.
fn check(folder: &Path, checked: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check(&path, checked);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for word in ["spark", "livy", "yarn"] {
            assert!(!text.contains(word), "{} speaks of {word}", path.display());
        }
        *checked += 1;
    }
}

#[test]
fn it_knows_nothing_of_the_jobs_that_it_was_written_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    check(&root.join("src"), &mut checked);
    for file in ["Cargo.toml", "README.md"] {
        let text = fs::read_to_string(root.join(file)).unwrap().to_lowercase();
        // Where it comes from may be said.
        let mut lines = text.lines().filter(|line| !line.starts_with("repository"));
        assert!(lines.all(|line| !line.contains("spark")), "{file}");
    }
    assert!(checked > 15, "{checked} files");
}
