//! Files that change while they are read: what is wrong with one is told when it is still so at the next look.

use crate::config::FileStamp;

/// How files lay there at the last look, and what was wrong with them.
pub(super) struct Settling<E> {
    known: Vec<FileStamp>,
    doubtful: Option<E>,
}

impl<E: Clone + PartialEq> Settling<E> {
    /// They were read when they lay there like this.
    pub(super) fn known(stamps: Vec<FileStamp>) -> Self {
        Self {
            known: stamps,
            doubtful: None,
        }
    }

    /// Reads files that changed. `None` where nothing did, or where what is wrong may be only half written.
    pub(super) fn look<T>(
        &mut self,
        stamps: Vec<FileStamp>,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        if stamps == self.known && self.doubtful.is_none() {
            return None;
        }
        let is_settled = std::mem::replace(&mut self.known, stamps.clone()) == stamps;
        let reading = read();
        match (&reading, self.doubtful.take()) {
            (Err(fault), before) if !is_settled || before.as_ref() != Some(fault) => {
                self.doubtful = Some(fault.clone());
                None
            }
            _ => Some(reading),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_once_it_stays() {
        let stamps = |size: u64| vec![("a".into(), Some((std::time::UNIX_EPOCH, size, 1)))];
        let mut settling = Settling::known(stamps(1));
        let mut look =
            |size: u64, reading: Result<u8, &'static str>| settling.look(stamps(size), || reading);
        assert_eq!(look(1, Err("not read")), None);
        assert_eq!(look(2, Ok(2)), Some(Ok(2)));
        assert_eq!(look(3, Err("half")), None);
        assert_eq!(look(4, Err("half")), None);
        assert_eq!(look(4, Err("half")), Some(Err("half")));
        assert_eq!(look(4, Err("half")), None, "told once");
        assert_eq!(look(5, Err("half")), None);
        assert_eq!(look(5, Ok(5)), Some(Ok(5)), "whole now");
    }
}
