//! One way to write a plain id: of vendors, services, packs and resolvers alike.

/// Declares a newtype over a text of lower-case letters, digits and inner hyphens, with `parse`, `as_str`, `Display`.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Lower-case letters, digits and inner hyphens, at most 64; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                let inner = !text.starts_with('-') && !text.ends_with('-');
                let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                (inner && plain && (1..=64).contains(&text.len())).then(|| Self(std::sync::Arc::from(text)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

pub(crate) use text_id;
