//! One input as several: each part has a byte that says what to do, its length in two bytes, and its bytes.
//!
//! A length beyond the end means what is left, so every input has a meaning and most changes of one byte leave the other
//! parts as they were.

/// A part of an input.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What to do with it.
    pub how: u8,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// The parts of an input.
pub fn parts(mut input: &[u8]) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        let (&[how, low, high], rest) = input.split_first_chunk()?;
        let len = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (bytes, rest) = rest.split_at(len);
        input = rest;
        Some(Part { how, bytes })
    })
}

/// The input with these parts behind `head`.
pub fn joined(head: u8, parts: impl IntoIterator<Item = (u8, Vec<u8>)>) -> Vec<u8> {
    let mut input = vec![head];
    for (how, bytes) in parts {
        let len = u16::try_from(bytes.len()).expect("a part is shorter than 64 KiB");
        input.push(how);
        input.extend(len.to_le_bytes());
        input.extend(bytes);
    }
    input
}
