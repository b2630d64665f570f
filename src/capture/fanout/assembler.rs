//! Classic BPF with named places to jump to.

/// One instruction of classic BPF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does (`BPF_*`).
    pub code: u16,
    /// Instructions skipped where a condition holds.
    pub jump_true: u8,
    /// Instructions skipped where it does not.
    pub jump_false: u8,
    /// Its operand.
    pub operand: u32,
}

/// A place in a program, known by number until it is placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label(usize);

/// Where an instruction goes.
#[derive(Clone, Copy, Debug)]
enum Jump {
    Next,
    Always(Label),
    IfTrue(Label),
    IfFalse(Label),
}

/// A program that is being written.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    written: Vec<(u16, u32, Jump)>,
    /// By label: the instruction that it stands before.
    places: Vec<Option<usize>>,
}

/// Instructions without a jump: name, code, what it does. `A` is the accumulator, `X` the index, `M` the memory.
macro_rules! plain {
    ($($name:ident $code:literal $says:literal)+) => {
        impl Assembler {
            $(
                #[doc = $says]
                pub(super) fn $name(&mut self, operand: u32) {
                    self.written.push(($code, operand, Jump::Next));
                }
            )+
        }
    };
}

plain! {
    load_word 0x20 "A = four bytes at a fixed place."
    load_half 0x28 "A = two bytes at a fixed place."
    load_word_at 0x40 "A = four bytes so far behind X."
    load_half_at 0x48 "A = two bytes so far behind X."
    load_byte_at 0x50 "A = the byte so far behind X."
    load_memory 0x60 "A = M."
    load_index 0x61 "X = M."
    store 0x02 "M = A."
    store_index 0x03 "M = X."
    set_index 0x01 "X = a constant."
    and 0x54 "A = A and a constant."
    shift_left 0x64 "A = A shifted to the left."
    shift_right 0x74 "A = A shifted to the right."
    multiply 0x24 "A = A times a constant."
    add 0x04 "A = A plus a constant."
    give_constant 0x06 "Ends with a constant."
}

impl Assembler {
    /// A place that is not known yet.
    pub(super) fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    /// The next instruction stands at this place.
    pub(super) fn place(&mut self, label: Label) {
        self.places[label.0] = Some(self.written.len());
    }

    /// A = A plus X.
    pub(super) fn add_index(&mut self) {
        self.written.push((0x0c, 0, Jump::Next));
    }

    /// A = A exclusive-or X.
    pub(super) fn xor_index(&mut self) {
        self.written.push((0xac, 0, Jump::Next));
    }

    /// X = A.
    pub(super) fn index_from_accumulator(&mut self) {
        self.written.push((0x07, 0, Jump::Next));
    }

    /// X = X plus a constant. A is lost.
    pub(super) fn advance_index(&mut self, by: u32) {
        self.written.push((0x87, 0, Jump::Next));
        self.add(by);
        self.index_from_accumulator();
    }

    /// Ends with A.
    pub(super) fn give(&mut self) {
        self.written.push((0x16, 0, Jump::Next));
    }

    /// Goes to a place.
    pub(super) fn jump(&mut self, to: Label) {
        self.written.push((0x05, 0, Jump::Always(to)));
    }

    /// Goes to a place if A is a constant.
    pub(super) fn jump_if_equal(&mut self, constant: u32, to: Label) {
        self.written.push((0x15, constant, Jump::IfTrue(to)));
    }

    /// Goes to a place if A is not a constant.
    pub(super) fn jump_unless_equal(&mut self, constant: u32, to: Label) {
        self.written.push((0x15, constant, Jump::IfFalse(to)));
    }

    /// Goes to a place if A is a constant or more.
    pub(super) fn jump_if_at_least(&mut self, constant: u32, to: Label) {
        self.written.push((0x35, constant, Jump::IfTrue(to)));
    }

    /// Goes to a place if A has any of these bits.
    pub(super) fn jump_if_any(&mut self, bits: u32, to: Label) {
        self.written.push((0x45, bits, Jump::IfTrue(to)));
    }

    /// The program. Panics where a label was not placed or is too far away: that is a mistake in the program, the same on
    /// every machine, and its tests find it.
    pub(super) fn finish(self) -> Vec<Instruction> {
        let far = |at: usize, to: Label| {
            let place = self.places[to.0].expect("every label is placed");
            place.checked_sub(at + 1).expect("jumps go forward")
        };
        let near = |at, to| u8::try_from(far(at, to)).expect("conditions jump less than 256 on");
        let written = self.written.iter().enumerate();
        let instructions = written.map(|(at, &(code, operand, jump))| {
            let mut instruction = Instruction {
                code,
                jump_true: 0,
                jump_false: 0,
                operand,
            };
            match jump {
                Jump::Next => {}
                Jump::Always(to) => {
                    instruction.operand = u32::try_from(far(at, to)).expect("programs are short");
                }
                Jump::IfTrue(to) => instruction.jump_true = near(at, to),
                Jump::IfFalse(to) => instruction.jump_false = near(at, to),
            }
            instruction
        });
        instructions.collect()
    }
}
