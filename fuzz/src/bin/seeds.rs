//! Writes every seed to `fuzz/corpus/TARGET/seed-NAME`. What fuzzing added there stays.

use std::fs;
use std::io;
use std::path::Path;

use straggler_fuzz::seeds;

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = seeds::all();
    for seed in &seeds {
        let folder = corpus.join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{}", seed.name)), &seed.bytes)?;
    }
    eprintln!("{} seeds in {}", seeds.len(), corpus.display());
    Ok(())
}
