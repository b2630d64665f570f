//! One way to write a closed list whose members have a fixed label: in packs, metrics, JSON and tables alike.

/// Declares an enum with `ALL`, `label()`, `Display`, `Serialize` and `FromStr`, all from one list.
macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $label:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$item_doc])* $item,)* }

        impl $name {
            /// Every member, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$item,)*];

            /// The member's word in packs, metrics, JSON and tables.
            pub fn label(self) -> &'static str {
                match self { $(Self::$item => $label,)* }
            }

            /// Position in [`Self::ALL`]; index into an array of counters.
            pub fn index(self) -> usize {
                self as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.label())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.label())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// The error names what would have been right.
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($label => Ok(Self::$item),)*
                    _ => Err(format!("unknown value `{text}`, write one of: {}", [$($label),*].join(", "))),
                }
            }
        }
    };
}

pub(crate) use closed_list;
